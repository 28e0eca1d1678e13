import type {Failure} from './acquire.ts';

/** The pause after the first failure, in milliseconds; it doubles up to a minute. */
const FIRST_COOLDOWN = 1000;
const LAST_COOLDOWN = 60_000;

/** How long after a failed prefetch the next one begins, in milliseconds, by the number of failures. */
const PREFETCH_PAUSES: readonly number[] = [30_000, 60_000, 5 * 60_000];
const LAST_PREFETCH_PAUSE = 15 * 60_000;

/** What is known of the acquisitions of one token. */
export interface Attempts {
  readonly failure: Failure | undefined;
  /** In a row. */
  readonly failures: number;
  /** When the last one ended, on the monotonic clock, in milliseconds. */
  readonly lastAt: number;
  /** On the monotonic clock, in milliseconds. */
  readonly coolUntil: number;
  readonly acquisitions: number;
  /** Whether the last one brought the token that was held already. */
  readonly isSame: boolean;
  /** Whether `onRenewal` knows of a failure. */
  readonly isReported: boolean;
}

export const noAttempts: Attempts = {
  failure: undefined,
  failures: 0,
  lastAt: 0,
  coolUntil: 0,
  acquisitions: 0,
  isSame: false,
  isReported: false,
};

/** Returns how long one identity leaves the issuer alone after a failure, in milliseconds. Others are not concerned. */
export function restAfter(failures: number, {retryAfter = 0}: Failure): number {
  const own = backOff(failures);
  return retryAfter > own ? retryAfter : own;
}

/** Returns the pause after this many failures, in milliseconds. */
export function backOff(failures: number): number {
  return Math.min(LAST_COOLDOWN, FIRST_COOLDOWN * 2 ** failures);
}

/** Returns how long after a failed prefetch the next one begins, in milliseconds. */
export function prefetchPause({failures}: Attempts): number {
  return PREFETCH_PAUSES[failures - 1] ?? LAST_PREFETCH_PAUSE;
}
