import type {Loaded} from '../../config/configuration.ts';
import {ownerNamed} from '../../control/owner-named.ts';
import {configuredTargets, targetOf, targetOfRemote, type Target} from '../../diagnostics/target.ts';
import type {Trial, World} from '../../diagnostics/world.ts';
import {rewriteUrl} from '../../git/rewrite-url.ts';
import {partsOfKey, type SeenSetting} from '../../git/seen-settings.ts';
import {Bindings} from '../../identity/bindings.ts';
import {isServicesSshHost, parseSshRemote, repositoryAt} from '../../organization/ssh-remote.ts';
import {printable} from '../../text/printable.ts';
import {showAddress} from '../../text/show-address.ts';
import {httpsUrlOf, parseRemote} from '../../organization/git-url.ts';
import {usageError} from '../command-error.ts';

/** Returns what is named, or else every organization that the configuration names. */
export function chooseTargets(text: string | undefined, bindings: Bindings): readonly Target[] {
  if (text === undefined) return configuredTargets(bindings);
  const remote = parseRemote(text);
  const target =
    remote === undefined
      ? targetOf(ownerNamed(text, bindings), bindings, undefined)
      : targetOfRemote(remote, bindings, httpsUrlOf(remote));
  if (target !== undefined) return [target];
  throw usageError(
    `neither an organization nor one of its repositories: ${printable(showAddress(text, 'remote').shown, 100)}`,
    'name one, as in: orgkey doctor contoso',
  );
}

interface Surroundings {
  readonly targets: readonly Target[];
  readonly settings: readonly SeenSetting[];
  readonly loaded: Loaded;
}

/** Returns what git is tried on: the URL as it was given, or the remotes of this repository that lead to a target. */
export function chooseTrials(
  text: string | undefined,
  {targets, settings, loaded}: Surroundings,
): readonly Trial[] {
  const [only] = targets;
  if (text !== undefined && only?.repository !== undefined)
    return hasKey(text, loaded) ? [] : [{name: only.name, remote: text, url: text}];
  const bindings = new Bindings(loaded.kind === 'loaded' ? loaded.configuration.bindings : []);
  return remotesIn(settings)
    .flatMap(({name: remote, url}) => {
      const parsed = parseRemote(rewriteUrl(url, settings));
      const found = parsed && targetOfRemote(parsed, bindings, url);
      const target = targets.find(({name}) => name === found?.name);
      return target === undefined ? [] : [{name: target.name, remote, url}];
    })
    .slice(0, MOST_REMOTES);
}

/** Each costs a connection. */
const MOST_REMOTES = 5;

/** Whether a submodule key serves this address: then it is tried with that. */
function hasKey(text: string, loaded: Loaded): boolean {
  const [remote] = sshRemotesIn([text]);
  const rules = loaded.kind === 'loaded' ? loaded.configuration.settings.submodules : [];
  return remote !== undefined && rules.some(({organizations}) => organizations.includes(remote.organization));
}

/** Returns those of the addresses that lead to Azure DevOps Services over ssh. */
export function sshRemotesIn(addresses: readonly string[]): World['sshRemotes'] {
  return addresses.flatMap((url) => {
    const ssh = parseSshRemote(url);
    if (ssh === undefined || !isServicesSshHost(ssh.host.toLowerCase())) return [];
    const found = repositoryAt(ssh);
    return found.kind === 'repository' ? [{organization: found.organization, url}] : [];
  });
}

/** Returns the remotes of the repository in the current directory. Git uses the first URL of each. */
function remotesIn(settings: readonly SeenSetting[]): {name: string; url: string}[] {
  const found = new Map<string, string>();
  for (const {key, value} of settings) {
    const {section, between, name} = partsOfKey(key);
    const isUrl = section === 'remote' && name === 'url';
    if (isUrl && between !== undefined && !between.startsWith('-') && !found.has(between))
      found.set(between, value);
  }
  return [...found].map(([name, url]) => ({name, url}));
}
