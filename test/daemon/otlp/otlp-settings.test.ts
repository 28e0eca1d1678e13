import test from 'ava';
import {readOtlpSettings} from '../../../src/daemon/otlp/otlp-settings.ts';
import {VERSION} from '../../../src/version.ts';

const endpoint = {OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example.com:4318'};

test('an endpoint is enough', (t) => {
  t.like(readOtlpSettings(endpoint), {
    kind: 'on',
    url: 'https://collector.example.com:4318/v1/metrics',
    headers: {},
    every: 60_000,
    timeout: 10_000,
    resource: {'service.name': 'orgkey', 'service.version': VERSION},
  });
});

for (const [title, environment, expected] of [
  ['no variable', {}, {kind: 'off'}],
  ['an empty endpoint', {OTEL_EXPORTER_OTLP_ENDPOINT: ''}, {kind: 'off'}],
  ['OpenTelemetry is off', {...endpoint, OTEL_SDK_DISABLED: 'True'}, {kind: 'off'}],
  ['metrics are off', {...endpoint, OTEL_METRICS_EXPORTER: 'none'}, {kind: 'off'}],
  [
    'a path in the endpoint',
    {OTEL_EXPORTER_OTLP_ENDPOINT: 'https://example.com/otlp/'},
    {url: 'https://example.com/otlp/v1/metrics'},
  ],
  [
    'an endpoint for metrics only',
    {...endpoint, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'https://example.com/in'},
    {url: 'https://example.com/in'},
  ],
  ['loopback without TLS', {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318'}, {kind: 'on'}],
  ['loopback by IPv6', {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://[::1]:4318'}, {kind: 'on'}],
  [
    'headers with escapes',
    {...endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'Api-Key=a%2Cb%3D, x-tenant = one'},
    {headers: {'api-key': 'a,b=', 'x-tenant': 'one'}},
  ],
  [
    'headers for metrics win',
    {...endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'a=1', OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'a=2'},
    {headers: {a: '2'}},
  ],
  [
    'names',
    {...endpoint, OTEL_RESOURCE_ATTRIBUTES: 'service.name=x,team=a%20b', OTEL_SERVICE_NAME: 'keys'},
    {resource: {'service.name': 'keys', team: 'a b'}},
  ],
  [
    'times',
    {...endpoint, OTEL_METRIC_EXPORT_INTERVAL: '5000', OTEL_EXPORTER_OTLP_TIMEOUT: '700'},
    {every: 5000, timeout: 700},
  ],
] as const)
  test(`settings of OpenTelemetry: ${title}`, (t) => {
    t.like(readOtlpSettings(environment), expected);
  });

for (const [title, environment, message] of [
  [
    'another protocol',
    {...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc'},
    /^the protocol grpc .*=http\/json$/,
  ],
  ['no address', {OTEL_EXPORTER_OTLP_ENDPOINT: 'collector'}, /^collector is not an address of a collector$/],
  ['a file', {OTEL_EXPORTER_OTLP_ENDPOINT: 'file:///etc'}, /is not an address/],
  ['http to another host', {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.example.com'}, /is not encrypted/],
  [
    'a host that only begins like loopback',
    {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1.example.com'},
    /encrypted/,
  ],
  ['a login', {OTEL_EXPORTER_OTLP_ENDPOINT: 'https://ann:canary-password@example.com'}, /has a login/],
  ['a certificate', {...endpoint, OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.pem'}, /NODE_EXTRA_CA_CERTS/],
  [
    'a header without a value',
    {...endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'canary-key'},
    /OTEL_EXPORTER_OTLP_HEADERS/,
  ],
  [
    'a header with a line',
    {...endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'a=canary%0d%0ab'},
    /OTEL_EXPORTER_OTLP_HEADERS/,
  ],
  ['a broken escape', {...endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'a=canary%'}, /OTEL_EXPORTER_OTLP_HEADERS/],
  ['attributes', {...endpoint, OTEL_RESOURCE_ATTRIBUTES: 'x'}, /OTEL_RESOURCE_ATTRIBUTES/],
  ['an interval', {...endpoint, OTEL_METRIC_EXPORT_INTERVAL: '0'}, /OTEL_METRIC_EXPORT_INTERVAL/],
  ['a timeout', {...endpoint, OTEL_EXPORTER_OTLP_TIMEOUT: '10s'}, /OTEL_EXPORTER_OTLP_TIMEOUT/],
] as const)
  test(`wrong settings of OpenTelemetry are named, without a secret: ${title}`, (t) => {
    const found = readOtlpSettings(environment);
    if (found.kind !== 'wrong') return t.fail(JSON.stringify(found));
    t.regex(found.message, message);
    t.false(found.message.includes('canary'));
  });
