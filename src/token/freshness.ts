import type {Clock, Token} from './token.ts';

/** No token with less than this left is ever handed out, in milliseconds. */
export const NEVER_BELOW = 60_000;

/** A token that is handed out lives at least this long if the issuer's tokens allow it, in milliseconds. */
const GUARANTEED_LIFE = 10 * 60_000;

/** The part of its life after which a token is refreshed in the background, if the issuer names no time. Fact 12. */
const REFRESH_AT = 0.75;

/** No refresh before this part of its life, whatever the issuer wants: otherwise each request might cause one. */
const NOT_BEFORE = 0.5;

/** The latest part of the time before a request has to wait: an attempt that fails by then makes none wait. */
const NOT_AFTER = 0.9;

/**
 * - `fresh`: served.
 * - `should-refresh`: served, and refreshed in the background.
 * - `must-refresh`: the request waits for a new one; this one is served only if that fails.
 * - `expired`: never served.
 */
type Freshness = 'fresh' | 'should-refresh' | 'must-refresh' | 'expired';

/**
 * Returns the milliseconds that the token still lives, by the stricter of two clocks. So a wall clock that is set back
 * never prolongs a life.
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
  // short-lived tokens cannot guarantee ten minutes: half of their life is enough
  const guaranteed = Math.min(GUARANTEED_LIFE, life / 2);
  if (left < guaranteed) return 'must-refresh';
  const wanted =
    token.refreshAt === undefined
      ? life * REFRESH_AT
      : Math.max(life * NOT_BEFORE, token.refreshAt - token.acquiredAt);
  const latest = (life - guaranteed) * NOT_AFTER;
  return life - left >= Math.min(wanted, latest) - (jitter * life) / 10 ? 'should-refresh' : 'fresh';
}
