import {lowerName} from '../organization/organization.ts';
import type {Owner} from '../organization/owner.ts';
import type {Remote} from '../organization/remote.ts';

/**
 * Returns the URL of a remote with its organization or collection spelled as in the configuration. `undefined`: it is
 * spelled so, or its name is not configured. Git compares the case of paths, Azure DevOps does not: for another spelling
 * git uses other helpers than `setup` configured.
 * @param names as configured
 */
export function configuredUrl(
  {host, path}: Remote,
  owner: Owner,
  names: readonly string[],
): string | undefined {
  const name = nameInPath(host, owner);
  const wanted = names.find((one) => lowerName(one) === name);
  if (wanted === undefined) return undefined;
  const segments = path?.split('/') ?? [wanted];
  const below =
    owner.kind === 'server' && lowerName(segments[0] ?? '') === 'tfs' ? ['tfs', wanted] : [wanted];
  const spelled = [...below, ...segments.slice(below.length)];
  return spelled.join('/') === path
    ? undefined
    : `https://${host}/${spelled.map(encodeURIComponent).join('/')}`;
}

/** Returns the name that begins the path, in lower case. `undefined`: the host names the organization. */
function nameInPath(host: string, owner: Owner): string | undefined {
  if (owner.kind === 'server') return owner.collection;
  if (owner.kind !== 'organization' || /\.visualstudio\.com(?::443)?$/i.test(host)) return undefined;
  return owner.organization;
}
