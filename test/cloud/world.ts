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
 * A whole cloud as one JSON value. Everything has a name, by which the rest refers to it; applications may trust a
 * managed identity by its name. Tenants and organizations that exist get what is new.
 */
export interface World {
  tenants?: readonly WorldTenant[];
  organizations?: readonly WorldOrganization[];
  /** Servers on premises. */
  servers?: readonly {
    host: string;
    virtualDirectory?: string;
    negotiate?: boolean;
    iisBasic?: boolean;
    collections: readonly (Contents & {name: string})[];
  }[];
  /** Key vaults: secrets by name, readers by the names of applications and identities. */
  vaults?: readonly {name: string; secrets: Readonly<Record<string, string>>; readers: readonly string[]}[];
}

interface WorldTenant {
  name: string;
  id?: string;
  applications?: readonly (Omit<ApplicationOptions, 'federatedCredentials'> & {
    name: string;
    trusts?: readonly string[];
  })[];
  managedIdentities?: readonly {name: string; kind?: ManagedIdentity['assignment']; clientId?: string}[];
  users?: readonly (UserOptions & {name: string})[];
}

interface Contents {
  pats?: readonly PatOptions[];
  sshKeys?: readonly string[];
  repositories?: readonly (RepositoryOptions & {name: string})[];
}

interface WorldOrganization extends Contents {
  name: string;
  tenant?: string;
  members?: readonly (string | ({name: string} & MemberOptions))[];
  feeds?: readonly string[];
}

interface Described {
  tenants: Record<string, {id: string}>;
  applications: Record<string, {clientId: string; secret?: string; tenantId: string}>;
  managedIdentities: Record<string, {clientId: string; objectId: string; tenantId: string}>;
  users: Record<string, {userPrincipalName: string; objectId: string}>;
  organizations: Record<string, {url: string; pats: string[]; repositories: Record<string, string>}>;
}

/** Returns the ids and secrets that were made, by name. */
export function addToWorld(cloud: Cloud, world: World): Described {
  const described: Described = {
    tenants: {},
    applications: {},
    managedIdentities: {},
    users: {},
    organizations: {},
  };
  for (const tenant of world.tenants ?? []) addTenant(cloud, tenant, described);
  for (const organization of world.organizations ?? []) addOrganization(cloud, organization, described);
  for (const {host, collections, ...options} of world.servers ?? []) {
    const server = cloud.addServer(host, options);
    for (const {name, ...contents} of collections)
      described.organizations[`${host}/${name}`] = fill(server.addCollection(name), contents);
  }
  for (const {name, secrets, readers} of world.vaults ?? [])
    cloud.addVault(name, {secrets, readers: readers.map((reader) => principalNamed(cloud, reader))});
  return described;
}

function addTenant(
  cloud: Cloud,
  {name, id, applications = [], managedIdentities = [], users = []}: WorldTenant,
  described: Described,
): void {
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

function addOrganization(
  cloud: Cloud,
  {name, tenant, members = [], feeds = [], ...contents}: WorldOrganization,
  described: Described,
): void {
  const connected = tenant === undefined ? undefined : tenantNamed(cloud, tenant);
  const organization =
    cloud.azureDevOps.organization(name) ?? cloud.addOrganization(name, connected ? {tenant: connected} : {});
  for (const member of members) {
    const {name: who, ...options} = typeof member === 'string' ? {name: member} : member;
    organization.addMember(memberNamed(cloud, who), options);
  }
  for (const feed of feeds) organization.addFeed(feed);
  described.organizations[name] = fill(organization, contents);
}

function fill(
  organization: Organization,
  {pats = [], sshKeys = [], repositories = []}: Contents,
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
  const identity = cloud.directory.managedIdentities.find((known) => known.name === name);
  if (!identity) throw new Error(`no managed identity ${name}`);
  return identity;
}

function memberNamed(cloud: Cloud, name: string): Principal | Application {
  const {applications, managedIdentities, tenants} = cloud.directory;
  const named = [...applications, ...managedIdentities, ...tenants.flatMap(({users}) => users)];
  const member = named.find((candidate) => candidate.name === name);
  if (!member) throw new Error(`no principal has the name ${name}`);
  return member;
}
