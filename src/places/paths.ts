import {basename, dirname, join, resolve} from 'node:path';
import {absoluteVariable} from './absolute-variable.ts';
import type {Environment} from '../text/environment.ts';

export const machineDirectory = '/etc/orgkey';

/** The group that may read it and its secrets: the daemon's. Users in the group `orgkey` may only ask the daemon. */
export const machineReaders = 'orgkey-config';

/** What the lookups know of the current process. */
export interface Surrounding {
  readonly environment: Environment;
  readonly uid: number;
  /** The home directory, if there is one. */
  readonly home: string | undefined;
}

/** What the lookups ask about files. */
export interface FileFacts {
  /** Returns the facts of the path itself: links are not followed. `undefined`: it does not exist or cannot be reached. */
  factsOf(path: string): PathFacts | undefined;
  /** Returns the lines of a small file; none if it cannot be read. */
  linesOf(path: string): readonly string[];
}

export interface PathFacts {
  readonly kind: 'file' | 'directory' | 'socket' | 'link' | 'other';
  /** The owner's uid. */
  readonly owner: number;
}

/** Makes a path absolute. It begins at the directory, or at home if it begins with `~/`. */
export function absolutePath(
  path: string,
  {directory, home}: {readonly directory: string; readonly home: string | undefined},
): string {
  return home !== undefined && path.startsWith('~/') ? join(home, path.slice(2)) : resolve(directory, path);
}

/** Returns the paths of a configuration of one file or several: absolute, with colons between them. */
export function pathsIn(source: string): readonly string[] {
  return source.split(/:(?=~?\/)/);
}

export function joinPaths(paths: readonly string[]): string {
  return paths.join(':');
}

/** The files in `config.d` that count. */
export const DROP_INS = '*.yaml';

/** Returns the directory whose files add to a configuration: `config.d` beside `config.yaml`. `undefined`: only one file of that name has it. */
export function dropInsOf(paths: readonly string[]): string | undefined {
  const [path = '', ...others] = paths;
  if (others.length > 0 || basename(path) !== 'config.yaml') return undefined;
  return join(dirname(path), 'config.d');
}

/** Whether a file counts by its name: those of editors do not. */
export function isDropIn(name: string): boolean {
  return !name.startsWith('.') && name.endsWith('.yaml');
}

/** Makes every path of a configuration absolute. */
export function absolutePaths(source: string, base: Parameters<typeof absolutePath>[1]): string {
  return joinPaths(pathsIn(source).map((path) => absolutePath(path, base)));
}

/**
 * Finds the configuration: `--config`, `$ORGKEY_CONFIG`, `$XDG_CONFIG_HOME/orgkey/config.yaml`,
 * `/etc/orgkey/config.yaml`. The first two are returned even if the file does not exist; `undefined`: none of the others
 * exists. A file that is in force is returned even if it is gone, because it may be about to be replaced.
 */
export function configurationFile(
  {environment, home}: Surrounding,
  {
    flag,
    files,
    inForce,
  }: {readonly flag: string | undefined; readonly files: FileFacts; readonly inForce?: string},
): string | undefined {
  const named = namedConfiguration(environment, flag);
  if (named !== undefined) return named;
  return configurationCandidates({environment, home}, flag).find(
    (path) => path === inForce || files.factsOf(path) !== undefined,
  );
}

function namedConfiguration(
  environment: Surrounding['environment'],
  flag: string | undefined,
): string | undefined {
  return flag ?? set(environment, 'ORGKEY_CONFIG');
}

/** Returns where a configuration is looked for, in order. Nowhere, if a flag or variable names it. */
export function configurationCandidates(
  {environment, home}: Pick<Surrounding, 'environment' | 'home'>,
  flag: string | undefined,
): readonly string[] {
  if (namedConfiguration(environment, flag) !== undefined) return [];
  const own = userConfigurationFile({environment, home});
  return [...(own === undefined ? [] : [own]), join(machineDirectory, 'config.yaml')];
}

/** Returns where the configuration of a user is, or would be: `$XDG_CONFIG_HOME/orgkey/config.yaml`. */
export function userConfigurationFile({
  environment,
  home,
}: Pick<Surrounding, 'environment' | 'home'>): string | undefined {
  const base = absoluteVariable(environment, 'XDG_CONFIG_HOME') ?? (home && join(home, '.config'));
  return base && join(base, 'orgkey', 'config.yaml');
}

/**
 * Returns where a daemon creates its sockets: `--runtime-dir`, `$ORGKEY_RUNTIME_DIR`, `$XDG_RUNTIME_DIR/orgkey`,
 * `/run/user/UID/orgkey` if that user has a session, `${TMPDIR:-/tmp}/orgkey-UID`.
 */
export function runtimeDirectoryToMake(
  {environment, uid}: Surrounding,
  {flag, files}: {readonly flag: string | undefined; readonly files: FileFacts},
): string {
  const named = flag ?? set(environment, 'ORGKEY_RUNTIME_DIR');
  if (named !== undefined) return named;
  const session = sessionDirectory({environment, uid}, files);
  return session === undefined ? temporaryDirectory({environment, uid}) : join(session, 'orgkey');
}

/** Returns the user's own directory of the login session. After `su` the variable names that of another user. */
export function sessionDirectory(
  {environment, uid}: Pick<Surrounding, 'environment' | 'uid'>,
  files: FileFacts,
): string | undefined {
  return [absoluteVariable(environment, 'XDG_RUNTIME_DIR'), `/run/user/${uid}`].find((path) => {
    const facts = path === undefined ? undefined : files.factsOf(path);
    return facts?.kind === 'directory' && facts.owner === uid;
  });
}

/**
 * Finds where a daemon listens: the first that has a `git.sock` of `$ORGKEY_RUNTIME_DIR`, `$XDG_RUNTIME_DIR/orgkey`,
 * `/run/user/UID/orgkey`, `/run/orgkey`, `${TMPDIR:-/tmp}/orgkey-UID`, `/tmp/orgkey-UID`, and what the service noted.
 * All but the first must not be a link and must belong to us or root: another user who created it first would receive
 * every `store`.
 */
export function runtimeDirectoryOfDaemon(surrounding: Surrounding, files: FileFacts): string | undefined {
  const {environment, uid} = surrounding;
  const named = set(environment, 'ORGKEY_RUNTIME_DIR');
  if (named !== undefined && hasSocket(named, files)) return named;
  const session = absoluteVariable(environment, 'XDG_RUNTIME_DIR');
  const usual = [
    ...(session === undefined ? [] : [join(session, 'orgkey')]),
    `/run/user/${uid}/orgkey`,
    '/run/orgkey',
    temporaryDirectory({environment, uid}),
    temporaryDirectory({environment: {}, uid}),
  ];
  return usual.find((path) => isServed(path, uid, files)) ?? notedDirectory(surrounding, undefined, files);
}

/**
 * Returns the directory that a service noted at its start and whose socket is still there. Another process may have
 * other variables than that start, and another sandbox another `/tmp`, so there may be several.
 */
export function notedDirectory(
  surrounding: Surrounding,
  flag: string | undefined,
  files: FileFacts,
): string | undefined {
  const noted = files.linesOf(noteOfDirectories(stateDirectory(surrounding, flag)));
  return noted.find((path) => path.startsWith('/') && isServed(path, surrounding.uid, files));
}

/** Returns the path of the file in which services note their runtime directories, the last one first. */
export function noteOfDirectories(state: string): string {
  return join(state, 'runtime-directory');
}

/**
 * Returns the directory of what survives restarts: `--state-dir`, `$ORGKEY_STATE_DIR`, `$XDG_STATE_HOME/orgkey`,
 * `~/.local/state/orgkey`; for a system user without a home `/var/lib/orgkey`.
 */
export function stateDirectory({environment, home}: Surrounding, flag: string | undefined): string {
  const named = flag ?? set(environment, 'ORGKEY_STATE_DIR');
  if (named !== undefined) return named;
  const base =
    absoluteVariable(environment, 'XDG_STATE_HOME') ??
    (isHome(home) ? join(home, '.local', 'state') : undefined);
  return base === undefined ? '/var/lib/orgkey' : join(base, 'orgkey');
}

function temporaryDirectory({environment, uid}: Pick<Surrounding, 'environment' | 'uid'>): string {
  return join(absoluteVariable(environment, 'TMPDIR') ?? '/tmp', `orgkey-${uid}`);
}

/** Whether the directory can be trusted and has a socket. */
function isServed(path: string, uid: number, files: FileFacts): boolean {
  const facts = files.factsOf(path);
  const isTrusted = facts?.kind === 'directory' && (facts.owner === uid || facts.owner === 0);
  return isTrusted && hasSocket(path, files);
}

function hasSocket(directory: string, files: FileFacts): boolean {
  return files.factsOf(join(directory, 'git.sock'))?.kind === 'socket';
}

function isHome(home: string | undefined): home is string {
  return home !== undefined && home !== '' && home !== '/' && home !== '/nonexistent';
}

/** Returns a variable. An empty one counts as not set. */
function set(environment: Surrounding['environment'], name: string): string | undefined {
  return environment[name] || undefined;
}
