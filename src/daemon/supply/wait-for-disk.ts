import {startTimer} from '../../start-timer.ts';
import {TIME_BUDGET} from '../../time-budget.ts';

/** Resolves when `use` has ended, or has taken too long and goes on in the background. Ignores its failure. */
export async function waitForDisk(use: Promise<unknown>): Promise<void> {
  const {promise, resolve} = Promise.withResolvers<void>();
  const stopTimer = startTimer(TIME_BUDGET.disk, resolve);
  void use
    .catch(() => undefined)
    .then(() => {
      stopTimer();
      resolve();
    });
  await promise;
}
