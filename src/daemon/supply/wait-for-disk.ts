import {startTimer} from '../../start-timer.ts';
import {TIME_BUDGET} from '../../time-budget.ts';

/** Resolves when it is over, or has taken too long and goes on behind. Whoever began it hears of its failure. */
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
