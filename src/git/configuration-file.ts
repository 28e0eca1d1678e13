import {join} from 'node:path';
import {readIfThere} from '../files/replace-file.ts';
import {GitError, type RunGit} from './run-git.ts';
import type {Environment} from '../text/environment.ts';

/** Returns the file that `git config --global` writes: the first one that is set or exists. @throws {GitError} @see https://git-scm.com/docs/git-config#FILES */
export async function globalFile(environment: Environment, home: string): Promise<string> {
  const named = environment['GIT_CONFIG_GLOBAL'];
  if (named !== undefined) {
    if (!named.startsWith('/') || named === '/dev/null')
      throw new GitError(
        'ERR_GIT_CONFIG',
        `GIT_CONFIG_GLOBAL is ${JSON.stringify(named)}, which cannot be written`,
        {
          hint: 'unset it, or set it to the absolute path of a file',
        },
      );
    return named;
  }
  const classic = join(home, '.gitconfig');
  if ((await readIfThere(classic)) !== undefined) return classic;
  const xdg = join(environment['XDG_CONFIG_HOME'] || join(home, '.config'), 'git', 'config');
  return (await readIfThere(xdg)) === undefined ? classic : xdg;
}

/** Returns the file that `git config --system` writes. Its place is built into git. @throws {GitError} */
export async function systemFile(git: RunGit, environment: Environment): Promise<string> {
  const named = environment['GIT_CONFIG_SYSTEM'];
  if (named?.startsWith('/') === true) return named;
  // echo, as the editor, prints the file's path: older gits have no `git var GIT_CONFIG_SYSTEM` (2.42)
  const {stdout} = await git(['-c', 'core.editor=echo', 'config', '--system', '--edit']);
  const path = stdout.trim();
  if (!path.startsWith('/'))
    throw new GitError('ERR_GIT_CONFIG', 'git does not report its system configuration file', {
      hint: 'try: git config --system --edit',
    });
  return path;
}
