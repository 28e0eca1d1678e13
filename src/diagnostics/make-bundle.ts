import {release, type as typeOfSystem} from 'node:os';
import type {Configuration} from '../config/configuration.ts';
import {shownVariables} from '../network/shown-variables.ts';
import {ourHelper} from '../git/credential-chain.ts';
import {partsOfKey, showKey, type SeenSetting} from '../git/seen-settings.ts';
import {heldSecrets} from '../identity/held-secrets.ts';
import {describeIdentity} from '../identity/identity.ts';
import {printable} from '../text/printable.ts';
import {showAddress} from '../text/show-address.ts';
import type {Diagnostic} from './diagnostic.ts';
import {Redactor} from './redact.ts';
import type {World} from './world.ts';
import type {Environment} from '../text/environment.ts';

interface BundleParts {
  readonly world: World;
  readonly diagnostics: readonly Diagnostic[];
  /** The last lines of the daemon's log. */
  readonly logs: readonly string[];
  /** Every token that the checks acquired. */
  readonly tokens: readonly string[];
  /** The user's home directory, shown as `~`. */
  readonly home: string;
}

/**
 * Returns a report to hand to others, as JSON text: the diagnostics, the daemon's status, the settings of git that
 * matter, the log. It holds names of organizations, hosts and paths, but no secrets: it takes only what is known to be
 * harmless, and replaces everything in it that is a known secret or looks like one.
 */
export function makeBundle({world, diagnostics, logs, tokens, home}: BundleParts): string {
  const {environment, loaded, daemon, settings, now} = world;
  const configuration = loaded.kind === 'loaded' ? loaded.configuration : undefined;
  const redactor = new Redactor([
    ...tokens,
    ...(configuration === undefined ? [] : secretsOf(configuration)),
    ...secretVariables(environment),
    ...hiddenParts([...Object.values(environment), ...settings.flatMap(({key, value}) => [key, value])]),
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

/** Helpers, ssh commands and headers can hold anything, so only their names are shown. */
function describeSetting(setting: SeenSetting): object[] {
  const {section, name} = partsOfKey(setting.key);
  const shown = shownValue(section, name, setting);
  const {scope, origin} = setting;
  return shown === undefined
    ? []
    : [{key: printable(showKey(setting.key), 300), value: shown, scope, origin: printable(origin, 300)}];
}

function shownValue(section: string, name: string, setting: SeenSetting): string | undefined {
  const value = printable(setting.value, 300);
  const address = (kind: 'server' | 'remote') => printable(showAddress(setting.value, kind).shown, 300);
  switch (section) {
    case 'credential':
      if (name === 'helper') return ourHelper(setting) === undefined ? firstWord(value) : value;
      return name === 'usehttppath' ? value : LEFT_OUT;
    case 'http':
      if (name === 'proxy') return address('server');
      return HARMLESS.has(name) ? value : LEFT_OUT;
    case 'includeif':
      return value;
    case 'core':
      return name === 'sshcommand' ? firstWord(value) : undefined;
    case 'remote':
      return name === 'url' || name === 'pushurl' ? address('remote') : undefined;
    case 'url':
      return address('remote');
    default:
      return undefined;
  }
}

const LEFT_OUT = '[left out]';

const HARMLESS: ReadonlySet<string> = new Set([
  'proactiveauth',
  'sslbackend',
  'sslcainfo',
  'sslcapath',
  'sslverify',
  'version',
  'emptyauth',
]);

function firstWord(value: string): string {
  const [word = '', ...more] = value.trim().split(/\s+/);
  if (!/^[\w./'"~+!(){}-]+$/.test(word)) return LEFT_OUT;
  return more.length === 0 ? word : `${word} ${LEFT_OUT}`;
}

function* secretsOf({bindings, settings}: Configuration): Iterable<string> {
  for (const {identity} of bindings)
    for (const secret of heldSecrets(identity)) if (!secret.erased) yield secret.revealText();
  for (const {privateKey} of settings.submodules)
    if (privateKey.from === 'held' && !privateKey.secret.erased) yield privateKey.secret.revealText();
}

/** Returns the variables whose names say that they hold a secret. */
function secretVariables(environment: Environment): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined &&
    /TOKEN|SECRET|PASSW|_PAT\b|^PAT$|_PAT_|APIKEY|API_KEY|CREDENTIAL|IDENTITY_HEADER/i.test(name)
      ? [value]
      : [],
  );
}

/** What is left out when addresses are shown. They may be parts of longer texts. */
function hiddenParts(texts: readonly (string | undefined)[]): string[] {
  return texts
    .flatMap((text) => (text ?? '').split(/[\s"']+/))
    .filter((word) => /:\/\/|@/.test(word) && !word.startsWith('file:'))
    .flatMap((word) => [
      showAddress(word, 'remote'),
      showAddress(word.replace(/^[^:/]*?\b(?=\w+:\/\/)/, ''), 'remote'),
    ])
    .flatMap(({hidden}) => hidden);
}
