import {clientIdOf, type Identity} from '../identity/identity.ts';
import type {Token} from '../token/token.ts';
import type {Answer} from '../protocol/answer.ts';
import {decodeBase64} from '../text/base64.ts';
import type {GetRequest, Login} from '../protocol/request.ts';

/** Begins what git gives back to us when the server refused. */
const STATE = 'orgkey.1.';

/** A token, and where it comes from. */
interface Handed {
  readonly token: Token;
  readonly source: 'cache' | 'issuer';
  /** Nobody has to tell that it worked. */
  readonly isSettled: boolean;
}

/** The answer to one request: a whole header for the git that can take it, else user name and password. */
export function credentialFor(
  request: GetRequest,
  {token, source, isSettled}: Handed,
  identity: Identity,
): Answer {
  const state = source === 'cache' && mayAskAgain(request) ? `${STATE}${token.fingerprint}` : undefined;
  return {
    kind: 'credential',
    token,
    username: usernameFor(request, identity),
    authtype: request.announced.authtype,
    state,
    isSettled: isSettled && state !== undefined,
  };
}

/** The fingerprint of the token that the server refused, where git asks again with what we gave it. */
export function refusedBefore({again, states}: GetRequest): string | undefined {
  const ours = states.find((state) => state.startsWith(STATE))?.slice(STATE.length);
  return again && ours !== undefined && /^[0-9a-f]{16}$/.test(ours) ? ours : undefined;
}

/** Whether what git stores or erases is this token, as a password or inside an Authorization header. */
export function carries({password, credential, authtype}: Login, {secret}: Token): boolean {
  if (password !== undefined) return secret.equals(password);
  if (credential === undefined) return false;
  return authtype?.toLowerCase() === 'basic' ? pairCarries(credential, secret) : secret.equals(credential);
}

/** Only once, or git's retries of a POST have no bound. */
function mayAskAgain({announced, again, states}: GetRequest): boolean {
  return announced.authtype && announced.state && !again && states.length === 0;
}

/** The one that git sent; a colon would end it early in a Basic header. */
function usernameFor({remote}: GetRequest, identity: Identity): string {
  const sent = remote.username;
  return sent !== undefined && sent !== '' && !sent.includes(':') ? sent : (clientIdOf(identity) ?? 'orgkey');
}

/** Whether the password of a Basic header's pair is the secret. */
function pairCarries(encoded: Uint8Array, secret: Token['secret']): boolean {
  const pair = decodeBase64(encoded);
  const colon = pair?.indexOf(COLON) ?? -1;
  if (pair === undefined || colon === -1) return false;
  const isSecret = secret.equals(pair.subarray(colon + 1));
  pair.fill(0);
  return isSecret;
}

const COLON = 0x3a;
