import type {Bindings} from '../identity/bindings.ts';
import {lowerAscii, organizationFrom} from '../organization/organization.ts';
import {ownerOf, type Owner} from '../organization/owner.ts';

/**
 * Returns the owner that a user names: `contoso`, or `azure.example.org/DefaultCollection` on a configured server, with
 * its virtual directory or `tfs/`.
 */
export function ownerNamed(name: string, {serversAt}: Pick<Bindings, 'serversAt'>): Owner {
  const [, host = '', path] = /^([^/]*)(?:\/(.+)|\/?)$/s.exec(name) ?? [];
  if (serversAt(lowerAscii(host)).length > 0)
    return ownerOf({protocol: 'https', host, path, username: undefined}, serversAt);
  const organization = organizationFrom(name);
  return organization === undefined
    ? {kind: 'unserved', reason: 'this cannot be the name of an organization'}
    : {kind: 'organization', organization};
}
