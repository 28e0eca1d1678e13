import {lstatSync, mkdirSync, readdirSync, rmSync} from 'node:fs';
import {enableCompileCache, getCompileCacheDir} from 'node:module';
import {dirname, join} from 'node:path';
import {callerOfHome} from './places/caller-home.ts';
import {homeDirectory} from './places/home-directory.ts';
import {stateDirectory} from './places/paths.ts';
import {VERSION} from './version.ts';

/**
 * Lets Node keep compiled code in our state directory from now on, if only we can write to it. Node's default is below
 * /tmp, where another user could place code that we would run.
 */
export function keepCompiledCode(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  uid: number,
): void {
  const surrounding = {environment, uid, home: homeDirectory(environment)};
  if (callerOfHome(surrounding) !== undefined) return;
  const state = stateDirectory(surrounding, stateFlag(argv));
  const directory = compileCacheOf(state);
  try {
    mkdirSync(dirname(directory), {recursive: true, mode: 0o700});
    if (!isWritableOnlyBy(state, uid) || !isWritableOnlyBy(dirname(directory), uid)) return;
    mkdirSync(directory, {recursive: true, mode: 0o700});
    if (isWritableOnlyBy(directory, uid)) enableCompileCache(directory);
  } catch {
    // slower by some milliseconds; a later write to the directory reports what is wrong with it
  }
}

/** Returns its directory in a state directory. Each version has one, because Node never removes old code. */
export function compileCacheOf(state: string): string {
  return join(state, 'compile-cache', VERSION);
}

/** Removes the code of earlier versions, if the code of this one is kept. */
export function dropCodeOfEarlierVersions(state: string): void {
  const current = compileCacheOf(state);
  if (getCompileCacheDir()?.startsWith(`${current}/`) !== true) return;
  for (const name of readdirSync(dirname(current))) {
    if (name !== VERSION) rmSync(join(dirname(current), name), {recursive: true, force: true});
  }
}

function stateFlag(argv: readonly string[]): string | undefined {
  const at = argv.indexOf('--state-dir');
  return at >= 0 ? argv[at + 1] : undefined;
}

function isWritableOnlyBy(path: string, uid: number): boolean {
  const status = lstatSync(path);
  return status.isDirectory() && status.uid === uid && (status.mode & 0o022) === 0;
}
