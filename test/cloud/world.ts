import type {Cloud} from './cloud.ts';
import type {
  Application,
  ApplicationOptions,
  ManagedIdentity,
  Principal,
  Tenant,
  UserOptions,
} from './directory.ts';
import type {MemberOptions, Organization, PatOptions} from './organizations.ts';
import type {RepositoryOptions} from './repositories.ts';

/**
 * A whole cloud as one JSON value. Everything has a name of its own by which the rest refers to it; applications may
 * trust a managed identity by its name. Tenants and organizations that are there already are added to.
 */
export type World = {
  tenants?: readonly {
    name: string;
    id?: string;
    applications?: readonly (Omit<ApplicationOptions, 'federatedCredentials'> & {
      name: string;
      trusts?: readonly string[];
    })[];
    managedIdentities?: readonly {name: string; kind?: ManagedIdentity['assignment']; clientId?: string}[];
    users?: readonly (UserOptions & {name: string})[];
  }[];
  organizations?: readonly {
    name: string;
    tenant?: string;
    members?: readonly (string | ({name: string} & MemberOptions))[];
    pats?: readonly PatOptions[];
    sshKeys?: readonly string[];
    feeds?: readonly string[];
    repositories?: readonly (RepositoryOptions & {name: string})[];
  }[];
  /** Servers on premises. */
  servers?: readonly {
    host: string;
    virtualDirectory?: string;
    collections: readonly {
      name: string;
      pats?: readonly PatOptions[];
      sshKeys?: readonly string[];
      repositories?: readonly (RepositoryOptions & {name: string})[];
    }[];
  }[];
  /** Key vaults: secrets by name, readers by the names of applications and identities. */
  vaults?: readonly {name: string; secrets: Readonly<Record<string, string>>; readers: readonly string[]}[];
};

type Described = {
  tenants: Record<string, {id: string}>;
  applications: Record<string, {clientId: string; secret?: string; tenantId: string}>;
  managedIdentities: Record<string, {clientId: string; objectId: string; tenantId: string}>;
  users: Record<string, {userPrincipalName: string; objectId: string}>;
  organizations: Record<string, {url: string; pats: string[]; repositories: Record<string, string>}>;
};

/** @returns the ids and secrets that were made, by name. */
export function addToWorld(cloud: Cloud, world: World): Described {
  const described: Described = {
    tenants: {},
    applications: {},
    managedIdentities: {},
    users: {},
    organizations: {},
  };
  for (const {name, id, applications = [], managedIdentities = [], users = []} of world.tenants ?? []) {
    const tenant = tenantNamed(cloud, name) ?? cloud.addTenant({name, ...(id === undefined ? {} : {id})});
    described.tenants[name] = {id: tenant.id};
    for (const identity of managedIdentities) {
      const {clientId, objectId} = cloud.addManagedIdentity({tenant, ...identity});
      described.managedIdentities[identity.name] = {clientId, objectId, tenantId: tenant.id};
    }
    for (const {trusts = [], ...options} of applications) {
      const application = tenant.addApplication(options);
      for (const trusted of trusts) application.trust(identityNamed(cloud, trusted));
      described.applications[options.name] = {
        clientId: application.clientId,
        tenantId: tenant.id,
        ...(application.secrets.length > 0 ? {secret: application.secret} : {}),
      };
    }
    for (const options of users) {
      const {userPrincipalName, objectId} = tenant.addUser(options);
      described.users[options.name] = {userPrincipalName, objectId};
    }
  }
  for (const {
    name,
    tenant,
    members = [],
    pats = [],
    sshKeys = [],
    feeds = [],
    repositories = [],
  } of world.organizations ?? []) {
    const connected = tenant === undefined ? undefined : tenantNamed(cloud, tenant);
    const organization =
      cloud.azureDevOps.organization(name) ??
      cloud.addOrganization(name, connected ? {tenant: connected} : {});
    for (const member of members) {
      const {name: who, ...options} = typeof member === 'string' ? {name: member} : member;
      organization.addMember(memberNamed(cloud, who), options);
    }
    for (const feed of feeds) organization.addFeed(feed);
    described.organizations[name] = fill(organization, {pats, sshKeys, repositories});
  }
  for (const {host, collections, ...options} of world.servers ?? []) {
    const server = cloud.addServer(host, options);
    for (const {name, ...contents} of collections)
      described.organizations[`${host}/${name}`] = fill(server.addCollection(name), contents);
  }
  for (const {name, secrets, readers} of world.vaults ?? [])
    cloud.addVault(name, {secrets, readers: readers.map((reader) => principalNamed(cloud, reader))});
  return described;
}

function fill(
  organization: Organization,
  {
    pats = [],
    sshKeys = [],
    repositories = [],
  }: {
    pats?: readonly PatOptions[];
    sshKeys?: readonly string[];
    repositories?: readonly (RepositoryOptions & {name: string})[];
  },
): Described['organizations'][string] {
  for (const key of sshKeys) organization.addSshKey(key);
  return {
    url: organization.url,
    pats: pats.map((options) => organization.addPat(options).value),
    repositories: Object.fromEntries(
      repositories.map(({name, ...options}) => [name, organization.addRepository(name, options).url]),
    ),
  };
}

function principalNamed(cloud: Cloud, name: string): Principal {
  const member = memberNamed(cloud, name);
  return 'principal' in member ? member.principal() : member;
}

function tenantNamed(cloud: Cloud, name: string): Tenant | undefined {
  return cloud.directory.tenants.find((tenant) => tenant.name === name || tenant.id === name);
}

function identityNamed(cloud: Cloud, name: string): ManagedIdentity {
  const identity = cloud.directory.managedIdentities.find((identity) => identity.name === name);
  if (!identity) throw new Error(`no managed identity ${name}`);
  return identity;
}

function memberNamed(cloud: Cloud, name: string): Principal | Application {
  const {applications, managedIdentities, tenants} = cloud.directory;
  const named = [...applications, ...managedIdentities, ...tenants.flatMap(({users}) => users)];
  const member = named.find((candidate) => candidate.name === name);
  if (!member) throw new Error(`nobody is called ${name}`);
  return member;
}
