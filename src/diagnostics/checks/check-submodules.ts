import {access, constants, stat} from 'node:fs/promises';
import {describeOrigin, partsOfKey, type SeenSetting} from '../../git/seen-settings.ts';
import {readSeenRepository, type SeenRepository} from '../../git/seen-repository.ts';
import {
  isServicesSshHost,
  parseSshRemote,
  repositoryAt,
  toHttpsRemote,
} from '../../organization/ssh-remote.ts';
import {printable} from '../../text/printable.ts';
import type {SubmoduleSettings} from '../../config/configuration.ts';
import {machineDirectory} from '../../places/machine-configuration.ts';
import {submoduleInclude} from '../../git/git-include.ts';
import {howToPin, knownHostsFor} from '../../ssh/host/host-keys.ts';
import {KEY_LIFE} from '../../ssh/key/private-key.ts';
import {readTrustedHosts} from '../../ssh/host/trusted-hosts.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import {readRuleKey} from '../../ssh/read-rule-key.ts';
import {setUrl} from '../repair-setting.ts';
import type {World} from '../world.ts';

const {ok, skipped, warning, failed} = diagnosticsOf('submodules');

type Seen = Pick<
  World,
  'git' | 'settings' | 'environment' | 'loaded' | 'sshWrapper' | 'stateDirectory' | 'now'
>;

/** The keys for submodules: whether they can be used, whether git comes to the wrapper, and where it cannot. */
export async function checkSubmodules(world: Seen): Promise<readonly Diagnostic[]> {
  const {git, loaded, settings} = world;
  const rules = loaded.kind === 'loaded' ? loaded.configuration.settings.submodules : [];
  const repository = await readSeenRepository(git);
  if (typeof repository === 'string')
    return [
      warning(
        'repository',
        `git does not read the one here: ${printable(repository, 200)}`,
        'do what git says',
      ),
    ];
  const remotes = repository === undefined ? [] : sshRemotes(settings);
  if (rules.length === 0)
    return [
      skipped('key', 'no organization has a key for submodules'),
      ...(repository === undefined ? [] : withoutKey(repository, rules)),
      ...remotes,
    ];
  return [
    ...(await checkInclude(world)),
    ...overrides(world),
    ...(await checkKeys(rules, world)),
    ...(repository === undefined ? [] : [...outOfReach(repository), ...withoutKey(repository, rules)]),
    ...remotes,
  ];
}

/** For each rule what a fetch would be denied for. */
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

async function checkKey(
  rule: SubmoduleSettings,
  environment: Seen['environment'],
  now: number,
): Promise<Diagnostic> {
  const {organizations, keyFile} = rule;
  const name = printable(organizations.join(', '), 100);
  const reading = await readRuleKey(rule, environment);
  if (reading.kind === 'elsewhere')
    return skipped('key', `that of ${name} is in no file: only the daemon reads it`);
  if (reading.kind === 'failed') return failed('key', `that of ${name}: ${reading.reason}`, reading.hint);
  const saved = keyFile === undefined ? undefined : await stat(keyFile).catch(() => undefined);
  const {type, size, fingerprint} = reading.key;
  return saved !== undefined && now - saved.mtimeMs > KEY_LIFE
    ? warning(
        'key',
        `that of ${name} is older than a year: Azure DevOps has ended it by now`,
        `orgkey ssh-key add ${organizations[0] ?? ''}`,
      )
    : ok('key', `that of ${name} can be used: ${type} ${size}, ${fingerprint}`);
}

function checkHostKey(
  rule: SubmoduleSettings,
  {text, isWhole}: Awaited<ReturnType<typeof readTrustedHosts>>,
): Diagnostic | undefined {
  const [host = '', port = '22'] = rule.host.split(':');
  const {knownHosts} = rule;
  if (knownHostsFor(host, knownHosts, text).mayKnow(host)) return undefined;
  if (!isWhole && knownHosts === undefined)
    return skipped('host key', `whether one is pinned for ${host}, only the daemon can read`);
  return failed(
    'host key',
    `none is pinned for ${host}: nothing is fetched from it`,
    howToPin(host, Number(port), knownHosts),
  );
}

/** What leads git to the wrapper inside submodules, and nowhere else. */
async function checkInclude({settings, git, sshWrapper}: Seen): Promise<Diagnostic[]> {
  const {conditions} = submoduleInclude({wrapper: sshWrapper, path: '/'});
  const found = conditions.map(([key]) => settings.findLast((setting) => sameKey(setting.key, key)));
  const missing = found.filter((one) => one === undefined);
  const file = found.find((one) => one !== undefined)?.value;
  if (missing.length > 0 || file === undefined)
    return [failed('wrapper', 'git is not told to use the key in submodules', 'orgkey setup')];
  const {stdout} = await git(['config', '--file', file, '--get', 'core.sshCommand']);
  const command = stdout.trim();
  const path = /^'((?:[^']|'\\'')*)'$/.exec(command)?.[1]?.replaceAll(String.raw`'\''`, "'");
  if (path === undefined)
    return [failed('wrapper', `${printable(file, 200)} does not name the wrapper`, 'orgkey setup')];
  const isThere = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  return isThere
    ? [ok('wrapper', `in submodules git calls ${printable(path, 200)}`)]
    : [failed('wrapper', `${printable(path, 200)} is not there or cannot be run`, 'orgkey setup')];
}

/** Git folds the section and the name, not what stands between. */
function sameKey(seen: string, wanted: string): boolean {
  const one = partsOfKey(seen);
  const other = partsOfKey(wanted);
  return (
    one.section.toLowerCase() === other.section.toLowerCase() &&
    one.between === other.between &&
    one.name.toLowerCase() === other.name.toLowerCase()
  );
}

/** Whatever git reads later, or prefers, takes the place of the wrapper. */
function overrides({settings, environment}: Seen): Diagnostic[] {
  const include = settings.findLastIndex(
    ({key}) => key.startsWith('includeif.gitdir:') && key.includes('/modules/'),
  );
  const later = settings.findLast(({key}, at) => key === 'core.sshcommand' && at > include);
  return [
    ...(environment['GIT_SSH_COMMAND'] === undefined
      ? []
      : [
          warning(
            'GIT_SSH_COMMAND',
            'it is set, and takes the place of the wrapper in submodules too',
            'unset GIT_SSH_COMMAND\nand put what it is for into ~/.ssh/config',
          ),
        ]),
    ...(later === undefined
      ? []
      : [
          warning(
            'core.sshCommand',
            `it is read after what leads to the wrapper, and takes its place (${describeOrigin(later)})`,
            'put it before the lines [includeIf …], and the wrapper runs it where the key is not used; or into ~/.ssh/config',
          ),
        ]),
  ];
}

/** Repositories whose submodules have their git directories elsewhere than in `.git/modules`. */
function outOfReach({gitDirectory, submodules}: SeenRepository): Diagnostic[] {
  const own = submodules.filter((submodule) => submodule.gitDirectory === 'own').map(({path}) => path);
  const isUsual = /\/\.git(?:\/(?:worktrees|modules)\/.+)?$/.test(gitDirectory);
  return [
    ...(own.length === 0
      ? []
      : [
          warning(
            'old submodules',
            `they have git directories of their own, the key is not used in them: ${printable(own.join(', '), 200)}`,
            'git submodule absorbgitdirs',
          ),
        ]),
    ...(isUsual || submodules.length === 0
      ? []
      : [
          warning(
            'git directory',
            `it is not called .git (${printable(gitDirectory, 200)}), the key is not used in its submodules`,
            'clone it without --separate-git-dir, or make its submodules HTTPS',
          ),
        ]),
  ];
}

/** Submodules of Azure DevOps over ssh that no key of ours is for. */
function withoutKey({submodules}: SeenRepository, rules: readonly SubmoduleSettings[]): Diagnostic[] {
  return submodules.flatMap(({path, url}) => {
    const remote = azureRemote(url);
    if (remote === undefined) return [];
    const {organization} = remote;
    if (rules.some(({organizations}) => organizations.includes(organization))) return [];
    return [
      warning(
        'key',
        `the submodule ${printable(path, 100)} comes over ssh from ${organization}, which has no key`,
        `orgkey ssh-key new ${organization}\nor in .gitmodules: ${remote.https}`,
      ),
    ];
  });
}

/** At the top the key is never used: everything else goes over HTTPS. */
function sshRemotes(settings: readonly SeenSetting[]): Diagnostic[] {
  return settings.flatMap((setting) => {
    const {section, between = '', name} = partsOfKey(setting.key);
    if (section !== 'remote' || name !== 'url' || setting.scope !== 'local') return [];
    const remote = azureRemote(rewritten(setting.value, settings));
    if (remote === undefined) return [];
    const {organization, project, prefix} = remote;
    const base = `https://dev.azure.com/${encodeURIComponent(organization)}/${encodeURIComponent(project)}/_git/`;
    return [
      warning(
        'ssh remote',
        `${printable(between, 60)} is reached over ssh, where orgkey serves submodules only`,
        prefix === undefined
          ? setUrl(setting, remote.https)
          : `git config --global ${shellWord(`url.${base}.insteadOf`)} ${shellWord(prefix)}`,
      ),
    ];
  });
}

/** By the longest prefix, as git does it. */
function rewritten(url: string, settings: readonly SeenSetting[]): string {
  const rules = settings.flatMap(({key, value}) => {
    const {section, between = '', name} = partsOfKey(key);
    return section === 'url' && name === 'insteadof' && value !== '' && url.startsWith(value)
      ? [{base: between, prefix: value}]
      : [];
  });
  const longest = rules.toSorted((one, other) => other.prefix.length - one.prefix.length)[0];
  return longest === undefined ? url : longest.base + url.slice(longest.prefix.length);
}

interface AzureRemote {
  readonly organization: string;
  readonly project: string;
  readonly https: string;
  /** Up to the name of the repository, where that is all that differs over HTTPS. */
  readonly prefix: string | undefined;
}

/** A repository of Azure DevOps Services over ssh. */
function azureRemote(url: string): AzureRemote | undefined {
  const remote = parseSshRemote(url);
  if (remote === undefined || !isServicesSshHost(remote.host.toLowerCase())) return undefined;
  const found = repositoryAt(remote);
  if (found.kind !== 'repository') return undefined;
  const prefix = /^(?:[^/:@]+@)?ssh\.dev\.azure\.com:v3\/[\w.%-]+\/[\w.%-]+\//i.exec(url)?.[0];
  return {organization: found.organization, project: found.project, https: toHttpsRemote(found), prefix};
}
