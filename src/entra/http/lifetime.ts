/** How long a token lives according to its issuer, in milliseconds. */
export interface Lifetime {
  readonly expiresIn: number | undefined;
  readonly refreshIn: number | undefined;
}

/**
 * Reads the lifetime from a token response. Entra counts seconds from now, App Service has only the end. IMDS has
 * both, and for a token from its cache the seconds may be those of the whole life. `now` is the issuer's clock.
 * Fact 13.
 * @see https://github.com/Azure/azure-sdk-for-js/pull/8591
 */
export function lifetimeOf(answer: Readonly<Record<string, unknown>>, now: number): Lifetime {
  const expiresIn = secondsOf(answer['expires_in']) ?? Infinity;
  const expiresOn = secondsOf(answer['expires_on']) ?? dateIn(answer['expires_on']) ?? Infinity;
  const left = Math.min(expiresIn, expiresOn - now / 1000);
  const refreshIn = secondsOf(answer['refresh_in']);
  return {
    expiresIn: left === Infinity ? undefined : Math.max(0, left * 1000),
    refreshIn: refreshIn === undefined || refreshIn <= 0 ? undefined : refreshIn * 1000,
  };
}

function secondsOf(value: unknown): number | undefined {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value));
  return isNumber && Number.isFinite(Number(value)) ? Number(value) : undefined;
}

/** Older endpoints write a date. Returns seconds since epoch. */
function dateIn(value: unknown): number | undefined {
  const date = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(date) ? date / 1000 : undefined;
}
