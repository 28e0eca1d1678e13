import {lowerName} from '../organization/organization.ts';
import {collectionAt, type Owner} from '../organization/owner.ts';
import type {Remote} from '../organization/remote.ts';

/**
 * Returns the URL of a remote with its organization, or its virtual directory and collection, spelled as in the
 * configuration. `undefined`: it is spelled so. Git compares the case of paths, Azure DevOps does not: for another
 * spelling git uses other helpers than `setup` configured.
 * @param names as configured
 */
export function configuredUrl(
  {host, path}: Remote,
  owner: Owner,
  names: readonly string[],
): string | undefined {
  const name = nameInPath(host, owner);
  const wanted = names.find((one) => lowerName(one) === name);
  const segments = path?.split('/') ?? [];
  const at = owner.kind === 'server' ? collectionAt(owner.host, segments) : 0;
  const named = wanted ?? segments[at];
  if (named === undefined) return undefined;
  const spelled = [...directoriesOf(owner, segments.slice(0, at)), named, ...segments.slice(at + 1)];
  return spelled.join('/') === path
    ? undefined
    : `https://${host}/${spelled.map(encodeURIComponent).join('/')}`;
}

/** Returns the directories above a collection: as configured, else `tfs` or none. */
function directoriesOf(owner: Owner, given: readonly string[]): readonly string[] {
  const isConfigured = owner.kind === 'server' && owner.host.includes('/');
  return isConfigured ? owner.host.split('/').slice(1) : given.map(lowerName);
}

/** Returns the name that begins the path, in lower case. `undefined`: the host names the organization. */
function nameInPath(host: string, owner: Owner): string | undefined {
  if (owner.kind === 'server') return owner.collection;
  if (owner.kind !== 'organization' || /\.visualstudio\.com(?::443)?$/i.test(host)) return undefined;
  return owner.organization;
}
