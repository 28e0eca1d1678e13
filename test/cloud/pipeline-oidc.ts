import {randomUUID} from 'node:crypto';
import type {FederatedCredential} from './directory.ts';
import type {Exchange, Reply, Route, Router} from './http-exchange.ts';
import {signJwt, type SigningKey} from './jwt.ts';
import type {Organization} from './organizations.ts';
import {azureDevOps, tokenExchange} from './resources.ts';

const githubIssuer = 'https://token.actions.githubusercontent.com';

export interface IssuedAssertionOptions {
  subject: string;
  /** Default: `api://AzureADTokenExchange`. */
  audience?: string;
  /** Seconds; negative for one that has expired. Default: 300. */
  life?: number;
}

/** An issuer of assertions that applications can trust: a cluster, a pipeline. */
export class AssertionIssuer {
  readonly url: string;
  readonly key: SigningKey;
  readonly #now: () => number;

  constructor(url: string, key: SigningKey, now: () => number) {
    this.url = url;
    this.key = key;
    this.#now = now;
  }

  /** An assertion, as a cluster writes it into a pod's token file. */
  token({subject, audience = 'api://AzureADTokenExchange', life = 300}: IssuedAssertionOptions): string {
    const now = Math.floor(this.#now() / 1000);
    const start = Math.min(now, now + life) - 60;
    return signJwt(
      {
        iss: this.url,
        sub: subject,
        aud: audience,
        iat: start,
        nbf: start,
        exp: now + life,
        jti: randomUUID(),
      },
      this.key,
    );
  }
}

/** A job of GitHub Actions that may ask for assertions. */
export interface GithubJob {
  readonly subject: string;
  readonly credential: FederatedCredential;
  readonly environment: {
    readonly ACTIONS_ID_TOKEN_REQUEST_URL: string;
    readonly ACTIONS_ID_TOKEN_REQUEST_TOKEN: string;
  };
}

/** A service connection of Azure Pipelines, and the job that may use it. */
export interface ServiceConnection {
  readonly id: string;
  readonly subject: string;
  readonly credential: FederatedCredential;
  readonly environment: {readonly SYSTEM_OIDCREQUESTURI: string; readonly SYSTEM_ACCESSTOKEN: string};
}

export class PipelineOidc {
  readonly #github: AssertionIssuer;
  readonly #issuerOf: (url: string) => AssertionIssuer;
  readonly #jobs = new Map<string, GithubJob>();
  readonly #connections = new Map<string, {connection: ServiceConnection; issuer: AssertionIssuer}>();

  constructor(issuerOf: (url: string) => AssertionIssuer) {
    this.#issuerOf = issuerOf;
    this.#github = issuerOf(githubIssuer);
  }

  static isGithubHost(host: string): boolean {
    return (
      host === 'pipelines.actions.githubusercontent.com' || host === 'token.actions.githubusercontent.com'
    );
  }

  addGithubJob(subject = 'repo:contoso/app:ref:refs/heads/main'): GithubJob {
    const token = `gha.${randomUUID()}`;
    const job = {
      subject,
      credential: {issuer: githubIssuer, subject},
      environment: {
        ACTIONS_ID_TOKEN_REQUEST_URL: `https://pipelines.actions.githubusercontent.com/${randomUUID()}/_apis/distributedtask/hubs/Actions/plans/${randomUUID()}/jobs/${randomUUID()}/idtoken?api-version=2.0`,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: token,
      },
    };
    this.#jobs.set(token, job);
    return job;
  }

  /** fact 32: Entra issues the assertions of new connections; `isOld` makes one of Azure DevOps' own issuer. */
  addServiceConnection({
    organization: {name: organization, id: organizationId, tenant},
    name,
    isOld,
  }: {
    organization: Organization;
    name: string;
    isOld: boolean;
  }): ServiceConnection {
    const id = randomUUID();
    const isOfEntra = !isOld && tenant !== undefined;
    const issuer = this.#issuerOf(
      isOfEntra ? tenant.issuer : `https://vstoken.dev.azure.com/${organizationId}`,
    );
    const subject = isOfEntra
      ? `/eid1/c/pub/t/${guidInBase64(tenant.id)}/a/${guidInBase64(azureDevOps.id)}/sc/${organizationId}/${id}`
      : `sc://${organization}/project/${name}`;
    const connection = {
      id,
      subject,
      credential: {issuer: issuer.url, subject},
      environment: {
        SYSTEM_OIDCREQUESTURI: `https://dev.azure.com/${organization}/${randomUUID()}/_apis/distributedtask/hubs/build/plans/${randomUUID()}/jobs/${randomUUID()}/oidctoken`,
        SYSTEM_ACCESSTOKEN: `ey.${randomUUID()}`,
      },
    };
    this.#connections.set(id, {connection, issuer});
    return connection;
  }

  readonly githubRoute: Router = ({host, segments}): Route => {
    if (host === 'token.actions.githubusercontent.com')
      return {
        endpoint: 'github-oidc',
        handle: () =>
          segments.join('/') === '.well-known/jwks'
            ? {status: 200, body: {keys: [this.#github.key.jwk]}}
            : {status: 200, body: {issuer: githubIssuer, jwks_uri: `${githubIssuer}/.well-known/jwks`}},
      };
    return {endpoint: 'github-oidc', handle: (exchange) => this.#githubToken(exchange)};
  };

  readonly pipelinesRoute: Router = (): Route => ({
    endpoint: 'pipelines-oidc',
    handle: (exchange) => this.#pipelinesToken(exchange),
  });

  /** The token of a job is good for its own address only, whose version stays in the query. Fact 29. */
  #githubToken({authorization, query, method, path, record}: Exchange): Reply {
    const job = this.#jobs.get(authorization?.secret ?? '');
    const address = URL.parse(job?.environment.ACTIONS_ID_TOKEN_REQUEST_URL ?? '');
    if (method !== 'GET' || authorization?.scheme !== 'bearer' || !job || address?.pathname !== path)
      return {status: 401, body: {message: 'The request token is not valid.'}};
    if (query.get('api-version') !== '2.0' || query.getAll('audience').length > 1)
      return {status: 400, body: {message: 'The query of the request is not valid.'}};
    record.principal = job.subject;
    const audience = query.get('audience') ?? 'https://github.com/contoso';
    return {status: 200, body: {count: 1, value: this.#github.token({subject: job.subject, audience})}};
  }

  /** Fact 31. */
  #pipelinesToken(exchange: Exchange): Reply {
    const {query, method, record} = exchange;
    if (method !== 'POST')
      return {
        status: 405,
        body: {message: `The requested resource does not support http method '${method}'.`},
      };
    const refusal = this.#refuseCaller(exchange) ?? refuseForm(exchange);
    if (refusal !== undefined) return refusal;
    const id = query.get('serviceConnectionId') ?? '';
    const found = this.#connections.get(id);
    if (!found || !this.#isJobOf(found.connection, exchange))
      return {
        status: 404,
        body: {
          $id: '1',
          message: `Service connection with ID '${id}' could not be found, or the job may not use it.`,
          typeKey: 'EndpointNotFoundException',
        },
      };
    record.principal = found.connection.subject;
    const {subject} = found.connection;
    const audience = subject.startsWith('/eid1/') ? {audience: tokenExchange.audience} : {};
    return {status: 200, body: {oidcToken: found.issuer.token({subject, ...audience})}};
  }

  /** Without the header that wants a status, a wrong token leads to the sign-in page. Fact 45. */
  #refuseCaller(exchange: Exchange): Reply | undefined {
    const {authorization, request} = exchange;
    const connections = [...this.#connections.values()];
    const isKnown = connections.some(({connection}) => this.#isJobOf(connection, exchange));
    if (isKnown && authorization?.scheme === 'bearer') return undefined;
    if (request.headers['x-tfs-fedauthredirect'] !== 'Suppress')
      return {
        status: 302,
        headers: {
          location: 'https://spsprodweu.vssps.visualstudio.com/_signin',
          'content-type': 'text/html; charset=utf-8',
        },
        body: '<html><head><title>Object moved</title></head><body><h2>Object moved</h2></body></html>',
      };
    return {
      status: 401,
      body: {
        $id: '1',
        message: `TF400813: The user 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa' is not authorized to access this resource.`,
        typeKey: 'UnauthorizedRequestException',
        errorCode: 0,
        eventId: 3000,
      },
    };
  }

  #isJobOf({environment}: ServiceConnection, {authorization, path}: Exchange): boolean {
    return (
      authorization?.secret === environment.SYSTEM_ACCESSTOKEN &&
      new URL(environment.SYSTEM_OIDCREQUESTURI).pathname === path
    );
  }
}

/** What the front end wants of a POST without a body, and the API of every call. */
function refuseForm({request, query}: Exchange): Reply | undefined {
  if (request.headers['content-length'] !== '0') return {status: 411, body: 'Length Required\n'};
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
    return {status: 415, body: {message: 'The content type of the request is not supported.'}};
  const version = query.get('api-version');
  if (version === null || !/^7\.[1-9]/.test(version))
    return {
      status: 400,
      body: {
        $id: '1',
        message: `No api-version was supplied for the "POST" request, or one that the resource does not have.`,
        typeKey: 'VssVersionNotSpecifiedException',
      },
    };
  return undefined;
}

/** As the prefixes of Entra's subjects hold a GUID: 16 bytes, the first three parts reversed. */
function guidInBase64(guid: string): string {
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes.toString('base64url');
}
