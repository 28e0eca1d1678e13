import {lstatSync, mkdirSync} from 'node:fs';
import {enableCompileCache} from 'node:module';
import {join} from 'node:path';

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
  const directory = state === undefined ? undefined : join(state, 'compile-cache');
  if (state === undefined || directory === undefined) return;
  try {
    mkdirSync(directory, {recursive: true, mode: 0o700});
    if (isOurs(state, uid) && isOurs(directory, uid)) enableCompileCache(directory);
  } catch {
    // Slower by some milliseconds; whoever has something to write there will say what is wrong with it
  }
}

/** As `stateDirectoryOf`, but before anything of the program is loaded. */
function stateDirectory(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const at = argv.indexOf('--state-dir');
  const {ORGKEY_STATE_DIR, XDG_STATE_HOME, HOME} = environment;
  if (at >= 0 && argv[at + 1] !== undefined) return argv[at + 1];
  if (ORGKEY_STATE_DIR) return ORGKEY_STATE_DIR;
  if (XDG_STATE_HOME) return join(XDG_STATE_HOME, 'orgkey');
  return HOME ? join(HOME, '.local/state/orgkey') : undefined;
}

function isOurs(path: string, uid: number | undefined): boolean {
  const status = lstatSync(path);
  return status.isDirectory() && status.uid === uid && (status.mode & 0o022) === 0;
}
