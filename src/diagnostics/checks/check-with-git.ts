import {rewriteUrl} from '../../git/rewrite-url.ts';
import {describeHeader, ownHeaderFor} from '../../git/own-header.ts';
import {type SeenSetting} from '../../git/seen-settings.ts';
import {tryRemote, type Tried} from '../../git/try-remote.ts';
import {printable} from '../../text/printable.ts';
import {showAddress} from '../../text/show-address.ts';
import {blame} from '../blame.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import {explainBlamed, explainGit, hasLogin, withoutLogin, wordsOf} from '../explain-git.ts';
import {isGatewayAddress} from '../gateway-address.ts';
import {takeOut} from '../repair-setting.ts';
import type {World} from '../world.ts';

type Trying = Pick<World, 'environment' | 'settings' | 'directory' | 'now'>;

interface Goal {
  /** Of the diagnostic. */
  readonly group: string;
  /** A URL, or the name of a remote. */
  readonly remote: string;
  /** The URL of the remote; it may hold a login. */
  readonly url: string;
  /** What has failed already: nothing, something that git needs, or the credential of this organization. */
  readonly failed: 'nothing' | 'something' | 'credential';
}

/**
 * Ends the checks of a repository: reads it with the user's own git, in their surroundings. All other checks judge by
 * settings and by answers to orgkey, and may miss what stops git.
 */
export async function checkWithGit(goal: Goal, world: Trying): Promise<Diagnostic> {
  const {environment, directory} = world;
  const {failed} = diagnosticsOf(goal.group);
  const tried = await tryRemote({remote: goal.remote, directory, environment, limit: LIMIT});
  if (tried.outcome === 'missing') return failed('git', 'git cannot be started', 'install git 2.39 or later');
  if (tried.outcome === 'read') return judgeSuccess(goal, tried, world.settings);
  return judgeFailure(goal, tried, world);
}

/** What git cannot read has a cause here, or the servers know it. */
async function judgeFailure(goal: Goal, tried: Tried, world: Trying): Promise<Diagnostic> {
  const {failed, skipped} = diagnosticsOf(goal.group);
  const {detail, repair} =
    tried.outcome === 'late'
      ? {detail: `git ls-remote does not end within ${LIMIT / 1000} s`, repair: undefined}
      : explainGit({url: goal.url, said: tried.said, world});
  const header = ownHeaderFor(goal.url, world.settings);
  if (header !== undefined)
    return failed(
      'git',
      `${detail}; git sends an Authorization header of its own (${await describeHeader(header, world.directory)})`,
      // what git rejected may be withheld for a minute
      `${takeOut(header)}\norgkey cache clear`,
    );
  const isOurs = /^orgkey: error: /m.test(tried.said);
  if (isOurs && goal.failed === 'credential')
    return skipped('git', 'git ls-remote fails for the reason above');
  const blamed = isOurs ? undefined : await blame({...goal, world});
  if (blamed !== undefined) {
    const explained = explainBlamed(
      blamed,
      tried.outcome === 'late' ? detail : wordsOf(tried.said, goal.url),
      world.settings,
    );
    return failed('git', explained.detail, explained.repair);
  }
  const rest =
    goal.failed !== 'nothing'
      ? 'repair the failures above first'
      : `see what it says: git ls-remote ${printable(showAddress(goal.url, 'remote').shown, 200)}`;
  return failed('git', detail, repair ?? rest);
}

/** In milliseconds. */
const LIMIT = 8000;

/** Success says that orgkey works only if git asked it. */
function judgeSuccess({group, url}: Goal, {ran}: Tried, settings: readonly SeenSetting[]): Diagnostic {
  const {ok, warning} = diagnosticsOf(group);
  if (isGatewayAddress(rewriteUrl(url, settings))) return ok('git', 'git ls-remote works, through a gateway');
  const asked = ran.filter((command) => /\bget'?$/.test(command));
  // git asks the next helper if one has no answer
  if (OURS.test(asked.at(-1) ?? '')) return ok('git', 'git ls-remote works, with orgkey');
  if (asked.length > 0)
    return warning(
      'git',
      'git ls-remote works with the credential of another helper: orgkey was not asked',
      'orgkey setup',
    );
  if (hasLogin(url) && /:[^/]*@/.test(url.replace(/^https?:\/\//i, '')))
    return warning(
      'git',
      'git ls-remote works with the login in the URL: orgkey was not asked',
      withoutLogin(url),
    );
  return ok(
    'git',
    'git ls-remote works without asking orgkey: the repository is public, or git has a credential',
  );
}

const OURS = /git-credential-orgkey|credential-orgkey |git\.sock/;
