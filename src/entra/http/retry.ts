import {TIME_BUDGET} from '../../time-budget.ts';
import type {AcquirerFailure} from '../failure.ts';

/** How often a request is sent at most, unless it asks a metadata service. */
export const TRIES = 3;

interface Tried {
  /** How often the request was sent. */
  readonly attempt: number;
  /** How often it may be sent. */
  readonly tries: number;
  /** In milliseconds. */
  readonly timeLeft: number;
}

/** Returns the pause before the next try in milliseconds. `undefined`: another try is useless, or the time is too short. */
export function pauseAfter(
  failure: AcquirerFailure | undefined,
  {attempt, tries, timeLeft}: Tried,
): number | undefined {
  if (failure === undefined) return undefined;
  const {httpRetry, httpLongestPause, metadataRetry} = TIME_BUDGET;
  const isUpdating = isMetadataOutage(failure);
  if (!isUpdating && (attempt >= tries || !isPassing(failure))) return undefined;
  const asked = failure.kind === 'rejected' ? failure.retryAfter : undefined;
  const own = isUpdating
    ? metadataRetry * (1 + Math.random() / 8)
    : httpRetry * 3 ** (attempt - 1) * (1 + Math.random() / 4);
  const pause = asked ?? own;
  return pause > httpLongestPause || pause + httpRetry > timeLeft ? undefined : pause;
}

/**
 * Whether a metadata service is being updated (fact 16), or does not know the new identity yet. That may take 70 s, so it is asked
 * as long as there is time. @see https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
 */
function isMetadataOutage(failure: AcquirerFailure): boolean {
  if (failure.kind !== 'rejected' || failure.service !== 'managed-identity') return false;
  const {status} = failure;
  return status === 404 || status === 410 || status === 429 || status >= 500;
}

/** Whether the failure may be gone in a second. */
function isPassing(failure: AcquirerFailure): boolean {
  if (failure.kind === 'unreachable') return passing.has(failure.code);
  if (failure.kind !== 'rejected') return false;
  const {status, error} = failure;
  return status === 429 || status === 408 || status >= 500 || error === 'temporarily_unavailable';
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
  'ERR_PROXY_SILENT',
  'ERR_PROXY_UNREACHABLE',
]);
