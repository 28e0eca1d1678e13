import {setTimeout as delay} from 'node:timers/promises';
import {TIME_BUDGET} from '../time-budget.ts';
import {ClaimError} from './claim.ts';

interface FailedStart {
  /** The sockets that systemd passed: file descriptors by name. */
  readonly inherited: ReadonlyMap<string, number>;
  readonly stopped: Promise<unknown>;
  /** Whether a daemon could start by now. */
  readonly isRepaired: () => boolean;
}

/**
 * Reports that the daemon cannot have its place, also to the clients of systemd's sockets. Returns the exit code.
 * @throws any other error.
 */
export async function failStart(cause: unknown, start: FailedStart | undefined): Promise<number> {
  if (!(cause instanceof ClaimError)) throw cause;
  process.stderr.write(`orgkey: error: ${cause.message}\norgkey: hint: ${cause.hint}\n`);
  if (start === undefined || start.inherited.size === 0) return UNHEALTHY;
  const {answerWithFailure} = await import('./answer-with-failure.ts');
  const {inherited, stopped, isRepaired} = start;
  const ended = Promise.race([stopped, delay(TIME_BUDGET.failedStart)]);
  await answerWithFailure(cause, {fds: inherited.values(), isRepaired, ended});
  return UNHEALTHY;
}

export function succeeds(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

const UNHEALTHY = 1;
