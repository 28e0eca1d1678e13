import {randomUUID} from 'node:crypto';
import {createClientSecret} from './secrets.ts';

/** An application, a managed identity or a user, as one tenant knows them. */
export interface Principal {
  readonly kind: 'application' | 'managed-identity' | 'user';
  readonly objectId: string;
  readonly tenant: Tenant;
  readonly name: string;
  /** Of applications and managed identities. */
  readonly clientId?: string;
  /** Of users. */
  readonly userPrincipalName?: string;
}

/** What an application accepts instead of a secret: tokens of this issuer, for this subject. Compared letter by letter. */
export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  /** Default: `api://AzureADTokenExchange`. */
  readonly audience?: string;
}

export interface ApplicationOptions {
  clientId?: string;
  name?: string;
  /** The first secret. Default: a made one; `false` for none. */
  secret?: string | false;
  /** PEM certificates whose keys may sign assertions. */
  certificates?: readonly string[];
  /** A managed identity stands for its own tenant's issuer with itself as subject. */
  federatedCredentials?: readonly (FederatedCredential | ManagedIdentity)[];
  /** Default: `http://localhost`, which matches every port. */
  redirectUris?: readonly string[];
  /** A public client has no secret. */
  public?: boolean;
  /** Known to other tenants too. */
  multitenant?: boolean;
}

export interface UserOptions {
  name?: string;
  userPrincipalName?: string;
  objectId?: string;
}

/** What a tenant allows of workload identity federation, fact 86. */
export interface FederationPolicy {
  /** Refuses every assertion with AADSTS700223. */
  readonly forbidden?: boolean;
  /** Refuses all other issuers with AADSTS700238. */
  readonly issuers?: readonly string[];
}

export class Tenant {
  federation: FederationPolicy = {};
  readonly id: string;
  readonly name: string;
  /** `NAME.onmicrosoft.com`, which works in place of the id. */
  readonly domain: string;
  /** Which sign-in host knows this tenant; hosts that are not Microsoft's know every tenant. */
  readonly authorityHost: string;
  readonly users: User[] = [];
  readonly #directory: Directory;

  constructor(
    directory: Directory,
    {id, name, authorityHost}: {id: string; name: string; authorityHost: string},
  ) {
    this.#directory = directory;
    this.id = id;
    this.name = name;
    this.domain = `${name.toLowerCase().replace(/[^a-z0-9]/g, '')}.onmicrosoft.com`;
    this.authorityHost = authorityHost;
  }

  /** The issuer of this tenant's version 2 tokens. */
  get issuer(): string {
    return `https://${this.authorityHost}/${this.id}/v2.0`;
  }

  addApplication(options: ApplicationOptions = {}): Application {
    return this.#directory.addApplication(this, options);
  }

  addUser(options: UserOptions = {}): User {
    const user = new User(this, options);
    this.users.push(user);
    this.#directory.register(user);
    return user;
  }
}

/** An app registration. In each tenant that knows it, a principal of its own stands for it. */
export class Application {
  readonly clientId: string;
  readonly tenant: Tenant;
  readonly name: string;
  readonly secrets: {readonly value: string; expired: boolean}[] = [];
  readonly certificates: string[];
  readonly federatedCredentials: FederatedCredential[];
  readonly redirectUris: readonly string[];
  readonly isPublic: boolean;
  /** A disabled application is refused with AADSTS7000112. */
  disabled = false;
  /** Without consent users are refused with AADSTS65001. */
  consented = true;
  readonly isMultitenant: boolean;
  readonly #principals = new Map<Tenant, Principal>();
  readonly #directory: Directory;

  constructor(directory: Directory, tenant: Tenant, options: ApplicationOptions) {
    this.#directory = directory;
    this.tenant = tenant;
    this.clientId = (options.clientId ?? randomUUID()).toLowerCase();
    this.name = options.name ?? `app-${this.clientId.slice(0, 8)}`;
    this.isPublic = options.public ?? false;
    this.certificates = [...(options.certificates ?? [])];
    this.federatedCredentials = (options.federatedCredentials ?? []).map(asFederated);
    this.redirectUris = options.redirectUris ?? ['http://localhost'];
    this.isMultitenant = options.multitenant ?? false;
    if (!this.isPublic && options.secret !== false) this.addSecret(options.secret);
  }

  /** The newest secret that works. */
  get secret(): string {
    const secret = this.secrets.findLast(({expired}) => !expired);
    if (!secret) throw new Error(`${this.name} has no client secret`);
    return secret.value;
  }

  get objectId(): string {
    return this.principal().objectId;
  }

  addSecret(value: string = createClientSecret(), {expired = false}: {expired?: boolean} = {}): string {
    this.secrets.push({value, expired});
    return value;
  }

  /** From now on every secret is refused with AADSTS7000222. */
  expireSecrets(): void {
    for (const secret of this.secrets) secret.expired = true;
  }

  removeSecrets(): void {
    this.secrets.length = 0;
  }

  trust(credential: FederatedCredential | ManagedIdentity): void {
    this.federatedCredentials.push(asFederated(credential));
  }

  isKnownIn(tenant: Tenant): boolean {
    return tenant === this.tenant || this.isMultitenant;
  }

  /** Who this application is in a tenant. Default: its own. */
  principal(tenant: Tenant = this.tenant): Principal {
    if (!this.isKnownIn(tenant))
      throw new Error(`${this.name} is not known in ${tenant.name}: make it multitenant`);
    const known = this.#principals.get(tenant);
    if (known) return known;
    const {clientId, name} = this;
    const principal: Principal = {kind: 'application', objectId: randomUUID(), tenant, name, clientId};
    this.#principals.set(tenant, principal);
    this.#directory.register(principal);
    return principal;
  }
}

export class User implements Principal {
  readonly kind = 'user';
  readonly objectId: string;
  readonly tenant: Tenant;
  readonly name: string;
  readonly userPrincipalName: string;
  /** A disabled user is refused with AADSTS50057. */
  disabled = false;

  constructor(tenant: Tenant, options: UserOptions) {
    this.tenant = tenant;
    this.objectId = options.objectId ?? randomUUID();
    this.name = options.name ?? `User ${tenant.users.length + 1}`;
    this.userPrincipalName =
      options.userPrincipalName ?? `${this.name.toLowerCase().replace(/[^a-z0-9]+/g, '.')}@${tenant.domain}`;
  }
}

export class ManagedIdentity implements Principal {
  readonly kind = 'managed-identity';
  readonly assignment: 'system-assigned' | 'user-assigned';
  readonly objectId: string;
  readonly clientId: string;
  readonly tenant: Tenant;
  readonly name: string;
  readonly resourceId: string;

  constructor(
    tenant: Tenant,
    {
      assignment,
      clientId,
      name,
    }: {assignment: ManagedIdentity['assignment']; clientId?: string; name?: string},
  ) {
    this.tenant = tenant;
    this.assignment = assignment;
    this.clientId = (clientId ?? randomUUID()).toLowerCase();
    this.objectId = randomUUID();
    this.name =
      name ?? `${assignment === 'system-assigned' ? 'machine' : 'identity'}-${this.clientId.slice(0, 8)}`;
    this.resourceId = `/subscriptions/${tenant.id}/resourceGroups/cloud/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${this.name}`;
  }
}

/** Tenants, and who is in them. */
export class Directory {
  readonly tenants: Tenant[] = [];
  readonly applications: Application[] = [];
  readonly managedIdentities: ManagedIdentity[] = [];
  readonly #principals = new Map<string, Principal>();

  addTenant({
    id = randomUUID(),
    name,
    authorityHost = 'login.microsoftonline.com',
  }: {id?: string; name?: string; authorityHost?: string} = {}): Tenant {
    const tenant = new Tenant(this, {
      id: id.toLowerCase(),
      name: name ?? `Tenant ${this.tenants.length + 1}`,
      authorityHost,
    });
    this.tenants.push(tenant);
    return tenant;
  }

  addApplication(tenant: Tenant, options: ApplicationOptions): Application {
    const application = new Application(this, tenant, options);
    this.applications.push(application);
    return application;
  }

  addManagedIdentity(identity: ManagedIdentity): ManagedIdentity {
    this.managedIdentities.push(identity);
    this.register(identity);
    return identity;
  }

  /** By id or domain. */
  tenant(name: string): Tenant | undefined {
    const wanted = name.toLowerCase();
    return this.tenants.find(({id, domain}) => id === wanted || domain === wanted);
  }

  application(clientId: string): Application | undefined {
    const wanted = clientId.toLowerCase();
    return this.applications.find((application) => application.clientId === wanted);
  }

  user(name: string): User | undefined {
    const wanted = name.toLowerCase();
    return this.tenants
      .flatMap(({users}) => users)
      .find(
        ({objectId, userPrincipalName}) => objectId === wanted || userPrincipalName.toLowerCase() === wanted,
      );
  }

  /** Registers every new principal. */
  register(principal: Principal): void {
    this.#principals.set(principal.objectId, principal);
  }

  principal(objectId: string): Principal | undefined {
    return this.#principals.get(objectId);
  }
}

// fact 28
function asFederated(credential: FederatedCredential | ManagedIdentity): FederatedCredential {
  return credential instanceof ManagedIdentity
    ? {issuer: credential.tenant.issuer, subject: credential.objectId}
    : credential;
}
