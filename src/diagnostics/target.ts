import type {Bindings} from '../identity/bindings.ts';
import type {Identity} from '../identity/identity.ts';
import {lowerName} from '../organization/organization.ts';
import {SERVICES_HOST, ownerOf, type Owner, shownName} from '../organization/owner.ts';
import type {Remote} from '../organization/remote.ts';

/** An organization, or a repository of it, to check from end to end. */
export interface Target {
  /** As in the daemon's status: `contoso`, `azure.example.org/collection`. */
  readonly name: string;
  readonly host: string;
  /** As written in the configuration, or in the URL. */
  readonly organization: string;
  /** `https://dev.azure.com/contoso`; without a virtual directory, a server's collection may be below `tfs`: two. */
  readonly addresses: readonly string[];
  /** The repository's URL, if one was named. */
  readonly repository: string | undefined;
  /** `undefined`: no credential covers it. */
  readonly identity: Identity | undefined;
  readonly place: string | undefined;
}

/** Returns every organization that is configured by name. */
export function configuredTargets(bindings: Bindings): Target[] {
  return bindings.all.flatMap(({identity, host, organizations, place}) =>
    organizations.map((organization) => ({
      name: shownName({host, organization}),
      host,
      organization,
      addresses: addressesOf(host, organization),
      repository: undefined,
      identity,
      place,
    })),
  );
}

/** Returns the organization of an owner, if it has one. `repository` is the URL that was named. */
export function targetOf(
  owner: Owner,
  bindings: Bindings,
  repository: string | undefined,
): Target | undefined {
  if (owner.kind !== 'organization' && owner.kind !== 'server') return undefined;
  const host = owner.kind === 'server' ? owner.host : SERVICES_HOST;
  const organization = owner.kind === 'server' ? owner.collection : owner.organization;
  if (organization === undefined) return undefined;
  const choice = bindings.choose(owner);
  const binding = choice.kind === 'chosen' ? choice.binding : undefined;
  const written = binding?.organizations.find((one) => lowerName(one) === organization);
  const name = written ?? organization;
  return {
    name: shownName({host, organization: name}),
    host,
    organization: name,
    addresses: addressesOf(host, name),
    repository,
    identity: binding?.identity,
    place: binding?.place,
  };
}

export function targetOfRemote(remote: Remote, bindings: Bindings, url: string): Target | undefined {
  return targetOf(ownerOf(remote, bindings.serversAt), bindings, url);
}

function addressesOf(host: string, organization: string): string[] {
  const name = encodeURIComponent(organization);
  return host === SERVICES_HOST || host.includes('/')
    ? [`https://${host}/${name}`]
    : [`https://${host}/${name}`, `https://${host}/tfs/${name}`];
}
