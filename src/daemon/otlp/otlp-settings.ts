import {hostname} from 'node:os';
import {isLoopback} from '../../network/is-loopback.ts';
import type {Environment} from '../../text/environment.ts';
import {printable} from '../../text/printable.ts';
import {showAddress} from '../../text/show-address.ts';
import {VERSION} from '../../version.ts';

/** The collector that OpenTelemetry's variables name. */
export interface OtlpSettings {
  readonly kind: 'on';
  readonly url: string;
  /** Names in lower case. The values are secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** In milliseconds. */
  readonly every: number;
  /** For one request, in milliseconds. */
  readonly timeout: number;
  readonly resource: Readonly<Record<string, string>>;
}

type Read = OtlpSettings | {readonly kind: 'off'} | {readonly kind: 'wrong'; readonly message: string};

/** @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/ */
export function readOtlpSettings(environment: Environment): Read {
  const url = isOff(environment) ? undefined : addressIn(environment);
  if (url === undefined) return {kind: 'off'};
  const problem = whyUnsupported(environment) ?? whyUnusable(url);
  if (problem !== undefined) return wrong(problem);
  const headers = headersIn(exporterVariable(environment, 'HEADERS'));
  if (headers === undefined)
    return wrong(
      'OTEL_EXPORTER_OTLP_HEADERS must be NAME=VALUE, with commas between them and escapes as in a URL',
    );
  const resource = resourceIn(environment);
  if (resource === undefined)
    return wrong('OTEL_RESOURCE_ATTRIBUTES must be NAME=VALUE, with commas between them');
  const every = millisecondsIn(environment['OTEL_METRIC_EXPORT_INTERVAL'], 60_000);
  const timeout = millisecondsIn(exporterVariable(environment, 'TIMEOUT'), 10_000);
  return every === undefined || timeout === undefined
    ? wrong(
        'OTEL_METRIC_EXPORT_INTERVAL and OTEL_EXPORTER_OTLP_TIMEOUT must be 1 to 86400000, in milliseconds',
      )
    : {kind: 'on', url, headers, every, timeout, resource};
}

function isOff({OTEL_SDK_DISABLED: disabled = '', OTEL_METRICS_EXPORTER: exporters}: Environment): boolean {
  return disabled.toLowerCase() === 'true' || !(exporters || 'otlp').split(',').includes('otlp');
}

/** Returns what is set for metrics, or else for all signals. */
function exporterVariable(environment: Environment, name: string): string | undefined {
  return environment[`OTEL_EXPORTER_OTLP_METRICS_${name}`] || environment[`OTEL_EXPORTER_OTLP_${name}`];
}

function whyUnsupported(environment: Environment): string | undefined {
  const protocol = exporterVariable(environment, 'PROTOCOL') ?? JSON_PROTOCOL;
  if (protocol !== JSON_PROTOCOL)
    return `the protocol ${printable(protocol, 40)} is not possible: set OTEL_EXPORTER_OTLP_PROTOCOL=${JSON_PROTOCOL}`;
  return exporterVariable(environment, 'CERTIFICATE') === undefined
    ? undefined
    : 'OTEL_EXPORTER_OTLP_CERTIFICATE is not possible: name the file in NODE_EXTRA_CA_CERTS';
}

function headersIn(text: string | undefined): Record<string, string> | undefined {
  const pairs = pairsIn(text);
  if (pairs === undefined || !Object.entries(pairs).every(isHeader)) return undefined;
  return Object.fromEntries(Object.entries(pairs).map(([name, value]) => [name.toLowerCase(), value]));
}

function resourceIn(environment: Environment): Record<string, string> | undefined {
  const attributes = pairsIn(environment['OTEL_RESOURCE_ATTRIBUTES']);
  const name = environment['OTEL_SERVICE_NAME'];
  return (
    attributes && {
      'service.name': 'orgkey',
      'service.version': VERSION,
      'host.name': hostname(),
      ...attributes,
      ...(name && {'service.name': name}),
    }
  );
}

const JSON_PROTOCOL = 'http/json';

/** The address for metrics is taken as it is, and the one for all signals is where their paths begin. */
function addressIn(environment: Environment): string | undefined {
  const base = environment['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return (
    environment['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'] ||
    (base ? `${base.replace(/\/+$/, '')}/v1/metrics` : undefined)
  );
}

function whyUnusable(address: string): string | undefined {
  const shown = printable(showAddress(address, 'remote').shown, 200);
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) return `${shown} is not an address of a collector`;
  if (url.username !== '' || url.password !== '')
    return `${shown} has a login: use OTEL_EXPORTER_OTLP_HEADERS`;
  return url.protocol === 'http:' && !isLoopback(url.hostname)
    ? `${shown} is not encrypted: http is possible on this machine only`
    : undefined;
}

function pairsIn(text = ''): Record<string, string> | undefined {
  const pairs: Record<string, string> = {};
  for (const pair of text.split(',').map((one) => one.trim())) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    if (at < 1) return undefined;
    try {
      pairs[decodeURIComponent(pair.slice(0, at).trim())] = decodeURIComponent(pair.slice(at + 1).trim());
    } catch {
      return undefined;
    }
  }
  return pairs;
}

function isHeader([name, value]: readonly [string, string]): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\u0020-\u007e]*$/.test(value);
}

function millisecondsIn(text: string | undefined, usual: number): number | undefined {
  if (!text) return usual;
  const value = Number(text);
  return /^\d+$/.test(text) && value >= 1 && value <= 86_400_000 ? value : undefined;
}

function wrong(message: string): Read {
  return {kind: 'wrong', message};
}
