import type {Bindings} from '../identity/bindings.ts';
import {organizationFrom} from '../organization/organization.ts';
import type {Owner} from '../organization/owner.ts';

/** Whom people mean: `contoso`, or `azure.example.org/DefaultCollection` on a configured server, below `/tfs` or not. */
export function ownerNamed(name: string, bindings: Bindings): Owner {
  const slash = name.indexOf('/');
  const host = (slash === -1 ? name : name.slice(0, slash)).toLowerCase();
  if (bindings.isServer(host)) {
    const collection = slash === -1 ? undefined : name.slice(slash + 1).toLowerCase();
    return {kind: 'server', host, collection: collection?.replace(/^tfs\//, '')};
  }
  const organization = organizationFrom(name);
  return organization === undefined
    ? {kind: 'refused', reason: 'no organization has such a name'}
    : {kind: 'organization', organization};
}
