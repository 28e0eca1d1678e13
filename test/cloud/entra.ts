import {authenticateClient} from './client-authentication.ts';
import type {Application, Directory, Tenant, User} from './directory.ts';
import {AuthorizationCodes} from './entra/authorization-codes.ts';
import {redeemClientCredentials} from './entra/client-credentials.ts';
import {DeviceCodes} from './entra/device-codes.ts';
import {
  discoverInstance,
  isAlias,
  isMicrosoftHost,
  microsoftHosts,
  openidConfiguration,
  sharedTenants,
} from './entra/discovery.ts';
import {RefreshTokens} from './entra/refresh-tokens.ts';
import {missing, notMultitenant} from './entra/replies.ts';
import {EntraError, entraErrorReply} from './entra-errors.ts';
import type {Exchange, Reply, Route, Router} from './http-exchange.ts';
import {azureDevOps} from './resources.ts';
import {messagePage} from './sign-in-pages.ts';
import type {TokenService} from './token-service.ts';

/** The sign-in service of all tenants. Each grant is in a file of its own below `entra/`. */
export class Entra {
  readonly #directory: Directory;
  readonly #tokens: TokenService;
  readonly #now: () => number;
  readonly #refreshTokens: RefreshTokens;
  readonly #devices: DeviceCodes;
  readonly #codes: AuthorizationCodes;

  constructor({directory, tokens, now}: {directory: Directory; tokens: TokenService; now: () => number}) {
    this.#directory = directory;
    this.#tokens = tokens;
    this.#now = now;
    this.#refreshTokens = new RefreshTokens(tokens);
    const createRefreshToken = this.#refreshTokens.create;
    this.#devices = new DeviceCodes({tokens, now, createRefreshToken});
    this.#codes = new AuthorizationCodes({directory, tokens, createRefreshToken});
  }

  /** Whether Entra serves this host under its real name. */
  static isMicrosoftHost(host: string): boolean {
    return isMicrosoftHost(host);
  }

  /** Signs in at once as this user wherever a page would ask. */
  set autoSignIn(user: User | undefined) {
    this.#devices.autoSignIn = user;
    this.#codes.autoSignIn = user;
  }

  /** The pause between polls that a device is asked for, in seconds. */
  set deviceInterval(seconds: number) {
    this.#devices.interval = seconds;
  }

  readonly route: Router = ({host, segments}): Route => {
    const [tenant = '', ...rest] = segments;
    const path = rest.join('/').toLowerCase();
    const handler = (endpoint: Route['endpoint'], handle: (exchange: Exchange) => Reply): Route => ({
      endpoint,
      tenant,
      handle: (exchange) => this.#answer(exchange, handle),
    });
    switch (path) {
      case 'discovery/instance':
        return handler('discovery', (exchange) => discoverInstance(exchange));
      case 'v2.0/.well-known/openid-configuration':
      case '.well-known/openid-configuration':
        return handler('openid', (exchange) => this.#describe(host, tenant, exchange));
      case 'discovery/v2.0/keys':
      case 'discovery/keys':
        return handler('keys', () => ({status: 200, body: {keys: [this.#tokens.key.jwk]}}));
      case 'oauth2/v2.0/token':
        return handler('token', (exchange) => this.#token(host, tenant, exchange));
      case 'oauth2/v2.0/authorize':
        return handler('authorize', (exchange) => this.#codes.authorize(tenant, exchange.query));
      case 'oauth2/v2.0/devicecode':
        return handler('device-code', (exchange) => this.#startDevice(tenant, exchange));
      case 'login':
        return handler('sign-in', (exchange) => this.#codes.signIn(tenant, exchange.form));
      default:
    }
    if (path === '' && (tenant === 'device' || tenant === 'devicelogin'))
      return handler('sign-in', (exchange) => this.#devices.page(exchange, this.#directory));
    return handler('unknown', () => ({
      status: 404,
      body: messagePage('Not found', 'There is nothing at this address.'),
    }));
  };

  /** Approves the request with that user code, as the user does in a browser. */
  approveDevice(userCode: string, user: User): void {
    this.#devices.approve(userCode, user);
  }

  declineDevice(userCode: string): void {
    this.#devices.decline(userCode);
  }

  expireDevice(userCode: string): void {
    this.#devices.expire(userCode);
  }

  /** The user codes that no user has entered yet. */
  get pendingUserCodes(): readonly string[] {
    return this.#devices.pendingUserCodes;
  }

  /** Ends the refresh tokens of a user, or of all: `revoked` answers AADSTS50173 afterwards, `expired` AADSTS700082. */
  endRefreshTokens(state: 'revoked' | 'expired', user?: User): void {
    this.#refreshTokens.end(state, user);
  }

  /** Returns a refresh token as a user's sign-in would have left it. */
  createRefreshToken(application: Application, user: User, scope = `${azureDevOps.id}/.default`): string {
    return this.#refreshTokens.create({application, user, scope});
  }

  #answer(exchange: Exchange, handle: (exchange: Exchange) => Reply): Reply {
    const correlationId =
      exchange.query.get('client-request-id') ?? exchange.record.headers['client-request-id'];
    try {
      return handle(exchange);
    } catch (error) {
      if (!(error instanceof EntraError)) throw error;
      exchange.record.refusal = `AADSTS${error.number}`;
      return entraErrorReply(error, {
        now: this.#now(),
        ...(correlationId === undefined ? {} : {correlationId}),
      });
    }
  }

  #describe(host: string, tenantName: string, exchange: Exchange): Reply {
    const id = sharedTenants.includes(tenantName)
      ? tenantName
      : this.#tenant(tenantName, host, 'invalid_tenant').id;
    return openidConfiguration(id, exchange.host);
  }

  #tenant(name: string, host: string, error = 'invalid_request'): Tenant {
    const tenant = this.#directory.tenant(name);
    const isElsewhere =
      tenant &&
      tenant.authorityHost !== host &&
      microsoftHosts.includes(host) &&
      !isAlias(tenant.authorityHost, host);
    if (!tenant || isElsewhere)
      throw new EntraError(
        90002,
        error,
        `Tenant '${name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`,
      );
    return tenant;
  }

  #application(clientId: string | null, tenant: Tenant | undefined): Application {
    if (clientId === null || clientId === '') throw missing('client_id');
    const application = this.#directory.application(clientId);
    if (!application || (tenant && !application.isKnownIn(tenant)))
      throw new EntraError(
        700016,
        'unauthorized_client',
        `Application with identifier '${clientId}' was not found in the directory '${tenant?.name ?? 'common'}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
      );
    if (application.disabled)
      throw new EntraError(
        7000112,
        'unauthorized_client',
        `Application '${application.clientId}'(${application.name}) is disabled.`,
      );
    return application;
  }

  #token(host: string, tenantName: string, exchange: Exchange): Reply {
    const {form} = exchange;
    const shared = sharedTenants.includes(tenantName);
    const tenant = shared ? undefined : this.#tenant(tenantName, host);
    const grant = form.get('grant_type');
    if (grant === null) throw missing('grant_type');
    const application = this.#application(form.get('client_id'), tenant);
    if (grant !== 'device_code' && grant !== 'urn:ietf:params:oauth:grant-type:device_code')
      authenticateClient(application, form, {
        tenant: tenant ?? application.tenant,
        host,
        tokens: this.#tokens,
        now: this.#now(),
      });
    switch (grant) {
      case 'client_credentials':
        return redeemClientCredentials(exchange, {application, tenant, tokens: this.#tokens});
      case 'authorization_code':
        return this.#codes.redeem(exchange, application);
      case 'refresh_token':
        return this.#refreshTokens.redeem(exchange, application);
      case 'device_code':
      case 'urn:ietf:params:oauth:grant-type:device_code':
        return this.#devices.redeem(exchange, application);
      default:
        throw new EntraError(
          70003,
          'unsupported_grant_type',
          `The app requested an unsupported grant type '${grant}'.`,
        );
    }
  }

  #startDevice(tenantName: string, exchange: Exchange): Reply {
    const tenant = sharedTenants.includes(tenantName) ? undefined : this.#tenant(tenantName, exchange.host);
    const application = this.#application(exchange.form.get('client_id'), tenant);
    if (!tenant && !application.isMultitenant)
      throw new EntraError(50194, 'invalid_request', notMultitenant(application));
    return this.#devices.start(exchange, application);
  }
}
