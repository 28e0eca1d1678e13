import {createHash, randomUUID} from 'node:crypto';
import {authenticateClient} from './client-authentication.ts';
import type {Application, Directory, Principal, Tenant, User} from './directory.ts';
import {EntraError, entraErrorReply} from './entra-errors.ts';
import type {Exchange, Reply, Route, Router} from './http-exchange.ts';
import {azureDevOps, findResource, graph} from './resources.ts';
import type {Resource} from './resources.ts';
import {createCode, createRefreshToken, createUserCode} from './secrets.ts';
import {accountPage, codePage, formPostPage, messagePage} from './sign-in-pages.ts';
import type {TokenService} from './token-service.ts';

/** Hosts that Entra itself calls its own; requests elsewhere work, but instance discovery does not know them. */
const microsoftHosts = [
  'login.microsoftonline.com',
  'login.microsoft.com',
  'login.windows.net',
  'sts.windows.net',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
];
const sharedTenants = ['common', 'organizations'];

type Grant = {
  readonly application: Application;
  readonly user: User;
  readonly scope: string;
};
type Code = Grant & {
  readonly redirectUri: string;
  readonly challenge: string | undefined;
  readonly challengeMethod: string | undefined;
  readonly nonce: string | undefined;
  isUsed: boolean;
};
type DeviceRequest = {
  readonly application: Application;
  readonly tenant: string;
  readonly scope: string;
  readonly userCode: string;
  readonly expiresAt: number;
  state: {kind: 'pending' | 'declined' | 'expired'} | {kind: 'approved'; user: User};
};
type RefreshToken = Grant & {state: 'good' | 'revoked' | 'expired'};

/** The sign-in service of all tenants. */
export class Entra {
  /** Signs in at once as this user wherever a page would ask. */
  autoSignIn: User | undefined;
  /** Seconds between polls that a device is told. The real one says 5. */
  deviceInterval = 1;
  readonly #directory: Directory;
  readonly #tokens: TokenService;
  readonly #now: () => number;
  readonly #codes = new Map<string, Code>();
  readonly #devices = new Map<string, DeviceRequest>();
  readonly #refreshTokens = new Map<string, RefreshToken>();

  constructor({directory, tokens, now}: {directory: Directory; tokens: TokenService; now: () => number}) {
    this.#directory = directory;
    this.#tokens = tokens;
    this.#now = now;
  }

  /** Whether Entra serves this host by its real name. */
  static isMicrosoftHost(host: string): boolean {
    return microsoftHosts.includes(host) || host === 'microsoft.com' || host === 'www.microsoft.com';
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
        return handler('authorize', (exchange) => this.#authorize(tenant, exchange.query));
      case 'oauth2/v2.0/devicecode':
        return handler('device-code', (exchange) => this.#startDevice(tenant, exchange));
      case 'login':
        return handler('sign-in', (exchange) => this.#signIn(tenant, exchange.form));
      default:
    }
    if (path === '' && (tenant === 'device' || tenant === 'devicelogin'))
      return handler('sign-in', (exchange) => this.#device(exchange));
    return handler('unknown', () => ({
      status: 404,
      body: messagePage('Not found', `There is nothing at this address.`),
    }));
  };

  /** What the person does who was given a user code. */
  approveDevice(userCode: string, user: User): void {
    this.#deviceOf(userCode).state = {kind: 'approved', user};
  }

  declineDevice(userCode: string): void {
    this.#deviceOf(userCode).state = {kind: 'declined'};
  }

  expireDevice(userCode: string): void {
    this.#deviceOf(userCode).state = {kind: 'expired'};
  }

  /** The user codes that wait for somebody. */
  get pendingUserCodes(): readonly string[] {
    return [...this.#devices.values()]
      .filter(({state}) => state.kind === 'pending')
      .map(({userCode}) => userCode);
  }

  /** Ends the refresh tokens of a user, or of everybody: `revoked` answers AADSTS50173 afterwards, `expired` AADSTS700082. */
  endRefreshTokens(state: 'revoked' | 'expired', user?: User): void {
    for (const token of this.#refreshTokens.values())
      if (user === undefined || token.user === user) token.state = state;
  }

  /** A refresh token as a user's sign-in would have left it. */
  createRefreshToken(application: Application, user: User, scope = `${azureDevOps.id}/.default`): string {
    const token = createRefreshToken();
    this.#refreshTokens.set(token, {application, user, scope, state: 'good'});
    return token;
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

  #describe(host: string, tenantName: string, {host: askedHost}: Exchange): Reply {
    const id = sharedTenants.includes(tenantName)
      ? tenantName
      : this.#tenant(tenantName, host, 'invalid_tenant').id;
    const base = `https://${askedHost}/${id}`;
    return {
      status: 200,
      body: {
        token_endpoint: `${base}/oauth2/v2.0/token`,
        token_endpoint_auth_methods_supported: [
          'client_secret_post',
          'private_key_jwt',
          'client_secret_basic',
        ],
        jwks_uri: `${base}/discovery/v2.0/keys`,
        response_modes_supported: ['query', 'fragment', 'form_post'],
        subject_types_supported: ['pairwise'],
        id_token_signing_alg_values_supported: ['RS256'],
        response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
        scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
        issuer: sharedTenants.includes(id) ? `https://${askedHost}/{tenantid}/v2.0` : `${base}/v2.0`,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
        end_session_endpoint: `${base}/oauth2/v2.0/logout`,
        tenant_region_scope: 'EU',
        cloud_instance_name: 'microsoftonline.com',
      },
    };
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
        `Tenant '${name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
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

  #token(host: string, tenantName: string, {form, record}: Exchange): Reply {
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
      case 'client_credentials': {
        if (!tenant)
          throw new EntraError(
            50059,
            'invalid_request',
            'No tenant-identifying information found in either the request or implied by any provided credentials.',
          );
        const principal = application.principal(tenant);
        record.principal = principal.name;
        return this.#tokenReply({principal, resource: defaultScopeResource(form.get('scope'))});
      }
      case 'authorization_code':
        return this.#redeemCode(application, form, record);
      case 'refresh_token':
        return this.#refresh(application, form, record);
      case 'device_code':
      case 'urn:ietf:params:oauth:grant-type:device_code':
        return this.#pollDevice(application, form, record);
      default:
        throw new EntraError(
          70003,
          'unsupported_grant_type',
          `The app requested an unsupported grant type '${grant}'.`,
        );
    }
  }

  #tokenReply({principal, resource}: {principal: Principal; resource: Resource}): Reply {
    const {token, expiresIn} = this.#tokens.issue(principal, resource);
    const {refreshIn} = this.#tokens.settings;
    return noStore({
      token_type: 'Bearer',
      expires_in: expiresIn,
      ext_expires_in: expiresIn,
      ...(refreshIn === undefined ? {} : {refresh_in: refreshIn}),
      access_token: token,
    });
  }

  /** The answer to every grant of a user. */
  #userReply(
    {application, user, scope}: Grant,
    {form, nonce}: {form: URLSearchParams; nonce?: string | undefined},
  ): Reply {
    if (user.disabled) throw new EntraError(50057, 'invalid_grant', 'The user account is disabled.');
    if (!application.consented)
      throw new EntraError(
        65001,
        'invalid_grant',
        `The user or administrator has not consented to use the application with ID '${application.clientId}' named '${application.name}'. Send an interactive authorization request for this user and resource.`,
        {suberror: 'consent_required'},
      );
    const {resource, permissions, openid} = delegatedScope(scope);
    const {token, expiresIn} = this.#tokens.issue(
      {...describeUser(user), clientId: application.clientId},
      resource,
      {
        scopes: permissions.includes('.default') ? ['user_impersonation'] : permissions,
      },
    );
    const {refreshIn} = this.#tokens.settings;
    const wantsInfo = form.get('client_info') === '1';
    return noStore({
      token_type: 'Bearer',
      scope: permissions.map((permission) => `${resource.names[0]}/${permission}`).join(' '),
      expires_in: expiresIn,
      ext_expires_in: expiresIn,
      ...(refreshIn === undefined ? {} : {refresh_in: refreshIn}),
      access_token: token,
      ...(openid.includes('offline_access')
        ? {refresh_token: this.createRefreshToken(application, user, scope)}
        : {}),
      ...(openid.includes('openid')
        ? {id_token: this.#tokens.idToken(user, application.clientId, nonce)}
        : {}),
      ...(wantsInfo
        ? {
            client_info: Buffer.from(JSON.stringify({uid: user.objectId, utid: user.tenant.id})).toString(
              'base64url',
            ),
          }
        : {}),
    });
  }

  #redeemCode(application: Application, form: URLSearchParams, record: Exchange['record']): Reply {
    const code = this.#codes.get(form.get('code') ?? '');
    if (!code || code.application !== application)
      throw new EntraError(70000, 'invalid_grant', `Provided grant is invalid or malformed.`);
    record.principal = code.user.name;
    if (code.isUsed)
      throw new EntraError(
        54005,
        'invalid_grant',
        `OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.`,
      );
    if (form.get('redirect_uri') !== code.redirectUri)
      throw new EntraError(
        500112,
        'invalid_grant',
        `The reply address '${form.get('redirect_uri') ?? ''}' does not match the reply address '${code.redirectUri}' provided when requesting Authorization code.`,
      );
    checkVerifier(code, form.get('code_verifier'));
    code.isUsed = true;
    return this.#userReply({...code, scope: form.get('scope') ?? code.scope}, {form, nonce: code.nonce});
  }

  #refresh(application: Application, form: URLSearchParams, record: Exchange['record']): Reply {
    const token = form.get('refresh_token') ?? '';
    const grant = this.#refreshTokens.get(token);
    if (!grant || grant.application !== application)
      throw new EntraError(70000, 'invalid_grant', `Provided grant is invalid or malformed.`, {
        suberror: 'bad_token',
      });
    record.principal = grant.user.name;
    if (grant.state === 'expired')
      throw new EntraError(
        700082,
        'invalid_grant',
        `The refresh token has expired due to inactivity. The token was issued on an earlier day and was inactive for 90.00:00:00.`,
        {suberror: 'bad_token'},
      );
    if (grant.state === 'revoked' || this.#tokens.isRevoked(token))
      throw new EntraError(
        50173,
        'invalid_grant',
        `The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.`,
        {suberror: 'bad_token'},
      );
    return this.#userReply({...grant, scope: form.get('scope') ?? grant.scope}, {form});
  }

  #startDevice(tenantName: string, {form, host}: Exchange): Reply {
    const tenant = sharedTenants.includes(tenantName) ? undefined : this.#tenant(tenantName, host);
    const application = this.#application(form.get('client_id'), tenant);
    if (!tenant && !application.isMultitenant)
      throw new EntraError(50194, 'invalid_request', notMultitenant(application));
    const scope = form.get('scope');
    if (scope === null) throw missing('scope');
    delegatedScope(scope);
    const deviceCode = createCode();
    const userCode = createUserCode();
    const seconds = 900;
    this.#devices.set(deviceCode, {
      application,
      tenant: tenantName,
      scope,
      userCode,
      expiresAt: this.#now() + seconds * 1000,
      state: this.autoSignIn ? {kind: 'approved', user: this.autoSignIn} : {kind: 'pending'},
    });
    const address = 'https://login.microsoft.com/device';
    return noStore({
      user_code: userCode,
      device_code: deviceCode,
      verification_uri: address,
      expires_in: seconds,
      interval: this.deviceInterval,
      message: `To sign in, use a web browser to open the page ${address} and enter the code ${userCode} to authenticate.`,
    });
  }

  #pollDevice(application: Application, form: URLSearchParams, record: Exchange['record']): Reply {
    const device = this.#devices.get(form.get('device_code') ?? form.get('code') ?? '');
    if (!device || device.application !== application)
      throw new EntraError(70018, 'bad_verification_code', 'Bad verification code.');
    const {state} = device;
    switch (device.expiresAt <= this.#now() ? 'expired' : state.kind) {
      case 'expired':
        throw new EntraError(70019, 'expired_token', 'Verification code expired.');
      case 'pending':
        throw new EntraError(
          70016,
          'authorization_pending',
          `OAuth 2.0 device flow error. Authorization is pending. Continue polling.`,
        );
      case 'declined':
        throw new EntraError(65004, 'authorization_declined', 'User declined to consent to access the app.');
      default:
    }
    if (state.kind !== 'approved') throw new Error(`a device in state ${state.kind}`);
    this.#devices.delete(form.get('device_code') ?? form.get('code') ?? '');
    record.principal = state.user.name;
    return this.#userReply({application, user: state.user, scope: device.scope}, {form});
  }

  #deviceOf(userCode: string): DeviceRequest {
    const wanted = userCode.trim().toUpperCase();
    const device = [...this.#devices.values()].find((device) => device.userCode === wanted);
    if (!device) throw new Error(`nobody was given the code ${userCode}`);
    return device;
  }

  #authorize(tenantName: string, query: URLSearchParams): Reply {
    const problem = this.#authorizeProblem(tenantName, query);
    if (problem) return problem;
    if (this.autoSignIn) return this.#finish(query, this.autoSignIn);
    return html(accountPage({tenant: tenantName, users: this.#usersOf(tenantName), request: query}));
  }

  /** Mistakes in the request are shown, never sent to an address that nobody vouches for. */
  #authorizeProblem(tenantName: string, query: URLSearchParams): Reply | undefined {
    const tenant = sharedTenants.includes(tenantName) ? undefined : this.#directory.tenant(tenantName);
    if (!tenant && !sharedTenants.includes(tenantName))
      return trouble(`AADSTS90002: Tenant '${tenantName}' not found.`);
    const application = this.#directory.application(query.get('client_id') ?? '');
    if (!application || (tenant && !application.isKnownIn(tenant)))
      return trouble(
        `AADSTS700016: Application with identifier '${query.get('client_id') ?? ''}' was not found in the directory.`,
      );
    if (!tenant && !application.isMultitenant) return trouble(`AADSTS50194: ${notMultitenant(application)}`);
    const redirectUri = query.get('redirect_uri') ?? '';
    if (!application.redirectUris.some((registered) => isSameRedirect(registered, redirectUri)))
      return trouble(
        `AADSTS50011: The redirect URI '${redirectUri}' specified in the request does not match the redirect URIs configured for the application '${application.clientId}'.`,
      );
    if (query.get('response_type') !== 'code')
      return redirect(query, {
        error: 'unsupported_response_type',
        error_description: 'AADSTS700054: only code is supported.',
      });
    if (!application.consented)
      return redirect(query, {
        error: 'consent_required',
        error_description: `AADSTS65001: The user or administrator has not consented to use the application with ID '${application.clientId}'.`,
      });
    try {
      delegatedScope(query.get('scope') ?? '');
    } catch (error) {
      if (!(error instanceof EntraError)) throw error;
      return redirect(query, {
        error: error.error,
        error_description: `AADSTS${error.number}: ${error.message}`,
      });
    }
    return undefined;
  }

  #signIn(tenantName: string, form: URLSearchParams): Reply {
    const query = new URLSearchParams(form.get('request') ?? '');
    const problem = this.#authorizeProblem(tenantName, query);
    if (problem) return problem;
    if (form.get('action') === 'cancel')
      return redirect(query, {
        error: 'access_denied',
        error_subcode: 'cancel',
        error_description: 'AADSTS65004: User declined to consent to access the app.',
      });
    const user = this.#directory.user(form.get('account') ?? '');
    if (!user || !this.#usersOf(tenantName).includes(user))
      return html(
        messagePage(
          'We couldn’t find an account with that username.',
          'AADSTS50034: The user account does not exist in the directory.',
        ),
        400,
      );
    return this.#finish(query, user);
  }

  #finish(query: URLSearchParams, user: User): Reply {
    if (user.disabled)
      return html(
        messagePage('Your account has been locked.', 'AADSTS50057: The user account is disabled.'),
        400,
      );
    const application = this.#application(query.get('client_id'), undefined);
    const code = createCode();
    this.#codes.set(code, {
      application,
      user,
      scope: query.get('scope') ?? '',
      redirectUri: query.get('redirect_uri') ?? '',
      challenge: query.get('code_challenge') ?? undefined,
      challengeMethod: query.get('code_challenge_method') ?? undefined,
      nonce: query.get('nonce') ?? undefined,
      isUsed: false,
    });
    const info = Buffer.from(JSON.stringify({uid: user.objectId, utid: user.tenant.id})).toString(
      'base64url',
    );
    return redirect(query, {
      code,
      ...(query.get('client_info') === '1' ? {client_info: info} : {}),
      session_state: randomUUID(),
    });
  }

  #device({method, form, query}: Exchange): Reply {
    if (method !== 'POST')
      return html(codePage({users: this.#usersOf('common'), code: query.get('otc') ?? ''}));
    const userCode = form.get('code') ?? '';
    const user = this.#directory.user(form.get('account') ?? '');
    if (!this.pendingUserCodes.includes(userCode.trim().toUpperCase()))
      return html(messagePage('That code didn’t work.', 'Check the code and try again.'), 400);
    if (form.get('action') === 'cancel') {
      this.declineDevice(userCode);
      return html(messagePage('You declined.', 'You can close this window.'));
    }
    if (!user)
      return html(messagePage('We couldn’t find an account with that username.', 'AADSTS50034'), 400);
    this.approveDevice(userCode, user);
    return html(messagePage('You have signed in.', 'You can close this window.'));
  }

  #usersOf(tenantName: string): readonly User[] {
    const tenants = sharedTenants.includes(tenantName)
      ? this.#directory.tenants
      : this.#directory.tenants.filter((tenant) => tenant === this.#directory.tenant(tenantName));
    return tenants.flatMap(({users}) => users);
  }
}

function discoverInstance({host, query}: Exchange): Reply {
  const asked = URL.parse(query.get('authorization_endpoint') ?? '')?.host ?? '';
  if (!microsoftHosts.includes(asked) || !microsoftHosts.includes(host))
    throw new EntraError(50049, 'invalid_instance', 'Unknown or invalid instance.');
  const tenant = URL.parse(query.get('authorization_endpoint') ?? '')?.pathname.split('/')[1] ?? 'common';
  return {
    status: 200,
    body: {
      tenant_discovery_endpoint: `https://${asked}/${tenant}/v2.0/.well-known/openid-configuration`,
      'api-version': '1.1',
      metadata: [
        {
          preferred_network: 'login.microsoftonline.com',
          preferred_cache: 'login.windows.net',
          aliases: [
            'login.microsoftonline.com',
            'login.windows.net',
            'login.microsoft.com',
            'sts.windows.net',
          ],
        },
        {
          preferred_network: 'login.partner.microsoftonline.cn',
          preferred_cache: 'login.partner.microsoftonline.cn',
          aliases: ['login.partner.microsoftonline.cn', 'login.chinacloudapi.cn'],
        },
        {
          preferred_network: 'login.microsoftonline.us',
          preferred_cache: 'login.microsoftonline.us',
          aliases: ['login.microsoftonline.us', 'login.usgovcloudapi.net'],
        },
      ],
    },
  };
}

function isAlias(one: string, other: string): boolean {
  const worldwide = microsoftHosts.slice(0, 4);
  return worldwide.includes(one) && worldwide.includes(other);
}

function missing(parameter: string): EntraError {
  return new EntraError(
    900144,
    'invalid_request',
    `The request body must contain the following parameter: '${parameter}'.`,
  );
}

function defaultScopeResource(scope: string | null): Resource {
  if (scope === null || scope === '') throw missing('scope');
  const [wanted = '', ...others] = scope.split(' ').filter((part) => !isOpenIdScope(part));
  if (others.length > 0 || wanted === '')
    throw new EntraError(
      70011,
      'invalid_scope',
      `The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope ${scope} is not valid.`,
    );
  if (!wanted.endsWith('/.default'))
    throw new EntraError(
      1002012,
      'invalid_scope',
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    );
  const name = wanted.slice(0, -'/.default'.length);
  const resource = findResource(name);
  if (!resource)
    throw new EntraError(
      500011,
      'invalid_resource',
      `The resource principal named ${name} was not found in the tenant. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
    );
  return resource;
}

function isOpenIdScope(scope: string): boolean {
  return ['openid', 'profile', 'offline_access', 'email'].includes(scope);
}

/** What a user's scopes ask for; a name without resource means Microsoft Graph. */
function delegatedScope(scope: string): {
  resource: Resource;
  permissions: readonly string[];
  openid: readonly string[];
} {
  const parts = scope.split(/\s+/).filter(Boolean);
  if (parts.length === 0) throw missing('scope');
  const openid = parts.filter(isOpenIdScope);
  const wanted = parts
    .filter((part) => !isOpenIdScope(part))
    .map((part) => {
      const slash = part.lastIndexOf('/');
      return slash < 0
        ? {name: graph.id, permission: part}
        : {name: part.slice(0, slash), permission: part.slice(slash + 1)};
    });
  const [first] = wanted;
  if (!first) return {resource: graph, permissions: ['User.Read'], openid};
  if (wanted.some(({name}) => name !== first.name))
    throw new EntraError(
      28000,
      'invalid_request',
      `Provided value for the input parameter scope is not valid because it contains more than one resource. Scope ${scope} is not valid.`,
    );
  const resource = findResource(first.name);
  if (!resource)
    throw new EntraError(
      500011,
      'invalid_resource',
      `The resource principal named ${first.name} was not found in the tenant.`,
    );
  const unknown = wanted.find(
    ({permission}) => permission !== '.default' && !resource.permissions.test(permission),
  );
  if (unknown)
    throw new EntraError(
      650053,
      'invalid_client',
      `The application asked for scope '${unknown.permission}' that doesn't exist on the resource '${resource.id}'. Contact the app vendor.`,
      {status: 400},
    );
  return {resource, permissions: wanted.map(({permission}) => permission), openid};
}

function checkVerifier(code: Code, verifier: string | null): void {
  if (code.challenge === undefined) {
    if (code.application.isPublic)
      throw new EntraError(
        501481,
        'invalid_grant',
        'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
      );
    return;
  }
  const derived =
    code.challengeMethod === 'S256'
      ? createHash('sha256')
          .update(verifier ?? '')
          .digest('base64url')
      : (verifier ?? '');
  if (derived !== code.challenge)
    throw new EntraError(
      501481,
      'invalid_grant',
      'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
    );
}

/** `http://localhost` stands for any port, as Entra has it for installed programs. */
function isSameRedirect(registered: string, asked: string): boolean {
  if (registered === asked) return true;
  const known = URL.parse(registered);
  const wanted = URL.parse(asked);
  if (!known || !wanted || known.protocol !== 'http:' || wanted.protocol !== 'http:') return false;
  const isLoopback = known.hostname === 'localhost' || known.hostname === '127.0.0.1';
  return isLoopback && known.hostname === wanted.hostname && known.pathname === wanted.pathname;
}

function redirect(query: URLSearchParams, values: Record<string, string>): Reply {
  const state = query.get('state');
  const fields = {...values, ...(state === null ? {} : {state})};
  const address = query.get('redirect_uri') ?? '';
  switch (query.get('response_mode')) {
    case 'form_post':
      return html(formPostPage(address, fields));
    case 'fragment':
      return {status: 302, headers: {location: `${address}#${new URLSearchParams(fields).toString()}`}};
    default:
      return {
        status: 302,
        headers: {
          location: `${address}${address.includes('?') ? '&' : '?'}${new URLSearchParams(fields).toString()}`,
        },
      };
  }
}

function notMultitenant({clientId, name}: Application): string {
  return `Application '${clientId}'(${name}) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.`;
}

function trouble(message: string): Reply {
  return html(messagePage('Sorry, but we’re having trouble signing you in.', message), 400);
}

function html(page: string, status = 200): Reply {
  return {status, headers: {'content-type': 'text/html; charset=utf-8'}, body: page};
}

function noStore(body: object): Reply {
  return {status: 200, headers: {'cache-control': 'no-store, no-cache', pragma: 'no-cache'}, body};
}

function describeUser({kind, objectId, tenant, name, userPrincipalName}: User): Principal {
  return {kind, objectId, tenant, name, userPrincipalName};
}
