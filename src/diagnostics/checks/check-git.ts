import {GitError} from '../../git/run-git.ts';
import {readSeenSettings} from '../../git/seen-settings.ts';
import {canBeSetUp, readGitVersion, takesBearer} from '../../git/version.ts';
import {printable} from '../../text/printable.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';

/** Which git there is, what it can do, and whether it reads its configuration. */
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
      ? 'Bearer tokens, and a rejected one is replaced unseen'
      : 'Basic only; from 2.46 on Bearer, and a rejected token is replaced unseen';
    const found = [ok('version', `${version.text}: ${can}`), await checkClient(git)];
    await readSeenSettings(git);
    const shadows = SHADOWING.filter((name) => environment[name] !== undefined);
    if (shadows.length > 0)
      found.push(
        warning(
          'variables',
          `git reads another configuration than usual: ${shadows.map((name) => `${name}=${printable(environment[name] ?? '', 80)}`).join(', ')}`,
          `if that is not on purpose: unset ${shadows.join(' ')}`,
        ),
      );
    return found;
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    return [failed('version', error.message, error.hint ?? 'install git 2.39 or later')];
  }
}

/** The cache client is what talks to the daemon; git can be built without it. */
async function checkClient(git: World['git']): Promise<Diagnostic> {
  const {ok, failed} = diagnosticsOf('git');
  const {stdout, stderr} = await git(['credential-cache', '-h']);
  return /usage: git credential-cache/.test(`${stdout}${stderr}`)
    ? ok('client', 'git credential-cache, which carries the requests, is there')
    : failed(
        'client',
        'this git has no credential-cache, which carries the requests to the daemon',
        'install the whole of git, built with Unix sockets',
      );
}

/** They lead git past the files that `setup` writes to. */
const SHADOWING = ['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_SYSTEM'];
