import {clientIdOf, type Identity} from '../identity/identity.ts';
import {NEVER_BELOW} from '../token/freshness.ts';
import type {Token} from '../token/token.ts';
import type {Answer} from '../protocol/answer.ts';
import {decodeBase64} from '../text/base64.ts';
import type {GetRequest, Login} from '../protocol/request.ts';

/** The start of our state, which git returns if the server rejects the credential. */
const STATE = 'orgkey.1.';

interface Handed {
  readonly token: Token;
  readonly source: 'cache' | 'issuer';
  /** Git need not confirm that it works. */
  readonly isSettled: boolean;
  /** The remote as the configuration spells it, if git sent another spelling. */
  readonly url?: string | undefined;
}

/** Answers with a whole header if git can read it, else with user name and password. Facts 4, 5 and 52. */
export function credentialFor(
  request: GetRequest,
  {token, source, isSettled, url}: Handed,
  identity: Identity,
): Answer {
  const state = source === 'cache' && mayAskAgain(request) ? `${STATE}${token.fingerprint}` : undefined;
  return {
    kind: 'credential',
    token,
    username: usernameFor(request, identity),
    authtype: request.announced.authtype,
    url: request.announced.authtype ? undefined : url,
    state,
    isSettled: isSettled && state !== undefined,
    ...(request.tool !== undefined &&
      token.expiresAt !== undefined && {keepUntil: token.expiresAt - NEVER_BELOW}),
  };
}

/** Returns the fingerprint of the token that the server rejected, if git asks again with our state. */
export function rejectedBefore({again, states}: GetRequest): string | undefined {
  const ours = states.find((state) => state.startsWith(STATE))?.slice(STATE.length);
  return again && ours !== undefined && /^[0-9a-f]{16}$/.test(ours) ? ours : undefined;
}

/** Returns whether git stores or erases this token, as a password or in an Authorization header. */
export function carries({password, credential, authtype}: Login, {secret}: Token): boolean {
  if (password !== undefined) return secret.equals(password);
  if (credential === undefined) return false;
  return authtype?.toLowerCase() === 'basic' ? pairCarries(credential, secret) : secret.equals(credential);
}

/** Allows one retry; otherwise git could repeat a POST without end. */
function mayAskAgain({announced, again, states}: GetRequest): boolean {
  return announced.authtype && announced.state && !again && states.length === 0;
}

/** Prefers the user name that git sent, except with a colon, which would end it in a Basic header. */
function usernameFor({remote}: GetRequest, identity: Identity): string {
  const sent = remote.username;
  return sent !== undefined && sent !== '' && !sent.includes(':') ? sent : (clientIdOf(identity) ?? 'orgkey');
}

/** Returns whether the password in a Basic header is the secret. */
function pairCarries(encoded: Uint8Array, secret: Token['secret']): boolean {
  const pair = decodeBase64(encoded);
  const colon = pair?.indexOf(COLON) ?? -1;
  if (pair === undefined || colon === -1) return false;
  const isSecret = secret.equals(pair.subarray(colon + 1));
  pair.fill(0);
  return isSecret;
}

const COLON = 0x3a;
