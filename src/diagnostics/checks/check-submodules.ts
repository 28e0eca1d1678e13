import {constants, stat} from 'node:fs/promises';
import {describeOrigin, partsOfKey, type SeenSetting} from '../../git/seen-settings.ts';
import {rewriteUrl} from '../../git/rewrite-url.ts';
import {readSeenRepository, type SeenRepository} from '../../git/seen-repository.ts';
import {
  isServicesSshHost,
  parseSshRemote,
  repositoryAt,
  toHttpsRemote,
} from '../../organization/ssh-remote.ts';
import {printable} from '../../text/printable.ts';
import type {SubmoduleSettings} from '../../config/configuration.ts';
import {machineDirectory} from '../../places/paths.ts';
import {conditionFor, isUsualPlace, pathInSshCommand, submoduleInclude} from '../../git/git-include.ts';
import {howToPin, knownHostsFor} from '../../ssh/host/host-keys.ts';
import {KEY_LIFE} from '../../ssh/key/private-key.ts';
import {readTrustedHosts} from '../../ssh/host/trusted-hosts.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import {dubious} from '../explain-git.ts';
import {readRuleKey} from '../../ssh/read-rule-key.ts';
import {setUrl, takeOut} from '../repair-setting.ts';
import type {World} from '../world.ts';
import {canAccess} from '../../files/can-access.ts';
import type {Environment} from '../../text/environment.ts';

const {ok, skipped, warning, failed} = diagnosticsOf('submodules');

type Seen = Pick<
  World,
  'git' | 'settings' | 'environment' | 'loaded' | 'sshWrapper' | 'stateDirectory' | 'now'
>;

/** Checks the submodule keys: whether they can be used, and whether git runs the wrapper that uses them. */
export async function checkSubmodules(world: Seen): Promise<readonly Diagnostic[]> {
  const {git, loaded, settings} = world;
  const rules = loaded.kind === 'loaded' ? loaded.configuration.settings.submodules : [];
  const repository = await readSeenRepository(git);
  if (typeof repository === 'string') {
    const foreign = /detected dubious ownership in repository at '([^']*)'/.exec(repository)?.[1];
    const {detail, repair} = dubious(foreign ?? '');
    if (foreign !== undefined) return [failed('repository', detail, repair)];
    return [
      warning(
        'repository',
        `git cannot read this repository: ${printable(repository, 200)}`,
        'follow what git says',
      ),
    ];
  }
  const remotes = repository === undefined ? [] : sshRemotes(settings);
  if (rules.length === 0)
    return [
      skipped('key', 'no organization has a key for submodules'),
      ...(repository === undefined ? [] : withoutKey(repository, rules)),
      ...remotes,
    ];
  return [
    ...(await checkInclude(world)),
    ...overrides(world, repository),
    ...(await checkKeys(rules, world)),
    ...(repository === undefined
      ? []
      : [...outOfReach(repository, settings), ...withoutKey(repository, rules)]),
    ...remotes,
  ];
}

/** Checks for each rule everything that would deny a fetch. */
async function checkKeys(
  rules: readonly SubmoduleSettings[],
  {environment, stateDirectory, now}: Seen,
): Promise<Diagnostic[]> {
  const trusted = await readTrustedHosts([stateDirectory, machineDirectory]);
  const found = await Promise.all(
    rules.map(async (rule) => [await checkKey(rule, environment, now()), checkHostKey(rule, trusted)]),
  );
  return found.flat().filter((one) => one !== undefined);
}

async function checkKey(rule: SubmoduleSettings, environment: Environment, now: number): Promise<Diagnostic> {
  const {organizations, keyFile} = rule;
  const name = printable(organizations.join(', '), 100);
  const reading = await readRuleKey(rule, environment);
  if (reading.kind === 'elsewhere')
    return skipped('key', `the key of ${name} is not in a file: only the daemon can read it`);
  if (reading.kind === 'failed') return failed('key', `the key of ${name}: ${reading.reason}`, reading.hint);
  const saved = keyFile === undefined ? undefined : await stat(keyFile).catch(() => undefined);
  const {type, size, fingerprint} = reading.key;
  return saved !== undefined && now - saved.mtimeMs > KEY_LIFE
    ? warning(
        'key',
        `the key of ${name} is older than a year: in Azure DevOps it has expired`,
        `orgkey ssh-key add ${organizations[0] ?? ''}`,
      )
    : ok('key', `the key of ${name} can be used: ${type} ${size}, ${fingerprint}`);
}

function checkHostKey(
  rule: SubmoduleSettings,
  {text, isWhole}: Awaited<ReturnType<typeof readTrustedHosts>>,
): Diagnostic | undefined {
  const [host = '', port = '22'] = rule.host.split(':');
  const {knownHosts} = rule;
  if (knownHostsFor(host, knownHosts, text).mayKnow(host)) return undefined;
  if (!isWhole && knownHosts === undefined)
    return skipped('host key', `only the daemon can read whether one is pinned for ${host}`);
  return failed(
    'host key',
    `no host key is pinned for ${host}: orgkey fetches nothing from it`,
    howToPin(host, Number(port), knownHosts),
  );
}

/** Checks the setting that makes git run the wrapper inside submodules, and nowhere else. */
async function checkInclude({settings, git, sshWrapper}: Seen): Promise<Diagnostic[]> {
  const {conditions} = submoduleInclude({wrapper: sshWrapper, path: '/'});
  const found = conditions.map(([key]) => settings.findLast((setting) => sameKey(setting.key, key)));
  const missing = found.filter((one) => one === undefined);
  const file = found.find((one) => one !== undefined)?.value;
  if (missing.length > 0 || file === undefined)
    return [failed('wrapper', 'git is not set up to use the key in submodules', 'orgkey setup')];
  // the file may be one that a repository chose: NUL ends a value, line breaks do not
  const {stdout} = await git(['config', '--null', '--file', file, '--get', 'core.sshCommand']);
  const [command = ''] = stdout.split('\0', 1);
  const path = pathInSshCommand(command);
  if (path === undefined)
    return [failed('wrapper', `${printable(file, 200)} does not name the wrapper`, 'orgkey setup')];
  return (await canAccess(path, constants.X_OK))
    ? [ok('wrapper', `in submodules git runs ${printable(path, 200)}`)]
    : [failed('wrapper', `${printable(path, 200)} does not exist or is not executable`, 'orgkey setup')];
}

/** Git ignores the case of section and name, but not that of the subsection. */
function sameKey(seen: string, wanted: string): boolean {
  const one = partsOfKey(seen);
  const other = partsOfKey(wanted);
  return (
    one.section.toLowerCase() === other.section.toLowerCase() &&
    one.between === other.between &&
    one.name.toLowerCase() === other.name.toLowerCase()
  );
}

/** Finds what git in submodules reads after the wrapper's setting, or prefers to it. */
function overrides({settings, environment}: Seen, repository: SeenRepository | undefined): Diagnostic[] {
  const include = settings.findLastIndex(
    ({key}) => key.startsWith('includeif.gitdir:') && key.includes('/modules/'),
  );
  // the settings of a superproject do not reach its submodules
  const isReached = /\/modules\//.test(repository?.gitDirectory ?? '');
  const later = settings.findLast(
    ({key, scope}, at) =>
      key === 'core.sshcommand' && at > include && (isReached || !['local', 'worktree'].includes(scope)),
  );
  return [
    ...(environment['GIT_SSH_COMMAND'] === undefined
      ? []
      : [
          warning(
            'GIT_SSH_COMMAND',
            'it is set, and replaces the wrapper in submodules too',
            'unset GIT_SSH_COMMAND\nand move its options to ~/.ssh/config',
          ),
        ]),
    ...(later === undefined
      ? []
      : [
          warning(
            'core.sshCommand',
            `git reads it after the wrapper's setting, and it replaces the wrapper (${describeOrigin(later)})`,
            ['global', 'system'].includes(later.scope)
              ? 'move it above the line that includes orgkey/gitconfig, so that the wrapper runs it when it does not use the key; or move its options to ~/.ssh/config'
              : takeOut(later),
          ),
        ]),
  ];
}

/** Finds submodules whose git directories are in places where git does not read the wrapper's setting. */
function outOfReach(
  {gitDirectory, submodules}: SeenRepository,
  settings: readonly SeenSetting[],
): Diagnostic[] {
  const own = submodules.filter((submodule) => submodule.gitDirectory === 'own').map(({path}) => path);
  const condition = conditionFor(gitDirectory);
  const isReached = isUsualPlace(gitDirectory) || settings.some((setting) => sameKey(setting.key, condition));
  const file = settings.find(
    ({key}) => key.startsWith('includeif.gitdir:') && key.includes('/modules/'),
  )?.value;
  return [
    ...(own.length === 0
      ? []
      : [
          warning(
            'old submodules',
            `these have their own git directories, in which git does not use the key: ${printable(own.join(', '), 200)}`,
            'git submodule absorbgitdirs',
          ),
        ]),
    ...(isReached || submodules.length === 0
      ? []
      : [
          warning(
            'git directory',
            `git does not use the key in the submodules of ${printable(gitDirectory, 200)}, a name that the settings do not expect`,
            file === undefined
              ? 'orgkey setup'
              : `git config --global ${shellWord(condition)} ${shellWord(file)}`,
          ),
        ]),
  ];
}

/** Finds submodules that come from Azure DevOps over ssh, and whose organization has no key. */
function withoutKey({submodules}: SeenRepository, rules: readonly SubmoduleSettings[]): Diagnostic[] {
  return submodules.flatMap(({path, url}) => {
    const remote = azureRemote(url);
    if (remote === undefined) return [];
    const {organization} = remote;
    if (rules.some(({organizations}) => organizations.includes(organization))) return [];
    return [
      warning(
        'key',
        `the submodule ${printable(path, 100)} uses ssh to ${organization}, which has no key`,
        `orgkey ssh-key new ${organization}\nor use HTTPS in .gitmodules: ${remote.https}`,
      ),
    ];
  });
}

/** Finds ssh remotes of the repository itself: the key is for submodules only, the rest uses HTTPS. */
function sshRemotes(settings: readonly SeenSetting[]): Diagnostic[] {
  return settings.flatMap((setting) => {
    const {section, between = '', name} = partsOfKey(setting.key);
    if (section !== 'remote' || name !== 'url' || setting.scope !== 'local') return [];
    const remote = azureRemote(rewriteUrl(setting.value, settings));
    if (remote === undefined) return [];
    const {organization, project, prefix} = remote;
    const base = `https://dev.azure.com/${encodeURIComponent(organization)}/${encodeURIComponent(project)}/_git/`;
    return [
      warning(
        'ssh remote',
        `${printable(between, 60)} uses ssh, and orgkey serves ssh for submodules only`,
        prefix === undefined
          ? setUrl(setting, remote.https)
          : `git config --global ${shellWord(`url.${base}.insteadOf`)} ${shellWord(prefix)}`,
      ),
    ];
  });
}

interface AzureRemote {
  readonly organization: string;
  readonly project: string;
  readonly https: string;
  /** The part before the repository's name, if one `insteadOf` rule can replace it. */
  readonly prefix: string | undefined;
}

/** Reads an ssh remote of Azure DevOps Services. */
function azureRemote(url: string): AzureRemote | undefined {
  const remote = parseSshRemote(url);
  if (remote === undefined || !isServicesSshHost(remote.host.toLowerCase())) return undefined;
  const found = repositoryAt(remote);
  if (found.kind !== 'repository') return undefined;
  const prefix = /^(?:[^/:@]+@)?ssh\.dev\.azure\.com:v3\/[\w.%-]+\/[\w.%-]+\//i.exec(url)?.[0];
  return {organization: found.organization, project: found.project, https: toHttpsRemote(found), prefix};
}
