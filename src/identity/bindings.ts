import {lowerName, organizationFrom} from '../organization/organization.ts';
import {hostnameOf, SERVICES_HOST, type Owner, type ServersAt, shownName} from '../organization/owner.ts';
import type {Identity} from './identity.ts';

/** One credential of the configuration: an identity, and what it is for. */
export interface Binding {
  readonly identity: Identity;
  /**
   * In lower case, with port if it has one, and with the virtual directory of a server as it was written; `*`: every host
   * that is not Azure DevOps.
   */
  readonly host: string;
  /** As written; collections on servers. Empty: the fallback of the host. */
  readonly organizations: readonly string[];
  /** Its place, as in `/etc/orgkey/config.yaml:12:9`, or what it was made from. */
  readonly place: string;
  /** The absolute path of the file that its personal access token is read from, if it is. */
  readonly tokenFile?: string | undefined;
}

/** Returns every organization that bindings name: `contoso`, `tfs.example.org/collection`. */
export function namesIn(bindings: readonly Pick<Binding, 'host' | 'organizations'>[]): string[] {
  return bindings.flatMap(({host, organizations}) =>
    organizations.map((organization) => shownName({host, organization})),
  );
}

/** The credential for an owner, and the rule that chose it. */
export type Choice =
  | {readonly kind: 'chosen'; readonly binding: Binding; readonly by: 'name' | 'fallback'}
  | {readonly kind: 'none'; readonly reason: string};

/** Chooses the identity for an owner. Uses maps, so that the time does not depend on the number of organizations. */
export class Bindings {
  readonly all: readonly Binding[];
  readonly #byName = new Map<string, Binding>();
  readonly #fallbacks = new Map<string, Binding>();
  readonly #servers = new Map<string, Set<string>>();

  constructor(all: readonly Binding[]) {
    this.all = all;
    for (const binding of all) {
      if (binding.host !== SERVICES_HOST && binding.host !== '*') this.#addServer(binding.host);
      if (binding.organizations.length === 0) this.#fallbacks.set(lowerName(binding.host), binding);
      for (const organization of binding.organizations) {
        this.#byName.set(keyOf(binding.host, organization), binding);
      }
    }
  }

  readonly serversAt: ServersAt = (host) => [...(this.#servers.get(host) ?? [])];

  #addServer(server: string): void {
    const host = hostnameOf(server);
    const servers = this.#servers.get(host) ?? new Set();
    this.#servers.set(host, servers.add(server));
  }

  choose(owner: Owner): Choice {
    switch (owner.kind) {
      case 'organization':
        return (
          this.#named(SERVICES_HOST, owner.organization) ??
          this.#fallback(SERVICES_HOST, 'no credential covers the organization')
        );
      case 'unnamed':
        return this.#fallback(SERVICES_HOST, owner.reason);
      case 'server': {
        const named = owner.collection === undefined ? undefined : this.#named(owner.host, owner.collection);
        return named ?? this.#fallback(owner.host, 'no credential covers the collection');
      }
      case 'elsewhere':
        return this.#anywhere(
          this.#servers.has(owner.host)
            ? 'the path is outside the configured virtual directories of the host'
            : 'not an Azure DevOps host',
        );
      case 'unserved':
        return {kind: 'none', reason: owner.reason};
    }
  }

  /** Only logins that users typed for this very host may go to other hosts, whatever the configuration says. */
  #anywhere(reason: string): Choice {
    const choice = this.#fallback('*', reason);
    return choice.kind === 'chosen' && choice.binding.identity.kind !== 'stored'
      ? {kind: 'none', reason: 'only stored logins are served on other hosts'}
      : choice;
  }

  #named(host: string, organization: string): Choice | undefined {
    const binding = this.#byName.get(keyOf(host, organization));
    return binding && {kind: 'chosen', binding, by: 'name'};
  }

  #fallback(host: string, otherwise: string): Choice {
    const binding = this.#fallbacks.get(lowerName(host));
    return binding ? {kind: 'chosen', binding, by: 'fallback'} : {kind: 'none', reason: otherwise};
  }
}

/** Names of collections may have any letters, those of organizations only ASCII. */
function keyOf(host: string, organization: string): string {
  return host === SERVICES_HOST
    ? `${host}/${organizationFrom(organization) ?? ''}`
    : lowerName(`${host}/${organization}`);
}
