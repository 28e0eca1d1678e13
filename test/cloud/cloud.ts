/**
 * The test cloud: Entra, managed identities, pipelines' OIDC, Key Vault and Azure DevOps on loopback, under their real
 * names, behind a CONNECT proxy.
 *
 *     const cloud = await startCloud();
 *     const tenant = cloud.addTenant();
 *     const app = tenant.addApplication();                         // app.clientId, app.secret
 *     const identity = cloud.addManagedIdentity({tenant});         // identity.clientId
 *     const org = cloud.addOrganization('contoso', {tenant, members: [app, identity]});
 *     const pat = org.addPat();                                    // pat.value
 *     const repository = org.addRepository('project/repo', {files: {'a.txt': 'a'}});
 *
 *     // the program under test, or git, gets these variables and then uses the real names
 *     spawn('git', ['clone', repository.url], {env: {...process.env, ...cloud.environment()}});
 *
 *     cloud.fault({endpoint: 'token', status: 503, times: 2});     // see Fault for all that can go wrong
 *     cloud.requests.count({endpoint: 'token', tenant: tenant.id}); // see RequestRecord for what is known of each
 *     await cloud.requests.waitFor({endpoint: 'git', status: 401});
 *     cloud.revoke(pat);
 *     await cloud.close();
 *
 * `main.ts` is the same as a process, `control.ts` describes its interface.
 */
import type {KeyObject} from 'node:crypto';
import {chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createServer as createHttpServer, type RequestListener, type Server as HttpServer} from 'node:http';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {AzureDevOps} from './azure-devops.ts';
import {BlobStore, blobStore} from './feeds/blob-store.ts';
import {browse, type Visit} from './browser.ts';
import {createCertificateAuthority, createClientCertificate, type Certificate} from './certificates.ts';
import {send, type ClientAnswer, type ClientRequest, type Target} from './client.ts';
import {
  Directory,
  ManagedIdentity,
  type Application,
  type Principal,
  type Tenant,
  type User,
} from './directory.ts';
import {Entra} from './entra.ts';
import {imdsAddress, proxyEnvironment} from './environment.ts';
import {Faults, type ActiveFault, type Fault} from './faults.ts';
import {GitProgram} from './git-program.ts';
import {createRequestListener, type Router} from './http-exchange.ts';
import {createSigningKey} from './jwt.ts';
import {KeyVaults, type Vault} from './key-vaults.ts';
import {Listeners, portOf} from './listeners.ts';
import {goLongWay} from './long-way.ts';
import {ManagedIdentityEndpoints} from './managed-identity-endpoints.ts';
import {Organization, type OrganizationOptions, type Pat} from './organizations.ts';
import {OtherHost} from './other-hosts.ts';
import {AssertionIssuer, PipelineOidc, type GithubJob, type ServiceConnection} from './pipeline-oidc.ts';
import {createProxy, type Tunnel} from './proxy.ts';
import {Records, type ProxyRecord, type RequestRecord, type SshRecord} from './records.ts';
import type {Repository} from './repositories.ts';
import {azureDevOps as azureDevOpsResource, findResource} from './resources.ts';
import {createRsaKey, sharedRsaKeys} from './rsa-keys.ts';
import {SshServer, type SshAlgorithms} from './ssh-server.ts';
import {createTlsServer} from './tls-server.ts';
import {TokenService, type TokenSettings} from './token-service.ts';

export interface CloudOptions {
  /** The directory for repositories and the authority's certificate. Default: a temporary directory, removed by `close`. */
  directory?: string;
  /** The git that serves repositories. Default: `git` of the PATH. */
  git?: string;
  /** More names of the sign-in service, as custom authority hosts. */
  authorityHosts?: readonly string[];
  /** Makes the proxy forward plain requests for 169.254.169.254 to IMDS, as no proxy should; otherwise it answers 502. */
  imdsThroughProxy?: boolean;
}

const sshHosts = ['ssh.dev.azure.com', 'vs-ssh.visualstudio.com'];

export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const [signingKey, hostKey] = await sharedRsaKeys();
  const cloud = new Cloud(options, {signingKey, hostKey});
  await cloud.listen();
  return cloud;
}

/** What clouds leave behind if a test ends without closing them. */
const unclosed = new Set<() => void>();
process.once('exit', () => {
  for (const clean of unclosed) clean();
});

export class Cloud {
  /** Every HTTP request that reached an endpoint. */
  readonly requests = new Records<RequestRecord>();
  /** Every request to the proxy, refused or not, and TLS handshakes that clients broke off. */
  readonly proxyRequests = new Records<ProxyRecord>();
  /** Every request of SSH clients. */
  readonly sshRequests = new Records<SshRecord>();
  readonly entra: Entra;
  readonly ssh: SshServer;
  /** What a machine or a job of Azure offers; `forgetTokens()` makes IMDS issue a new token. */
  readonly machine: ManagedIdentityEndpoints;
  readonly directory: Directory = new Directory();
  readonly azureDevOps: AzureDevOps;
  readonly caFile: string;
  /** The difference between the cloud's clock and the real one, in milliseconds. Tokens and `Date` headers follow it. */
  clockOffset = 0;
  /** How long a round trip to the cloud takes over HTTPS, in milliseconds: of the handshakes, too. For new connections. */
  roundTrip = 0;
  readonly #folder: string;
  readonly #authority: string;
  readonly #isTemporary: boolean;
  readonly #faults = new Faults();
  readonly #tokens: TokenService;
  readonly #git: GitProgram;
  readonly #vaults: KeyVaults;
  readonly #oidc: PipelineOidc;
  readonly #issuers = new Map<string, AssertionIssuer>();
  readonly #others = new Map<string, OtherHost>();
  readonly #guests = new Map<string, RequestListener>();
  readonly #authorityHosts: Set<string>;
  readonly #tls: HttpServer;
  readonly #plain: HttpServer;
  readonly #proxy: HttpServer;
  readonly #listeners: Listeners;
  readonly #clean = (): void => {
    this.#git.close();
    this.machine.close();
    if (this.#isTemporary) rmSync(this.#folder, {recursive: true, force: true, maxRetries: 5});
  };
  readonly #now = (): number => Date.now() + this.clockOffset;

  /** Use `startCloud`. */
  constructor(options: CloudOptions, {signingKey, hostKey}: {signingKey: KeyObject; hostKey: KeyObject}) {
    this.#isTemporary = options.directory === undefined;
    this.#folder = options.directory ?? mkdtempSync(path.join(tmpdir(), 'test-cloud-'));
    mkdirSync(this.#folder, {recursive: true});
    // Programs that run as another user must find the certificate too
    if (this.#isTemporary) chmodSync(this.#folder, 0o755);
    const authority = createCertificateAuthority('Test cloud');
    this.caFile = path.join(this.#folder, 'ca.pem');
    this.#authority = authority.certificate;
    writeFileSync(this.caFile, this.#authority);
    chmodSync(this.caFile, 0o644);
    this.#authorityHosts = new Set((options.authorityHosts ?? []).map((host) => host.toLowerCase()));
    const now = this.#now;
    const {directory} = this;
    this.#git = new GitProgram(options.git ?? 'git', this.#folder);
    const tokens = new TokenService({directory, key: createSigningKey('test-cloud', signingKey), now});
    this.#tokens = tokens;
    this.entra = new Entra({directory, tokens, now});
    this.#oidc = new PipelineOidc((url) => this.addIssuer(url));
    this.#vaults = new KeyVaults({tokens});
    this.machine = new ManagedIdentityEndpoints({identities: directory.managedIdentities, tokens, now});
    this.azureDevOps = new AzureDevOps({tokens, git: this.#git, api: this.#oidc.pipelinesRoute, now});
    const faults = this.#faults;
    this.ssh = new SshServer({
      hostKey: hostKey.export({type: 'pkcs1', format: 'pem'}).toString(),
      azureDevOps: this.azureDevOps,
      git: this.#git,
      records: this.sshRequests,
      faults,
    });
    const records = this.requests;
    const listener = createRequestListener({route: this.#route, records, faults, now});
    this.#tls = createTlsServer(
      {
        authority,
        stranger: createCertificateAuthority('A certificate authority that is not trusted'),
        faults,
        connections: this.proxyRequests,
      },
      (request, response) => (this.#guests.get(request.headers.host ?? '') ?? listener)(request, response),
    );
    const machine = createRequestListener({
      route: this.machine.route,
      records,
      faults,
      now,
      host: imdsAddress,
    });
    this.#plain = createHttpServer(machine);
    this.#proxy = createProxy({
      records: this.proxyRequests,
      faults,
      find: (host, port) => this.#tunnel(host, port, options.imdsThroughProxy ?? false),
      roundTrip: () => this.roundTrip,
      forward: (host) => (options.imdsThroughProxy && host === imdsAddress ? machine : undefined),
    });
    this.#listeners = new Listeners([this.#tls, this.#plain, this.#proxy]);
  }

  /** Called by `startCloud`. */
  async listen(): Promise<void> {
    unclosed.add(this.#clean);
    await Promise.all([this.ssh.listen(), this.#listeners.listen()]);
  }

  /** Ends everything at once: connections, children, files. */
  async close(): Promise<void> {
    this.#git.close();
    await Promise.all([this.ssh.close(), this.#listeners.close()]);
    unclosed.delete(this.#clean);
    this.#clean();
  }

  /** `http://127.0.0.1:PORT` */
  get proxyUrl(): string {
    return `http://127.0.0.1:${portOf(this.#proxy)}`;
  }

  /** The address of IMDS, for `AZURE_POD_IDENTITY_AUTHORITY_HOST`. */
  get imdsUrl(): string {
    return `http://127.0.0.1:${portOf(this.#plain)}`;
  }

  /** The TLS port, for clients that connect to loopback themselves and send a real name. */
  get tlsPort(): number {
    return portOf(this.#tls);
  }

  /** The clock by which tokens are made and judged, in milliseconds since epoch. */
  now(): number {
    return this.#now();
  }

  /** Variables with which git, curl and Node find this cloud under the real names. Proxy variables come in both cases. */
  environment(): Record<string, string> {
    return proxyEnvironment(this);
  }

  /** Variables of a program on App Service; they take the place of IMDS. */
  appServiceEnvironment(): Record<string, string> {
    return {
      IDENTITY_ENDPOINT: `${this.imdsUrl}/app-service/token`,
      IDENTITY_HEADER: this.machine.identityHeader,
    };
  }

  /** Variables of a program on a machine with Azure Arc's agent. Only root may write its challenges. */
  arcEnvironment(): Record<string, string> {
    return {
      IDENTITY_ENDPOINT: `${this.imdsUrl}/arc/metadata/identity/oauth2/token`,
      IMDS_ENDPOINT: this.imdsUrl,
    };
  }

  /** Variables of a program in Azure Machine Learning, whose default identity this is. */
  machineLearningEnvironment({clientId}: {clientId: string}): Record<string, string> {
    return {
      MSI_ENDPOINT: `${this.imdsUrl}/machine-learning/token`,
      MSI_SECRET: this.machine.identityHeader,
      DEFAULT_IDENTITY_CLIENT_ID: clientId,
    };
  }

  cloudShellEnvironment(): Record<string, string> {
    return {MSI_ENDPOINT: `${this.imdsUrl}/cloud-shell/token`};
  }

  serviceFabricEnvironment(): Record<string, string> {
    return {
      IDENTITY_ENDPOINT: `${this.imdsUrl}/service-fabric/token`,
      IDENTITY_HEADER: this.machine.identityHeader,
      IDENTITY_SERVER_THUMBPRINT: 'A'.repeat(40),
    };
  }

  /** Lines for `known_hosts`, also for the server's own address. */
  knownHosts(): string {
    const names = [...sshHosts, ...this.azureDevOps.servers, `[127.0.0.1]:${this.ssh.port}`];
    return names.map((name) => `${name} ${this.ssh.publicHostKey}\n`).join('');
  }

  /** How long tokens live from now on. */
  get tokenSettings(): TokenSettings {
    return this.#tokens.settings;
  }

  addTenant(options: {id?: string; name?: string; authorityHost?: string} = {}): Tenant {
    return this.directory.addTenant(options);
  }

  /** An identity assigned to the machine that IMDS speaks for. Default: user-assigned, in a tenant of its own. */
  addManagedIdentity({
    tenant = this.directory.tenants[0] ?? this.addTenant(),
    kind = 'user-assigned',
    ...more
  }: {
    tenant?: Tenant;
    kind?: ManagedIdentity['assignment'];
    clientId?: string;
    name?: string;
  } = {}): ManagedIdentity {
    return this.directory.addManagedIdentity(new ManagedIdentity(tenant, {assignment: kind, ...more}));
  }

  addOrganization(name: string, options: OrganizationOptions = {}): Organization {
    const tenant =
      options.tenant === undefined ? (this.directory.tenants[0] ?? this.addTenant()) : options.tenant;
    const organization = new Organization(name, this.#place(`https://dev.azure.com/${name}`), {
      ...options,
      tenant,
    });
    this.azureDevOps.addOrganization(organization);
    return organization;
  }

  /**
   * A server on premises, over HTTPS and SSH. `virtualDirectory`: any, or empty. `negotiate`: it offers NTLM and Kerberos
   * first, as many do. `iisBasic`: IIS asks for a Windows password, and no token gets through.
   */
  addServer(
    host: string,
    {
      virtualDirectory = 'tfs',
      negotiate = false,
      iisBasic = false,
    }: {virtualDirectory?: string; negotiate?: boolean; iisBasic?: boolean} = {},
  ): {addCollection: (name: string) => Organization} {
    const directories = virtualDirectory.split('/').filter(Boolean);
    this.azureDevOps.addServer(host, {directories, negotiate, iisBasic});
    const base = virtualDirectory === '' ? `https://${host}` : `https://${host}/${virtualDirectory}`;
    return {
      addCollection: (name) => {
        const collection = new Organization(name, this.#place(`${base}/${encodeURIComponent(name)}`), {
          tenant: null,
        });
        this.azureDevOps.addCollection(host, collection);
        return collection;
      },
    };
  }

  /** A git host that is not Azure DevOps. */
  addOtherHost(name: string, options: {username?: string; password?: string} = {}): OtherHost {
    const host = new OtherHost(name, options, this.#place(''));
    this.#others.set(name.toLowerCase(), host);
    return host;
  }

  /** A host that is served by a program of its own, beside the cloud's records and faults. */
  addGuest(host: string, listener: RequestListener): void {
    this.#guests.set(host, listener);
  }

  addVault(
    name: string,
    options?: {secrets?: Readonly<Record<string, string>>; readers?: readonly Principal[]},
  ): Vault {
    return this.#vaults.add(name, options);
  }

  /** An issuer of assertions that Entra can check, such as a cluster's. */
  addIssuer(url: string): AssertionIssuer {
    const known = this.#issuers.get(url);
    if (known) return known;
    const issuer = new AssertionIssuer(url, this.#tokens.key, this.#now);
    this.#issuers.set(url, issuer);
    this.#tokens.addIssuer(issuer);
    return issuer;
  }

  addGithubJob(subject?: string): GithubJob {
    return this.#oidc.addGithubJob(subject);
  }

  addServiceConnection(
    organization: Organization,
    {name = 'connection', isOld = false}: {name?: string; isOld?: boolean} = {},
  ): ServiceConnection {
    return this.#oidc.addServiceConnection({organization, name, isOld});
  }

  /** A certificate for an application: `pem` for the client, `certificate` to register. */
  createClientCertificate(name?: string): Promise<Certificate & {readonly pem: string}> {
    return createClientCertificate(name);
  }

  /** Returns a token that no request was needed for. Default of `resource`: Azure DevOps; `life` in seconds. */
  createToken(
    principal: Principal | Application,
    {resource, life}: {resource?: string; life?: number} = {},
  ): string {
    const who = 'principal' in principal ? principal.principal() : principal;
    const found = resource === undefined ? azureDevOpsResource : findResource(resource);
    if (!found) throw new Error(`no resource ${String(resource)}`);
    return this.#tokens.issue(who, found, life === undefined ? {} : {life}).token;
  }

  /** An access token, a refresh token or a PAT: it is rejected from now on. */
  revoke(secret: string | Pat): void {
    this.#tokens.revoke(typeof secret === 'string' ? secret : secret.value);
  }

  fault(fault: Fault): ActiveFault {
    const active = this.#faults.add(fault);
    // what goes wrong below HTTP must not be spared to those who hold a connection
    if (fault.endpoint === 'tls') this.#tls.closeIdleConnections();
    return active;
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Does what a person with a browser does: signs in at this address as this user, and follows to the end. */
  browse(url: string, user: User, {decline = false}: {decline?: boolean} = {}): Promise<Visit> {
    return browse(url, {account: user.userPrincipalName, decline, target: this.#target});
  }

  /** Asks one of the cloud's addresses directly, as a test does that looks at answers. */
  request(url: string, request: ClientRequest = {}): Promise<ClientAnswer> {
    return send(url, request, this.#target);
  }

  /** For SSH connections from now on: other algorithms (`{serverHostKey: ['ssh-rsa']}` is SHA-1 only), another host key. */
  async configureSsh({
    algorithms,
    newHostKey = false,
  }: {
    algorithms?: SshAlgorithms;
    newHostKey?: boolean;
  }): Promise<void> {
    const hostKey = newHostKey
      ? (await createRsaKey()).export({type: 'pkcs1', format: 'pem'}).toString()
      : undefined;
    this.ssh.configure({...(algorithms ? {algorithms} : {}), ...(hostKey === undefined ? {} : {hostKey})});
  }

  get #target(): Target {
    return {port: this.tlsPort, ca: this.#authority};
  }

  readonly #route: Router = (request) => {
    const {host} = request;
    if (this.#authorityHosts.has(host) || Entra.isMicrosoftHost(host)) return this.entra.route(request);
    if (PipelineOidc.isGithubHost(host)) return this.#oidc.githubRoute(request);
    if (host === BlobStore.host) return blobStore.route(request);
    if (host.endsWith('.vault.azure.net')) return this.#vaults.route(request);
    const other = this.#others.get(host);
    if (other) return other.route(request);
    if (this.azureDevOps.serves(host)) return this.azureDevOps.route(request);
    return {
      endpoint: 'unknown',
      handle: () => ({status: 421, body: 'This host is not part of the cloud.\n'}),
    };
  };

  #tunnel(host: string, port: number, imdsThroughProxy: boolean): Tunnel | undefined {
    if (port === 22 && (sshHosts.includes(host) || this.azureDevOps.servers.includes(host)))
      return (socket) => this.ssh.accept(socket, host);
    if (port === 80 && host === imdsAddress && imdsThroughProxy)
      return (socket) => void this.#plain.emit('connection', socket);
    const isKnown =
      this.#authorityHosts.has(host) ||
      Entra.isMicrosoftHost(host) ||
      PipelineOidc.isGithubHost(host) ||
      this.#vaults.has(host) ||
      host === BlobStore.host ||
      this.#others.has(host) ||
      this.#guests.has(host) ||
      this.azureDevOps.serves(host);
    if (port !== 443 || !isKnown) return undefined;
    return (socket) => {
      if (this.roundTrip === 0) this.#tls.emit('connection', socket);
      else goLongWay(socket, this.tlsPort, this.roundTrip);
    };
  }

  #place(base: string): {
    base: string;
    directory: string;
    git: GitProgram;
    locate: (url: string, from: Repository) => Repository | undefined;
  } {
    return {
      base,
      directory: path.join(this.#folder, 'repositories'),
      git: this.#git,
      locate: (url, from) => {
        const other = URL.parse(url, `${from.url}/`);
        return (
          this.#others.get(other?.host ?? '')?.repository(other?.pathname.slice(1) ?? '') ??
          this.azureDevOps.locate(url, from.url)
        );
      },
    };
  }
}
