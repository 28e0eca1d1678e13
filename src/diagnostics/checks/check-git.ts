import {GitError} from '../../git/run-git.ts';
import {readSeenSettings} from '../../git/seen-settings.ts';
import {canBeSetUp, readGitVersion, takesBearer} from '../../git/version.ts';
import {printable} from '../../text/printable.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';

/** Checks git's version, its cache client, and whether it can read its configuration. */
export async function checkGit({
  git,
  environment,
}: Pick<World, 'git' | 'environment'>): Promise<readonly Diagnostic[]> {
  const {ok, warning, failed} = diagnosticsOf('git');
  try {
    const version = await readGitVersion(git);
    if (!canBeSetUp(version))
      return [failed('version', `git ${version.text} is too old`, 'install git 2.39 or later')];
    const can = takesBearer(version)
      ? 'Bearer tokens, and a rejected token is replaced without a prompt'
      : 'Basic only; git 2.46 adds Bearer and replaces a rejected token without a prompt';
    const found = [ok('version', `${version.text}: ${can}`), await checkClient(git)];
    await readSeenSettings(git);
    const shadows = SHADOWING.filter((name) => environment[name] !== undefined);
    if (shadows.length > 0)
      found.push(
        warning(
          'variables',
          `git reads other configuration files than usual: ${shadows.map((name) => `${name}=${printable(environment[name] ?? '', 80)}`).join(', ')}`,
          `unless that is intended: unset ${shadows.join(' ')}`,
        ),
      );
    return found;
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    return [failed('version', error.message, error.hint ?? 'install git 2.39 or later')];
  }
}

/** Git reaches the daemon with its cache client, and can be built without it. */
async function checkClient(git: World['git']): Promise<Diagnostic> {
  const {ok, failed} = diagnosticsOf('git');
  const {stdout, stderr} = await git(['credential-cache', '-h']);
  return /usage: git credential-cache/.test(`${stdout}${stderr}`)
    ? ok('client', 'git credential-cache is available to reach the daemon')
    : failed(
        'client',
        'this git has no credential-cache, which it needs to reach the daemon',
        'install a complete git, built with Unix sockets',
      );
}

/** With these, git ignores the files that `setup` writes to. */
const SHADOWING = ['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_SYSTEM'];
