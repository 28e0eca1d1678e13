import type {Bindings} from '../identity/bindings.ts';
import {lowerAscii, lowerName, organizationFrom} from '../organization/organization.ts';
import type {Owner} from '../organization/owner.ts';

/**
 * Returns the owner that a user names: `contoso`, or `azure.example.org/DefaultCollection` on a configured server, with
 * or without `tfs/`.
 */
export function ownerNamed(name: string, bindings: Bindings): Owner {
  const slash = name.indexOf('/');
  const host = lowerAscii(slash === -1 ? name : name.slice(0, slash));
  if (bindings.isServer(host)) {
    const collection = slash === -1 ? undefined : lowerName(name.slice(slash + 1));
    return {kind: 'server', host, collection: collection?.replace(/^tfs\//, '')};
  }
  const organization = organizationFrom(name);
  return organization === undefined
    ? {kind: 'unserved', reason: 'this cannot be the name of an organization'}
    : {kind: 'organization', organization};
}
