import {release, type as typeOfSystem} from 'node:os';
import type {Configuration} from '../config/configuration.ts';
import {shownVariables} from '../network/shown-variables.ts';
import {ourHelper} from '../git/credential-chain.ts';
import {partsOfKey, type SeenSetting} from '../git/seen-settings.ts';
import {heldSecrets} from '../identity/held-secrets.ts';
import {describeIdentity} from '../identity/identity.ts';
import {printable} from '../text/printable.ts';
import type {Diagnostic} from './diagnostic.ts';
import {maskLogins} from './mask-logins.ts';
import {Redactor} from './redact.ts';
import type {World} from './world.ts';

export interface BundleParts {
  readonly world: World;
  readonly diagnostics: readonly Diagnostic[];
  /** The last lines of the daemon's log. */
  readonly logs: readonly string[];
  /** Every token that was asked for to make it. */
  readonly tokens: readonly string[];
  /** Of the person: shown as `~`. */
  readonly home: string;
}

/**
 * A report for somebody else, as JSON text: what was found, what the daemon says of itself, the settings of git that
 * matter. Names of organizations, hosts and paths are in it, secrets are not: only what is known to be harmless is
 * taken, and whatever is known or looks like a secret is replaced even there.
 */
export function makeBundle({world, diagnostics, logs, tokens, home}: BundleParts): string {
  const {environment, loaded, daemon, settings, now} = world;
  const configuration = loaded.kind === 'loaded' ? loaded.configuration : undefined;
  const redactor = new Redactor([
    ...tokens,
    ...(configuration === undefined ? [] : secretsOf(configuration)),
    ...secretVariables(environment),
    ...loginsIn([...Object.values(environment), ...settings.flatMap(({key, value}) => [key, value])]),
  ]);
  const report = {
    schemaVersion: 1,
    madeAt: new Date(now()).toISOString(),
    orgkey: world.version,
    node: world.nodeVersion,
    system: `${typeOfSystem()} ${release()}`,
    diagnostics,
    environment: shownVariables(environment),
    configuration:
      loaded.kind === 'loaded'
        ? describeConfiguration(loaded.configuration)
        : {source: loaded.source, problems: loaded.problems},
    status: daemon.kind === 'running' ? daemon.status : {unreachable: daemon.message},
    git: settings.flatMap(describeSetting),
    logs,
  };
  const text = JSON.stringify(redactor.value(report), undefined, 2);
  return `${home.length > 1 ? text.replaceAll(home, '~') : text}\n`;
}

function describeConfiguration({source, bindings, settings, warnings}: Configuration): object {
  return {
    source,
    credentials: bindings.map(({identity, host, organizations, place}) => ({
      host,
      organizations,
      place,
      kind: identity.kind,
      identity: describeIdentity(identity),
    })),
    sockets: settings.sockets,
    submodules: settings.submodules.map(({organizations, host, repositories, place}) => ({
      organizations,
      host,
      repositories,
      place,
    })),
    onFailure: settings.onFailure,
    prefetch: settings.prefetch,
    entra: settings.entra,
    warnings,
  };
}

/** A helper, an ssh command or a header can hold anything: of those only which one it is. */
function describeSetting(setting: SeenSetting): object[] {
  const {section, name} = partsOfKey(setting.key);
  const shown = shownValue(section, name, setting);
  const {scope, origin} = setting;
  return shown === undefined
    ? []
    : [{key: maskLogins(printable(setting.key, 300)), value: shown, scope, origin: printable(origin, 300)}];
}

function shownValue(section: string, name: string, setting: SeenSetting): string | undefined {
  const value = printable(maskLogins(setting.value), 300);
  if (section === 'credential' && name === 'helper')
    return ourHelper(setting) === undefined ? firstWord(value) : value;
  if (section === 'credential') return name === 'usehttppath' ? value : LEFT_OUT;
  if (section === 'http') return HARMLESS.has(name) ? value : LEFT_OUT;
  if (section === 'url' || section === 'includeif') return value;
  if (section === 'core' && name === 'sshcommand') return firstWord(value);
  return section === 'remote' && (name === 'url' || name === 'pushurl') ? value : undefined;
}

const LEFT_OUT = '[left out]';

const HARMLESS: ReadonlySet<string> = new Set([
  'proactiveauth',
  'proxy',
  'sslbackend',
  'sslcainfo',
  'sslcapath',
  'sslverify',
  'version',
  'emptyauth',
]);

function firstWord(value: string): string {
  const [word = '', ...more] = value.trim().split(/\s+/);
  return more.length === 0 ? word : `${word} ${LEFT_OUT}`;
}

function* secretsOf({bindings, settings}: Configuration): Iterable<string> {
  for (const {identity} of bindings)
    for (const secret of heldSecrets(identity)) if (!secret.erased) yield secret.revealText();
  for (const {privateKey} of settings.submodules)
    if (privateKey.from === 'held' && !privateKey.secret.erased) yield privateKey.secret.revealText();
}

/** By their names: who puts a secret into a variable says so. */
function secretVariables(environment: World['environment']): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined &&
    /TOKEN|SECRET|PASSW|_PAT\b|^PAT$|_PAT_|APIKEY|API_KEY|CREDENTIAL|IDENTITY_HEADER/i.test(name)
      ? [value]
      : [],
  );
}

/** User name and password of addresses, each for itself. */
function loginsIn(texts: readonly (string | undefined)[]): string[] {
  return texts.flatMap((text) =>
    [...(text ?? '').matchAll(/:\/\/([^/\s@]+)@/g)].flatMap(([, login = '']) =>
      login
        .split(':')
        .slice(1)
        .flatMap((part) => [part, decode(part)]),
    ),
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
