import {coversCredential, coversUrl} from '../git/match-url.ts';
import {partsOfKey, type SeenSetting} from '../git/seen-settings.ts';
import {ourHelper} from '../git/credential-chain.ts';
import {tryRemote, type Tried} from '../git/try-remote.ts';
import type {World} from './world.ts';
import type {Environment} from '../text/environment.ts';

interface Failing {
  /** A URL, or the name of a remote. */
  readonly remote: string;
  /** The URL that the remote has. */
  readonly url: string;
  readonly world: Pick<World, 'environment' | 'settings' | 'directory' | 'now'>;
}

/** What git succeeds without. */
export type Blamed =
  | {readonly kind: 'variable'; readonly name: string}
  | {readonly kind: 'setting'; readonly setting: SeenSetting};

/**
 * Finds out by experiment why git fails: it tries again without one variable, or without one setting, at a time. This
 * names causes that no list of known mistakes has. `undefined`: git fails without each of them, or the time has ended.
 */
export async function blame(failing: Failing): Promise<Blamed | undefined> {
  const {now} = failing.world;
  const end = now() + BUDGET;
  const isTime = () => now() < end;
  const variable = await blameVariable(failing, isTime);
  if (variable !== undefined) return {kind: 'variable', name: variable};
  const setting = isTime() ? await blameSetting(failing, isTime) : undefined;
  return setting && {kind: 'setting', setting};
}

async function blameVariable(
  {remote, world: {environment, directory}}: Failing,
  isTime: () => boolean,
): Promise<string | undefined> {
  const suspects = Object.keys(environment).filter((name) => SUSPECT_VARIABLE.test(name));
  const without = (names: readonly string[]) =>
    tryRemote({remote, directory, environment: omit(environment, names), limit: LIMIT});
  for (const name of suspects.slice(0, MOST_SUSPECTS))
    if (isTime() && works(await without([name]))) return name;
  return undefined;
}

/** Variables of git, curl and the loader that change what git does. Those of git's own tracing are harmless. */
const SUSPECT_VARIABLE =
  /^(?:GIT_(?!TRACE|CONFIG_(?:COUNT|KEY|VALUE|PARAMETERS))\w+|(?:ALL|all)_(?:PROXY|proxy)|SSL_CERT_\w+|CURL_\w+|LD_\w+|OPENSSL_\w+)$/;

async function blameSetting(
  {remote, url, world}: Failing,
  isTime: () => boolean,
): Promise<SeenSetting | undefined> {
  const {environment, settings} = world;
  const relevant = settings.filter((setting) => concerns(setting, url));
  const suspects = relevant.filter((setting) => isSuspect(setting)).toSorted(byWeight);
  if (suspects.length === 0) return undefined;
  const bare = omit(
    environment,
    Object.keys(environment).filter((name) => name.startsWith('GIT_CONFIG')),
  );
  const attempt = (left: readonly SeenSetting[]) =>
    tryRemote({remote, directory: '/', environment: {...bare, ...asVariables(left)}, limit: LIMIT});
  // the same settings in another directory: if this works, no setting is to blame
  if (works(await attempt(relevant))) return undefined;
  for (const suspect of suspects.slice(0, MOST_SUSPECTS))
    if (isTime() && works(await attempt(relevant.filter((setting) => setting !== suspect)))) return suspect;
  return undefined;
}

/** Settings of the sections that decide how git reaches this URL. */
function concerns({key}: SeenSetting, url: string): boolean {
  const {section, between} = partsOfKey(key);
  if (section === 'credential') return between === undefined || coversCredential(between, url);
  if (section === 'http') return between === undefined || coversUrl(between, url);
  return ['url', 'core', 'protocol', 'remote', 'ssh', 'transfer'].includes(section);
}

function isSuspect(setting: SeenSetting): boolean {
  const {section, name} = partsOfKey(setting.key);
  if (section === 'credential') return name !== 'usehttppath' && ourHelper(setting) === undefined;
  if (section === 'remote') return name === 'proxy' || name === 'proxyauthmethod' || name === 'vcs';
  if (section === 'core') return CORE.has(name);
  return section !== 'url' || name === 'insteadof';
}

const CORE: ReadonlySet<string> = new Set(['gitproxy', 'sshcommand', 'askpass']);

/** The sections whose settings break the way to a server most often come first. */
const ORDER: readonly string[] = [
  'http',
  'remote',
  'url',
  'protocol',
  'core',
  'credential',
  'ssh',
  'transfer',
];

function byWeight(one: SeenSetting, other: SeenSetting): number {
  return ORDER.indexOf(partsOfKey(one.key).section) - ORDER.indexOf(partsOfKey(other.key).section);
}

/** Returns variables with which git reads these settings, and no file. */
function asVariables(settings: readonly SeenSetting[]): Record<string, string> {
  return {
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(({key, value}, at) => [
        [`GIT_CONFIG_KEY_${at}`, key],
        [`GIT_CONFIG_VALUE_${at}`, value],
      ]),
    ),
  };
}

function omit(environment: Environment, names: readonly string[]): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)));
}

function works({outcome}: Tried): boolean {
  return outcome === 'read';
}

/** In milliseconds: for one try, and for all. */
const LIMIT = 4000;
const BUDGET = 12_000;

const MOST_SUSPECTS = 8;
