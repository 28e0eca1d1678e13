import {randomBytes, randomUUID} from 'node:crypto';
import {chownSync, mkdirSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import type {ManagedIdentity} from './directory.ts';
import type {Exchange, Reply, Route, Router} from './http-exchange.ts';
import {findResource, type Resource} from './resources.ts';
import type {IssuedToken, TokenService} from './token-service.ts';

/** The directory of the Azure Arc agent's challenges, and the only one that clients accept. */
const arcDirectory = '/var/opt/azcmagent/tokens';

type Choice = {readonly identity: ManagedIdentity} | {readonly problem: string};

/** What a machine in Azure offers to its programs: IMDS, and the endpoints of the platforms that have their own. */
export class ManagedIdentityEndpoints {
  /** The secret that App Service gives its programs. */
  readonly identityHeader = randomUUID();
  /** The group that may read Azure Arc's key files; the real one is himds. Default: root's. Fact 19. */
  arcGroup = 0;
  readonly #identities: readonly ManagedIdentity[];
  readonly #tokens: TokenService;
  readonly #now: () => number;
  readonly #cache = new Map<string, IssuedToken>();
  readonly #challenges = new Map<string, string>();
  #updatedAt = Number.NEGATIVE_INFINITY;

  constructor({
    identities,
    tokens,
    now,
  }: {
    identities: readonly ManagedIdentity[];
    tokens: TokenService;
    now: () => number;
  }) {
    this.#identities = identities;
    this.#tokens = tokens;
    this.#now = now;
  }

  readonly route: Router = ({segments}): Route => {
    const path = segments.join('/');
    switch (path) {
      case 'metadata/identity/oauth2/token':
        return {endpoint: 'imds', handle: (exchange) => this.#imds(exchange)};
      case 'app-service/token':
        return {endpoint: 'app-service', handle: (exchange) => this.#appService(exchange)};
      case 'arc/metadata/identity/oauth2/token':
        return {endpoint: 'arc', handle: (exchange) => this.#arc(exchange)};
      case 'machine-learning/token':
        return {endpoint: 'machine-learning', handle: (exchange) => this.#machineLearning(exchange)};
      case 'cloud-shell/token':
        return {endpoint: 'cloud-shell', handle: (exchange) => this.#cloudShell(exchange)};
      case 'service-fabric/token':
        return {endpoint: 'service-fabric', handle: (exchange) => this.#serviceFabric(exchange)};
      default:
        return {endpoint: 'unknown', handle: () => ({status: 404, body: {error: 'not_found'}})};
    }
  };

  /** The next request gets a new token; until then the same one is given out, as the real one does for most of its life. */
  forgetTokens(): void {
    this.#cache.clear();
  }

  /** IMDS is being updated, and answers 410 for so long by the cloud's clock; the real one takes up to 70 seconds. */
  update(milliseconds: number): void {
    this.#updatedAt = this.#now() + milliseconds;
  }

  close(): void {
    for (const file of this.#challenges.keys()) rmSync(file, {force: true});
  }

  #imds({request, query, record}: Exchange): Reply {
    // fact 16
    if (this.#now() < this.#updatedAt)
      return {status: 410, body: {error: 'gone', error_description: 'The service is being updated.'}};
    // fact 14
    if (request.headers['metadata'] !== 'true')
      return badRequest('invalid_request', 'Required metadata header not specified');
    if (query.get('api-version') === null)
      return badRequest('invalid_request', "Required query variable 'api-version' is missing");
    const resource = resourceOf(query);
    if (!resource)
      return badRequest(
        'invalid_resource',
        `AADSTS500011: The resource principal named ${query.get('resource') ?? ''} was not found in the tenant.`,
      );
    const choice = this.#choose(query);
    if ('problem' in choice) return badRequest('invalid_request', choice.problem);
    record.principal = choice.identity.name;
    const {token, expiresAt} = this.#token(choice.identity, resource);
    const left = Math.floor((expiresAt - this.#now()) / 1000);
    return {
      status: 200,
      body: {
        access_token: token,
        client_id: choice.identity.clientId,
        expires_in: String(left),
        expires_on: String(Math.floor(expiresAt / 1000)),
        ext_expires_in: '86399',
        not_before: String(Math.floor(this.#now() / 1000)),
        resource: query.get('resource') ?? '',
        token_type: 'Bearer',
      },
    };
  }

  #appService({request, query, record}: Exchange): Reply {
    if (request.headers['x-identity-header'] !== this.identityHeader)
      return {status: 401, body: {statusCode: 401, message: 'The identity header is missing or wrong.'}};
    const resource = resourceOf(query);
    if (!resource)
      return {status: 400, body: {statusCode: 400, message: 'AADSTS500011: The resource was not found.'}};
    const choice = this.#choose(query);
    if ('problem' in choice)
      return {
        status: 400,
        body: {
          statusCode: 400,
          message:
            'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.',
          correlationId: randomUUID(),
        },
      };
    record.principal = choice.identity.name;
    const {token, expiresAt} = this.#token(choice.identity, resource);
    return {
      status: 200,
      body: {
        access_token: token,
        expires_on: String(Math.floor(expiresAt / 1000)),
        resource: query.get('resource') ?? '',
        token_type: 'Bearer',
        client_id: choice.identity.clientId,
      },
    };
  }

  #arc(exchange: Exchange): Reply {
    const {request, authorization} = exchange;
    if (request.headers['metadata'] !== 'true')
      return badRequest('invalid_request', 'Required metadata header not specified');
    const header = request.headers.authorization ?? '';
    const file = [...this.#challenges].find(([, secret]) => header === `Basic ${secret}`)?.[0];
    if (authorization === undefined || file === undefined) {
      const challenge = path.join(arcDirectory, `${randomUUID()}.key`);
      const secret = randomBytes(32).toString('hex');
      mkdirSync(arcDirectory, {recursive: true});
      writeFileSync(challenge, secret, {mode: 0o640});
      chownSync(challenge, 0, this.arcGroup);
      this.#challenges.set(challenge, secret);
      return {
        status: 401,
        headers: {'www-authenticate': `Basic realm=${challenge}`},
        body: {error: 'unauthorized_client', error_description: 'Missing Basic Authorization header'},
      };
    }
    // a challenge is good for one answer
    this.#challenges.delete(file);
    rmSync(file, {force: true});
    return this.#imds(exchange);
  }

  /** fact 21 */
  #machineLearning({request, query, record}: Exchange): Reply {
    if (request.headers['secret'] !== this.identityHeader)
      return {status: 401, body: {message: 'The secret is missing or wrong.'}};
    const wanted = query.get('clientid') ?? '';
    const identity = this.#identities.find(({clientId}) => clientId === wanted.toLowerCase());
    const resource = resourceOf(query);
    if (query.get('api-version') !== '2017-09-01' || !resource || !identity)
      return {status: 400, body: {message: `No identity for the client id '${wanted}'.`}};
    record.principal = identity.name;
    return platformToken(this.#token(identity, resource), query.get('resource') ?? '');
  }

  /** fact 22 */
  #cloudShell({request, method, form, record}: Exchange): Reply {
    if (method !== 'POST' || request.headers['metadata'] !== 'true')
      return badRequest('bad_request_102', 'Required metadata header not specified');
    return this.#ofItself(form, record);
  }

  /** fact 20 */
  #serviceFabric({request, query, record}: Exchange): Reply {
    if (
      request.headers['secret'] !== this.identityHeader ||
      query.get('api-version') !== '2019-07-01-preview'
    )
      return {status: 401, body: {error: {code: 'SecretHeaderNotFound', message: 'Secret is not found.'}}};
    return this.#ofItself(query, record);
  }

  /** For platforms that have one identity, and take no id. */
  #ofItself(parameters: URLSearchParams, record: Exchange['record']): Reply {
    const identity = this.#identities.find(({assignment}) => assignment === 'system-assigned');
    const resource = resourceOf(parameters);
    if (!identity || !resource) return badRequest('invalid_resource', 'The resource was not found.');
    record.principal = identity.name;
    return platformToken(this.#token(identity, resource), parameters.get('resource') ?? '');
  }

  #choose(query: URLSearchParams): Choice {
    // fact 15
    const wanted =
      query.get('client_id') ?? query.get('object_id') ?? query.get('msi_res_id') ?? query.get('mi_res_id');
    if (wanted !== null) {
      const name = wanted.toLowerCase();
      const identity = this.#identities.find(({clientId, objectId, resourceId}) =>
        [clientId, objectId, resourceId.toLowerCase()].includes(name),
      );
      return identity ? {identity} : {problem: 'Identity not found'};
    }
    const system = this.#identities.find(({assignment}) => assignment === 'system-assigned');
    if (system) return {identity: system};
    const [only, ...others] = this.#identities;
    if (!only) return {problem: 'Identity not found'};
    return others.length === 0
      ? {identity: only}
      : {
          problem:
            'Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request',
        };
  }

  #token(identity: ManagedIdentity, resource: Resource): IssuedToken {
    const key = `${identity.objectId} ${resource.id}`;
    const known = this.#cache.get(key);
    // the real one gives a new token some time before the old one ends
    if (known && known.expiresAt - this.#now() > 300_000) return known;
    const token = this.#tokens.issue(identity, resource, {life: this.#tokens.settings.managedIdentityLife});
    this.#cache.set(key, token);
    return token;
  }
}

function platformToken({token, expiresAt}: IssuedToken, resource: string): Reply {
  const expiresOn = String(Math.floor(expiresAt / 1000));
  return {status: 200, body: {access_token: token, expires_on: expiresOn, resource, token_type: 'Bearer'}};
}

// fact 3
function resourceOf(query: URLSearchParams): Resource | undefined {
  return findResource((query.get('resource') ?? '').replace(/\/\.default$/, ''));
}

function badRequest(error: string, description: string): Reply {
  return {status: 400, body: {error, error_description: description}};
}
