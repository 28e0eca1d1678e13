import {localFailure} from '../failure.ts';

interface Expected {
  /** As configured. */
  readonly issuer: string;
  readonly clientId: string;
  readonly nonce: string;
  /** The issuer's clock, in milliseconds since epoch. */
  readonly now: number;
}

/** Accepted difference between two clocks, in milliseconds. */
const TOLERANCE = 5 * 60_000;

/**
 * Checks that an ID token answers this sign-in. The token came straight from the issuer over TLS, so its signature
 * would add nothing.
 * @throws {AcquirerError} if it does not.
 * @see https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
 */
export function checkIdToken(claims: Readonly<Record<string, unknown>>, expected: Expected): void {
  const {nonce, aud, exp} = claims;
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (nonce !== expected.nonce || !audiences.includes(expected.clientId))
    throw localFailure(
      'ERR_NONCE',
      'the issuer answered with the tokens of another sign-in',
      'Start the sign-in again; if it happens again, this may be a man-in-the-middle attack.',
    );
  if (!isIssuer(claims, expected.issuer))
    throw localFailure(
      'ERR_ID_TOKEN',
      'the ID token was made by another issuer',
      'Compare issuer in the configuration with the tenant of the app.',
    );
  if (typeof exp !== 'number' || exp * 1000 + TOLERANCE < expected.now)
    throw localFailure('ERR_ID_TOKEN', 'the ID token has expired', 'Start the sign-in again: orgkey login.');
}

/** Entra always names the tenant by its id, also if the configuration has a domain or `organizations`. */
function isIssuer({iss, tid}: Readonly<Record<string, unknown>>, issuer: string): boolean {
  if (typeof iss !== 'string') return false;
  if (withoutSlash(iss) === withoutSlash(issuer)) return true;
  const [, host, tenant = ''] = /^https:\/\/([^/]+)\/([^/]+)\/v2\.0\/?$/.exec(issuer) ?? [];
  if (host === undefined || typeof tid !== 'string' || guid.test(tenant)) return false;
  const named = host === 'login.windows.net' ? 'login.microsoftonline.com' : host;
  return guid.test(tid) && withoutSlash(iss) === `https://${named}/${tid}/v2.0`;
}

const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
