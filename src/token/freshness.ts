import type {Clock, Token} from './token.ts';

/** No token with less than this left is ever handed out, in milliseconds. */
export const NEVER_BELOW = 60_000;

/** A token that is handed out lives at least this much longer where the issuer's tokens allow it, in milliseconds. */
const GUARANTEED_LIFE = 10 * 60_000;

/** Refreshed behind the requests once this part of its life is over, where the issuer names no moment. */
const REFRESH_AT = 0.75;

/** Not refreshed before this part of its life is over, whatever the issuer wants: or each request might ask anew. */
const NOT_BEFORE = 0.5;

/**
 * - `fresh`: served.
 * - `should-refresh`: served, and refreshed behind the request.
 * - `must-refresh`: a new one is waited for; this one is served only if none can be had.
 * - `expired`: never served.
 */
export type Freshness = 'fresh' | 'should-refresh' | 'must-refresh' | 'expired';

/**
 * Milliseconds that the token still lives, by the less generous of two clocks: its end on the wall, and its
 * life since it was had. So a wall clock that is set back never prolongs a life.
 */
export function lifeLeft(token: Token, clock: Clock): number {
  if (token.expiresAt === undefined) return Infinity;
  const life = token.expiresAt - token.acquiredAt;
  const age = clock.uptime() - token.acquiredUptime;
  return Math.min(token.expiresAt - clock.wall(), life - age);
}

/**
 * `jitter` is between 0 and 1, fixed for a token: it moves the refresh ahead by up to a tenth of its life, so that
 * a thousand agents that were started together do not refresh together.
 */
export function freshnessOf(token: Token, clock: Clock, jitter: number): Freshness {
  if (token.secret.erased) return 'expired';
  if (token.expiresAt === undefined) return 'fresh';
  const left = lifeLeft(token, clock);
  if (left < NEVER_BELOW) return 'expired';
  const life = token.expiresAt - token.acquiredAt;
  // tokens of a short-lived issuer can't promise ten minutes: half of their life is what they can
  if (left < Math.min(GUARANTEED_LIFE, life / 2)) return 'must-refresh';
  const wanted =
    token.refreshAt === undefined
      ? life * REFRESH_AT
      : Math.max(life * NOT_BEFORE, token.refreshAt - token.acquiredAt);
  return life - left >= wanted - (jitter * life) / 10 ? 'should-refresh' : 'fresh';
}
