import * as oauth from 'oauth4webapi';
import type {HttpClient} from '../http/http-client.ts';
import {fieldOf, type Job} from '../job.ts';
import {parseRecord} from '../../text/record.ts';
import {AcquirerError, localFailure} from '../failure.ts';
import {explainAnswer} from './explain-answer.ts';

export interface Grant {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** The user's name at the issuer: `ada@contoso.example`. */
  readonly username: string | undefined;
  readonly tenantId: string | undefined;
}

/** A sign-in in a browser that has begun: what its end must fit. */
interface Begun {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export type Http = Pick<HttpClient, 'ask' | 'failure' | 'conceal' | 'skew'>;

/** Accepted difference between two clocks, in seconds. */
const TOLERANCE = 5 * 60;

/**
 * An issuer, as the app of a job sees it. The library knows the protocols and checks the answers; the requests are ours.
 * An ID token comes straight from the issuer over TLS, so its signature would add nothing.
 *
 * @see https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
 */
export class Issuer {
  /** What it says of itself. */
  readonly #server: oauth.AuthorizationServer;
  readonly #job: Job;
  readonly #http: Http;
  readonly #client: oauth.Client;
  readonly #authentication: oauth.ClientAuth;
  readonly #isEntra: boolean;

  private constructor(server: oauth.AuthorizationServer, isEntra: boolean, job: Job, http: Http) {
    this.#server = server;
    this.#isEntra = isEntra;
    this.#job = job;
    this.#http = http;
    this.#client = {
      client_id: fieldOf(job, 'clientId'),
      [oauth.clockTolerance]: TOLERANCE,
      // known when the first answer is
      get [oauth.clockSkew]() {
        return -Math.round((http.skew ?? 0) / 1000);
      },
    };
    const secret = job.secrets['clientSecret'];
    this.#authentication =
      secret === undefined ? oauth.None() : oauth.ClientSecretPost(new TextDecoder().decode(secret));
  }

  /** Finds an issuer. The addresses of Entra follow from its own; another issuer is asked. @throws {AcquirerError} */
  static async of(job: Job, http: Http): Promise<Issuer> {
    const issuer = fieldOf(job, 'issuer');
    const entra = entraServer(issuer);
    return new Issuer(entra ?? (await discover(issuer, http)), entra !== undefined, job, http);
  }

  /** Returns the scope to ask for, with those for a refresh token and a name. */
  get #scope(): string {
    return `${fieldOf(this.#job, 'scope')} openid profile offline_access`;
  }

  /**
   * Entra wants the scope again with a code or a refresh token. Other issuers may have granted less, and must reject
   * more than that. @see https://www.rfc-editor.org/rfc/rfc6749#section-6
   */
  get #scopeAgain(): {readonly additionalParameters: Readonly<Record<string, string>>} {
    return {additionalParameters: this.#isEntra ? {scope: this.#scope} : {}};
  }

  async signInAddress({redirectUri, state, nonce, verifier}: Begun): Promise<string> {
    const {authorization_endpoint: address = '', response_modes_supported: modes = []} = this.#server;
    const url = new URL(address);
    const parameters = {
      client_id: this.#client.client_id,
      response_type: 'code',
      // browsers remember addresses (fact 72)
      response_mode: modes.includes('form_post') ? 'form_post' : 'query',
      redirect_uri: redirectUri,
      scope: this.#scope,
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      // without consent, an issuer ignores offline_access
      prompt: this.#isEntra ? 'select_account' : 'consent',
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  }

  /** Redeems the code that the browser brought back, which is valid once. @throws {AcquirerError} */
  redeem(callback: URLSearchParams, {redirectUri, state, nonce, verifier}: Begun): Promise<Grant> {
    this.#http.conceal(callback.get('code') ?? '');
    this.#http.conceal(verifier);
    const options = {...this.#sending(1), ...this.#scopeAgain};
    return this.#grant(
      async (...parties) => {
        const checked = oauth.validateAuthResponse(this.#server, this.#client, callback, state);
        return oauth.authorizationCodeGrantRequest(...parties, checked, redirectUri, verifier, options);
      },
      (server, response) =>
        oauth.processAuthorizationCodeResponse(server, this.#client, response, {
          expectedNonce: nonce,
          requireIdToken: true,
        }),
    );
  }

  /** Gets a new access token for a user who signed in before. @throws {AcquirerError} */
  refresh(refreshToken: string): Promise<Grant> {
    const options = {...this.#sending(), ...this.#scopeAgain};
    return this.#grant(
      (...parties) => oauth.refreshTokenGrantRequest(...parties, refreshToken, options),
      (server, response) => oauth.processRefreshTokenResponse(server, this.#client, response),
    );
  }

  /** Asks for a code that the user types on any device. @throws {AcquirerError} */
  deviceCode(): Promise<oauth.DeviceAuthorizationResponse> {
    return explained(this.#http, async () => {
      const parameters = {scope: this.#scope};
      const response = await oauth.deviceAuthorizationRequest(...this.#parties, parameters, this.#sending());
      return oauth.processDeviceAuthorizationResponse(this.#server, this.#client, response);
    });
  }

  /** Asks once whether the user has typed the code. @throws {AcquirerError} also if that is still to come. */
  redeemDevice(deviceCode: string): Promise<Grant> {
    return this.#grant(
      (...parties) =>
        oauth.deviceCodeGrantRequest(...parties, this.#http.conceal(deviceCode), this.#sending(1)),
      (server, response) => oauth.processDeviceCodeResponse(server, this.#client, response),
    );
  }

  get #parties(): Parties {
    return [this.#server, this.#client, this.#authentication];
  }

  #sending(tries?: number) {
    return {[oauth.customFetch]: sender(this.#http, tries)};
  }

  #grant(
    ask: (...parties: Parties) => Promise<Response>,
    read: (server: oauth.AuthorizationServer, response: Response) => Promise<oauth.TokenEndpointResponse>,
  ): Promise<Grant> {
    return explained(this.#http, async () => {
      const response = await ask(...this.#parties);
      const issuer = issuerOf(this.#server.issuer, parseRecord(await response.clone().text()));
      const answer = await read({...this.#server, issuer}, response);
      const claims = oauth.getValidatedIdTokenClaims(answer);
      const [username, tid] = [claims?.['preferred_username'], claims?.['tid']];
      return {
        accessToken: answer.access_token,
        refreshToken: answer.refresh_token,
        username: typeof username === 'string' && username !== '' ? username : undefined,
        tenantId: typeof tid === 'string' ? tid : undefined,
      };
    });
  }
}

type Parties = [oauth.AuthorizationServer, oauth.Client, oauth.ClientAuth];

function entraServer(issuer: string): oauth.AuthorizationServer | undefined {
  const base = /^(https:\/\/[^/?#@]+\/[^/?#]+)\/v2\.0\/?$/.exec(issuer)?.[1];
  return base === undefined
    ? undefined
    : {
        issuer,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        token_endpoint: `${base}/oauth2/v2.0/token`,
        device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
        response_modes_supported: ['form_post'],
      };
}

/** @see https://openid.net/specs/openid-connect-discovery-1_0.html */
function discover(issuer: string, http: Http): Promise<oauth.AuthorizationServer> {
  return explained(http, async () => {
    const url = new URL(issuer);
    const response = await oauth.discoveryRequest(url, {[oauth.customFetch]: sender(http)});
    const found = parseRecord(await response.clone().text());
    const expected = new URL(sameButSlash(found?.['issuer'], issuer));
    const server = await oauth.processDiscoveryResponse(expected, response);
    for (const address of [server.authorization_endpoint, server.token_endpoint])
      if (URL.parse(address ?? '')?.protocol !== 'https:')
        throw localFailure(
          'ERR_ISSUER',
          'the issuer names no https address to sign in or to get tokens',
          'Check issuer in the configuration.',
        );
    return server;
  });
}

/** Sends the library's requests. An answer that is not JSON, or none, is an AcquirerError already. */
function sender(http: Http, tries?: number) {
  return async (url: string, {method, headers, body}: oauth.CustomFetchOptions<string, unknown>) => {
    const {status, text} = await http.ask({
      service: url.includes('/oauth2/v2.0/') ? 'entra' : 'issuer',
      method: method === 'POST' ? 'POST' : 'GET',
      url,
      headers,
      ...(body instanceof URLSearchParams ? {body: body.toString()} : {}),
      ...(tries === undefined ? {} : {tries}),
    });
    return new Response(text, {status, headers: {'content-type': 'application/json'}});
  };
}

/** A rejection has facts that an error of the library lacks. */
async function explained<Result>(http: Http, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof AcquirerError) throw error;
    throw http.failure === undefined ? explainAnswer(error) : new AcquirerError(http.failure);
  }
}

/** Returns the issuer that an ID token must name. Entra names the tenant by its id, whatever the configuration has. */
function issuerOf(issuer: string, answer: Readonly<Record<string, unknown>> | undefined): string {
  const {iss, tid} = claimsOf(answer?.['id_token']);
  const [, host = '', tenant = ''] = /^https:\/\/([^/]+)\/([^/]+)\/v2\.0\/?$/.exec(issuer) ?? [];
  const isNamed = host === '' || guid.test(tenant) || typeof tid !== 'string' || !guid.test(tid);
  const named = host === 'login.windows.net' ? 'login.microsoftonline.com' : host;
  return sameButSlash(iss, isNamed ? issuer : `https://${named}/${tid}/v2.0`);
}

/** Returns the claims of an ID token that is not checked yet. */
function claimsOf(token: unknown): Readonly<Record<string, unknown>> {
  const payload = typeof token === 'string' ? (token.split('.')[1] ?? '') : '';
  return parseRecord(Buffer.from(payload, 'base64url').toString()) ?? {};
}

const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The library also compares slashes at the end. Returns `found` if they are the only difference. */
function sameButSlash(found: unknown, expected: string): string {
  const [one, other] = [found, expected].map((url) => String(url).replace(/\/+$/, ''));
  return one === other ? String(found) : expected;
}
