import type {HttpClient} from '../http/http-client.ts';
import {
  askForTokens,
  claimsOf,
  createPkce,
  endpointsOf,
  personScope,
  randomText,
  type Endpoints,
  type Grant,
} from './issuer.ts';
import {fieldOf, type Job} from '../job.ts';
import {checkIdToken} from './check-id-token.ts';
import {ReturnListener} from './return-listener.ts';

/**
 * Signs a user in with a browser, which brings the code back to a port on loopback. `tell` gets the address to open: it
 * leads to the issuer, and other users, who can read it among the arguments of the browser, learn no state from it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8252
 */
export async function signInWithBrowser(
  job: Job,
  client: HttpClient,
  tell: (event: Readonly<Record<string, unknown>>) => void,
): Promise<Grant> {
  const endpoints = await endpointsOf(fieldOf(job, 'issuer'), client);
  const state = randomText();
  const nonce = randomText();
  const {verifier, challenge} = createPkce();
  const listener = await ReturnListener.open({state});
  try {
    tell({
      event: 'login',
      openUrl: listener.leadTo(
        authorizeUrl(job, endpoints, {redirectUri: listener.redirectUri, state, nonce, challenge}),
      ),
      clientId: fieldOf(job, 'clientId'),
    });
    const code = await listener.code;
    try {
      const grant = await redeem(
        job,
        endpoints.token,
        {code, verifier, redirectUri: listener.redirectUri},
        client,
      );
      checkIdToken(grant.idToken === undefined ? {} : claimsOf(grant.idToken), {
        issuer: fieldOf(job, 'issuer'),
        clientId: fieldOf(job, 'clientId'),
        nonce,
        now: Date.now() - (client.skew ?? 0),
      });
      await listener.finish({kind: 'signed-in', username: usernameIn(grant)});
      return grant;
    } catch (error) {
      await listener.finish({
        kind: 'not-signed-in',
        reason: 'The sign-in came back, but could not be completed. The terminal says why.',
      });
      throw error;
    }
  } finally {
    listener.close();
  }
}

interface Started {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly challenge: string;
}

/** Returns the issuer's address at which the user signs in. */
function authorizeUrl(
  job: Job,
  endpoints: Endpoints,
  {redirectUri, state, nonce, challenge}: Started,
): string {
  const url = new URL(endpoints.authorize);
  const parameters = {
    client_id: fieldOf(job, 'clientId'),
    response_type: 'code',
    // fact 72
    response_mode: endpoints.formPost ? 'form_post' : 'query',
    redirect_uri: redirectUri,
    scope: personScope(job),
    state,
    nonce,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    prompt: 'select_account',
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

function redeem(
  job: Job,
  url: string,
  {
    code,
    verifier,
    redirectUri,
  }: {readonly code: string; readonly verifier: string; readonly redirectUri: string},
  client: HttpClient,
): Promise<Grant> {
  const parameters = {
    grant_type: 'authorization_code',
    code: client.conceal(code),
    redirect_uri: redirectUri,
    code_verifier: client.conceal(verifier),
    scope: personScope(job),
  };
  // a code is valid once
  return askForTokens(job, {url, parameters, tries: 1}, client);
}

/** Returns the user's name, for the page. */
function usernameIn({idToken}: Grant): string | undefined {
  const {preferred_username: username} = idToken === undefined ? {} : claimsOf(idToken);
  return typeof username === 'string' && username !== '' ? username : undefined;
}
