import {lstatSync, mkdirSync, readdirSync, rmSync} from 'node:fs';
import {enableCompileCache, getCompileCacheDir} from 'node:module';
import {dirname, join} from 'node:path';
import {absoluteVariable} from './places/absolute-variable.ts';
import {VERSION} from './version.ts';

/**
 * Lets Node keep compiled code in our state directory from here on. Never in Node's default below /tmp: a cache laid
 * there by another user would be run. Without a directory that only we can write to there is none.
 */
export function keepCompiledCode(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  uid: number | undefined,
): void {
  const state = stateDirectory(argv, environment);
  const directory = state === undefined ? undefined : compileCacheOf(state);
  if (state === undefined || directory === undefined) return;
  try {
    mkdirSync(dirname(directory), {recursive: true, mode: 0o700});
    if (!isOurs(state, uid) || !isOurs(dirname(directory), uid)) return;
    mkdirSync(directory, {recursive: true, mode: 0o700});
    if (isOurs(directory, uid)) enableCompileCache(directory);
  } catch {
    // Slower by some milliseconds; whoever has something to write there will say what is wrong with it
  }
}

/** Where it lies in a state directory. One for each version: Node never removes what is of no more use. */
export function compileCacheOf(state: string): string {
  return join(state, 'compile-cache', VERSION);
}

/** Removes what earlier versions kept, where what this one keeps is ours alone. */
export function dropCodeOfEarlierVersions(state: string): void {
  const current = compileCacheOf(state);
  if (getCompileCacheDir()?.startsWith(`${current}/`) !== true) return;
  for (const name of readdirSync(dirname(current))) {
    if (name !== VERSION) rmSync(join(dirname(current), name), {recursive: true, force: true});
  }
}

/** As `stateDirectoryOf`, but before anything of the program is loaded. */
function stateDirectory(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const at = argv.indexOf('--state-dir');
  if (at >= 0 && argv[at + 1] !== undefined) return argv[at + 1];
  if (environment['ORGKEY_STATE_DIR']) return environment['ORGKEY_STATE_DIR'];
  const home = absoluteVariable(environment, 'HOME');
  const base = absoluteVariable(environment, 'XDG_STATE_HOME') ?? (home && join(home, '.local/state'));
  return base && join(base, 'orgkey');
}

function isOurs(path: string, uid: number | undefined): boolean {
  const status = lstatSync(path);
  return status.isDirectory() && status.uid === uid && (status.mode & 0o022) === 0;
}
