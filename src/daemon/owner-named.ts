import type {Bindings} from '../identity/bindings.ts';
import {organizationFrom} from '../organization/organization.ts';
import type {Owner} from '../organization/owner.ts';

/** Whom people mean: `contoso`, or `azure.example.org/DefaultCollection` on a configured server. */
export function ownerNamed(name: string, bindings: Bindings): Owner {
  const slash = name.indexOf('/');
  const host = (slash === -1 ? name : name.slice(0, slash)).toLowerCase();
  if (bindings.isServer(host)) {
    return {kind: 'server', host, collection: slash === -1 ? undefined : name.slice(slash + 1).toLowerCase()};
  }
  const organization = organizationFrom(name);
  return organization === undefined
    ? {kind: 'refused', reason: 'no organization has such a name'}
    : {kind: 'organization', organization};
}
