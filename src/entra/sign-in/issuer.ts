import {createHash, randomBytes} from 'node:crypto';
import type {HttpClient, Reply} from '../http/http-client.ts';
import {fieldOf, type Job} from '../job.ts';
import {parseRecord} from '../../text/record.ts';
import {localFailure, AcquirerError} from '../failure.ts';

/** The endpoints of an issuer. */
export interface Endpoints {
  readonly authorize: string;
  readonly token: string;
  /** `undefined`: the issuer has no device code flow. */
  readonly deviceCode: string | undefined;
  /** Whether it can post the code instead of putting it in an address that browsers remember. */
  readonly formPost: boolean;
}

/** The answer to a token request for a user. */
export interface Grant {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly idToken: string | undefined;
}

/** Returns the endpoints. Entra's follow from its issuer; another issuer is asked. @throws {AcquirerError} */
export async function endpointsOf(
  issuer: string,
  client: Pick<HttpClient, 'ask' | 'failure' | 'conceal'>,
): Promise<Endpoints> {
  const base = /^(https:\/\/[^/?#@]+\/[^/?#]+)\/v2\.0\/?$/.exec(issuer)?.[1];
  if (base === undefined) return discover(issuer, client);
  return {
    authorize: `${base}/oauth2/v2.0/authorize`,
    token: `${base}/oauth2/v2.0/token`,
    deviceCode: `${base}/oauth2/v2.0/devicecode`,
    formPost: true,
  };
}

/** @see https://openid.net/specs/openid-connect-discovery-1_0.html */
async function discover(
  issuer: string,
  client: Pick<HttpClient, 'ask' | 'failure' | 'conceal'>,
): Promise<Endpoints> {
  if (!issuer.startsWith('https://'))
    throw localFailure(
      'ERR_ISSUER',
      'the issuer is not an https address',
      'Correct issuer in the configuration.',
    );
  const url = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
  const reply = await client.ask({
    service: 'issuer',
    method: 'GET',
    url,
    headers: {accept: 'application/json'},
  });
  const known = readAnswer(reply, client);
  const said = known['issuer'];
  if (typeof said !== 'string' || said.replace(/\/+$/, '') !== issuer.replace(/\/+$/, ''))
    throw unusable(url, reply, 'the configuration of another issuer');
  const modes = known['response_modes_supported'];
  return {
    authorize: addressIn(known, 'authorization_endpoint', url, reply),
    token: addressIn(known, 'token_endpoint', url, reply),
    deviceCode:
      known['device_authorization_endpoint'] === undefined
        ? undefined
        : addressIn(known, 'device_authorization_endpoint', url, reply),
    formPost: Array.isArray(modes) && modes.includes('form_post'),
  };
}

interface TokenQuestion {
  readonly url: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly tries?: number;
}

/** Sends a token request. @throws {AcquirerError} for a rejection too. */
export async function askForTokens(
  job: Job,
  {url, parameters, tries}: TokenQuestion,
  client: Pick<HttpClient, 'ask' | 'failure' | 'conceal'>,
): Promise<Grant> {
  const reply = await client.ask({
    service: url.includes('/oauth2/v2.0/') ? 'entra' : 'issuer',
    method: 'POST',
    url,
    headers: {accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded'},
    body: new URLSearchParams({
      client_id: fieldOf(job, 'clientId'),
      ...clientSecretIn(job),
      ...parameters,
    }).toString(),
    ...(tries === undefined ? {} : {tries}),
  });
  const answer = readAnswer(reply, client);
  const {access_token: accessToken, refresh_token: refreshToken, id_token: idToken} = answer;
  if (typeof accessToken !== 'string' || accessToken === '') throw unusable(url, reply, 'no access_token');
  return {accessToken, refreshToken: textOr(refreshToken), idToken: textOr(idToken)};
}

/** Gets a new access token for a user who signed in before. */
export async function refresh(
  job: Job,
  client: Pick<HttpClient, 'ask' | 'failure' | 'conceal'>,
): Promise<Grant> {
  const {token} = await endpointsOf(fieldOf(job, 'issuer'), client);
  const refreshToken = new TextDecoder().decode(job.secrets['refreshToken']);
  const parameters = {grant_type: 'refresh_token', refresh_token: refreshToken, scope: personScope(job)};
  return askForTokens(job, {url: token, parameters}, client);
}

/** Returns the scope to ask for, with those for a refresh token and a name. */
export function personScope(job: Job): string {
  return `${fieldOf(job, 'scope')} openid profile offline_access`;
}

/** Returns the answer's JSON. @throws {AcquirerError} if it is a rejection. */
export function readAnswer(
  reply: Reply,
  {failure}: Pick<HttpClient, 'ask' | 'failure' | 'conceal'>,
): Readonly<Record<string, unknown>> {
  if (failure !== undefined) throw new AcquirerError(failure);
  return parseRecord(reply.text) ?? {};
}

/** Returns the claims of an ID token. */
export function claimsOf(idToken: string): Readonly<Record<string, unknown>> {
  return parseRecord(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()) ?? {};
}

/** @see https://www.rfc-editor.org/rfc/rfc7636 */
export function createPkce(): {readonly verifier: string; readonly challenge: string} {
  const verifier = randomText();
  return {verifier, challenge: createHash('sha256').update(verifier).digest('base64url')};
}

/** Returns 43 random characters. */
export function randomText(): string {
  return randomBytes(32).toString('base64url');
}

export function clientSecretIn(job: Job): Record<string, string> {
  const secret = job.secrets['clientSecret'];
  return secret === undefined ? {} : {client_secret: new TextDecoder().decode(secret)};
}

function addressIn(
  known: Readonly<Record<string, unknown>>,
  name: string,
  url: string,
  reply: Reply,
): string {
  const address = known[name];
  if (typeof address === 'string' && address.startsWith('https://') && URL.canParse(address)) return address;
  throw unusable(url, reply, `a configuration without an https ${name}`);
}

function unusable(url: string, {status}: Reply, detail: string): AcquirerError {
  return new AcquirerError({kind: 'unusable', service: 'issuer', host: new URL(url).host, status, detail});
}

function textOr(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
