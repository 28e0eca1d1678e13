/** Skew up to this many milliseconds is not worth a message: tokens are served to their last minute. */
const TOLERATED_SKEW = 60_000;

/**
 * Returns half a sentence that says how far this machine's clock is off, or `undefined` if that does not matter.
 * `skew` is in milliseconds; positive: the clock is ahead.
 */
export function describeSkew(skew: number | undefined): string | undefined {
  if (skew === undefined || Math.abs(skew) <= TOLERATED_SKEW) return undefined;
  const seconds = Math.round(Math.abs(skew) / 1000);
  const size = seconds < 600 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  return `this machine's clock is ${size} ${skew > 0 ? 'ahead' : 'behind'}`;
}
