import {join} from 'node:path';
import {readIfThere} from '../files/replace-file.ts';
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
