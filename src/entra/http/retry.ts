import {TIME_BUDGET} from '../../time-budget.ts';
import type {AcquirerFailure} from '../failure.ts';

/** How often a request is sent at most. */
export const TRIES = 3;

/**
 * Returns the pause before the next try in milliseconds, after `attempt` tries. `undefined`: another try is useless,
 * or the time is too short. `timeLeft` is in milliseconds.
 */
export function pauseAfter(
  failure: AcquirerFailure | undefined,
  attempt: number,
  timeLeft: number,
): number | undefined {
  if (failure === undefined || !isPassing(failure)) return undefined;
  const {httpRetry, httpLongestPause} = TIME_BUDGET;
  const asked = failure.kind === 'rejected' ? failure.retryAfter : undefined;
  const pause = asked ?? httpRetry * 3 ** (attempt - 1) * (1 + Math.random() / 4);
  return pause > httpLongestPause || pause + httpRetry > timeLeft ? undefined : pause;
}

/** Whether the failure may be gone in a second. */
function isPassing(failure: AcquirerFailure): boolean {
  if (failure.kind === 'unreachable') return passing.has(failure.code);
  if (failure.kind !== 'rejected') return false;
  const {service, status, error} = failure;
  if (status === 429 || status === 408 || status >= 500) return true;
  // fact 16
  // a metadata service that is being updated, or does not know the new identity yet
  if (service === 'managed-identity' && (status === 404 || status === 410)) return true;
  return error === 'temporarily_unavailable';
}

const passing = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'TIMEOUT',
  'UND_ERR_SOCKET',
]);
