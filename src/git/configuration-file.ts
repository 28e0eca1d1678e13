import {chmod, chown, mkdir, open, readFile, realpath, rename, rm, stat} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {GitError, type RunGit} from './run-git.ts';

/** Where `git config --global` writes: the first that is set or exists. @see https://git-scm.com/docs/git-config#FILES */
export async function globalFile(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
): Promise<string> {
  const named = environment['GIT_CONFIG_GLOBAL'];
  if (named !== undefined) {
    if (!named.startsWith('/') || named === '/dev/null')
      throw new GitError(
        'ERR_GIT_CONFIG',
        `GIT_CONFIG_GLOBAL is ${JSON.stringify(named)}, nothing to write to`,
        {
          hint: 'unset it, or let it name a file by its absolute path',
        },
      );
    return named;
  }
  const classic = join(home, '.gitconfig');
  if ((await readIfThere(classic)) !== undefined) return classic;
  const xdg = join(environment['XDG_CONFIG_HOME'] || join(home, '.config'), 'git', 'config');
  return (await readIfThere(xdg)) === undefined ? classic : xdg;
}

/** Where `git config --system` writes: only git itself knows what it was built with. */
export async function systemFile(
  git: RunGit,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const named = environment['GIT_CONFIG_SYSTEM'];
  if (named !== undefined && named.startsWith('/')) return named;
  // an editor that only says which file it was given: `git var GIT_CONFIG_SYSTEM` came with 2.42
  const {stdout} = await git(['-c', 'core.editor=echo', 'config', '--system', '--edit']);
  const path = stdout.trim();
  if (!path.startsWith('/'))
    throw new GitError('ERR_GIT_CONFIG', 'git does not say where its system configuration is', {
      hint: 'try: git config --system --edit',
    });
  return path;
}

/** `undefined`: there is no such file. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Puts other bytes in the place of the file at once, under the lock that git itself takes, so that no `git config`
 * running now is lost. A link stays one; mode and owner stay; `undefined` removes the file.
 * @throws {GitError} where git holds the lock, or the file is not as it was read.
 */
export async function replaceFile(
  path: string,
  {
    was,
    next,
    mode,
  }: {readonly was: Buffer | undefined; readonly next: Buffer | undefined; readonly mode: number},
): Promise<void> {
  const target = await followed(path);
  const lock = `${target}.lock`;
  const known = was === undefined ? undefined : await stat(target);
  await mkdir(dirname(target), {recursive: true});
  const file = await open(lock, 'wx', 0o600).catch((error: unknown) => {
    throw cannotLock(path, lock, error);
  });
  try {
    const now = await readIfThere(target);
    if (!sameBytes(now, was))
      throw new GitError('ERR_GIT_CONFIG', `${path} was changed meanwhile`, {hint: 'try again'});
    if (next !== undefined) await file.writeFile(next);
    await file.sync();
    await file.close();
    if (next === undefined) {
      await rm(target, {force: true});
      await rm(lock, {force: true});
      return;
    }
    await chmod(lock, known === undefined ? mode : known.mode & 0o7777);
    // may fail where we are not root; the file is then ours, as after any `git config`
    if (known !== undefined) await chown(lock, known.uid, known.gid).catch(() => undefined);
    await rename(lock, target);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(lock, {force: true});
    throw error;
  }
}

export function sameBytes(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}

/** Links are followed, as git does; a file that is not there yet is itself. */
async function followed(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isMissing(error)) return path;
    throw error;
  }
}

function cannotLock(path: string, lock: string, error: unknown): GitError {
  const code = codeOf(error);
  return code === 'EEXIST'
    ? new GitError('ERR_GIT_CONFIG', `${path} is locked`, {
        hint: `if no git is running: rm ${lock}`,
        cause: error,
      })
    : new GitError('ERR_GIT_CONFIG', `${path} cannot be written (${code ?? 'unknown error'})`, {
        hint: 'look at the modes and the owner of its directory',
        cause: error,
      });
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
