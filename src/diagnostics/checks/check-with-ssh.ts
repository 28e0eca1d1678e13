import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {SubmoduleSettings} from '../../config/configuration.ts';
import {tryRemote, type Tried} from '../../git/try-remote.ts';
import {isServicesSshHost} from '../../organization/ssh-remote.ts';
import {printable} from '../../text/printable.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import {explainGit} from '../explain-git.ts';
import type {World} from '../world.ts';

type Trying = Pick<World, 'environment' | 'settings' | 'loaded' | 'daemon' | 'sshRemotes'>;

const {ok, skipped, failed} = diagnosticsOf('submodules');

/**
 * Tries each submodule key as git uses it: git runs the wrapper in the directory of a submodule, the daemon connects,
 * and the host checks the key. Azure DevOps checks it only when a command runs, so one repository is listed.
 */
export async function checkWithSsh(
  world: Trying,
  before: readonly Diagnostic[],
): Promise<readonly Diagnostic[]> {
  const {loaded, daemon} = world;
  const rules = loaded.kind === 'loaded' ? loaded.configuration.settings.submodules : [];
  if (rules.length === 0) return [];
  if (daemon.kind === 'unreachable') return [skipped('ssh', 'not checked: the daemon is not running')];
  if (before.some(({group, outcome}) => group === 'submodules' && outcome === 'failed'))
    return [skipped('ssh', 'not checked: see the failure above')];
  const keys = rules.flatMap((rule) => rule.organizations.map((organization) => ({rule, organization})));
  const tried = await inSubmodule((directory) =>
    Promise.all(keys.slice(0, MOST_KEYS).map((key) => tryKey({...key, directory}, world))),
  );
  if (tried === undefined) return [skipped('ssh', 'not checked: no temporary directory can be made')];
  const left = keys.length - MOST_KEYS;
  return left > 0 ? [...tried, skipped('ssh', `${left} more keys were not tried`)] : tried;
}

/** How many keys are tried: each costs a connection. */
const MOST_KEYS = 8;

interface Key {
  readonly rule: SubmoduleSettings;
  readonly organization: string;
  /** The git directory of a submodule. Absolute. */
  readonly directory: string;
}

async function tryKey({rule, organization, directory}: Key, world: Trying): Promise<Diagnostic> {
  const known = world.sshRemotes.find((remote) => remote.organization === organization)?.url;
  const url = known ?? madeUp(rule, organization);
  const name = printable(organization, 60);
  const tried = await tryRemote({
    remote: url,
    directory,
    environment: world.environment,
    limit: LIMIT,
  });
  if (!tried.ran.some((command) => command.includes('orgkey-ssh')))
    return skipped('ssh', `the key of ${name} was not tried: git runs another ssh in submodules`);
  return judge(tried, {name, url, isKnown: known !== undefined, world});
}

function judge(
  {outcome, said}: Tried,
  {name, url, isKnown, world}: {name: string; url: string; isKnown: boolean; world: Trying},
): Diagnostic {
  if (outcome === 'read') return ok('ssh', `the host accepts the key of ${name}, and git reads with it`);
  if (outcome === 'late')
    return failed('ssh', `the key of ${name}: no answer within ${LIMIT / 1000} s`, 'orgkey logs');
  if (ABSENT.test(said) && !/orgkey: error:/.test(said))
    return isKnown
      ? failed(
          'ssh',
          `the host accepts the key of ${name}, but the repository does not exist, or the key's user may not see it`,
          'correct the spelling in .gitmodules; give the user Read on the repository',
        )
      : ok('ssh', `the host accepts the key of ${name}`);
  const {detail, repair} = explainGit({url, said, world});
  return failed('ssh', detail, repair ?? 'orgkey logs');
}

/** In milliseconds. */
const LIMIT = 10_000;

/** What a host says of a repository that does not exist, once it has accepted the key. */
const ABSENT =
  /\b(?:TF401019|TF200016|VS800075)\b|does not exist|not found|does not appear to be a git repository/i;

/** Returns a repository that surely does not exist, and that the rule allows. */
function madeUp({host, repositories}: SubmoduleSettings, organization: string): string {
  const [first = '*/*'] = repositories;
  const [project = '*', repository = '*'] = first.split('/').map((part) => part.replaceAll('*', MADE_UP));
  const parts = [organization, project, repository].map((part) => encodeURIComponent(part));
  if (isServicesSshHost(host.replace(/:\d+$/, ''))) return `git@ssh.dev.azure.com:v3/${parts.join('/')}`;
  const [collection = '', inside = '', name = ''] = parts;
  return `ssh://git@${host}/${collection}/${inside}/_git/${name}`;
}

const MADE_UP = 'orgkey-doctor';

/** Runs something with an empty git directory that git takes for a submodule's. `undefined`: none can be made. */
async function inSubmodule<Result>(act: (directory: string) => Promise<Result>): Promise<Result | undefined> {
  const top = await mkdtemp(join(tmpdir(), 'orgkey-doctor-')).catch(() => undefined);
  if (top === undefined) return undefined;
  try {
    const directory = join(top, '.git/modules/doctor');
    for (const path of [join(top, '.git'), directory]) {
      await mkdir(join(path, 'objects'), {recursive: true});
      await mkdir(join(path, 'refs'), {recursive: true});
      await writeFile(join(path, 'HEAD'), 'ref: refs/heads/main\n');
    }
    await writeFile(join(directory, 'config'), '[core]\n\tbare = true\n');
    return await act(directory);
  } finally {
    await rm(top, {recursive: true, force: true});
  }
}
