import {startTimer} from '../start-timer.ts';

/** A disk that hangs, or a keyring that asks on a screen, holds git no longer than this, in milliseconds. */
const DISK_PATIENCE = 1_000;

/** Resolves when it is over, or has taken too long and goes on behind. Whoever began it hears of its failure. */
export async function waitForDisk(use: Promise<unknown>): Promise<void> {
  const {promise, resolve} = Promise.withResolvers<void>();
  const stopTimer = startTimer(DISK_PATIENCE, resolve);
  void use
    .catch(() => undefined)
    .then(() => {
      stopTimer();
      resolve();
    });
  await promise;
}
