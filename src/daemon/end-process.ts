import {setTimeout as delay} from 'node:timers/promises';

/**
 * Ends the process. Node waits for its threads then, and one may hang for good in a disk or a name server that does not
 * answer: the signal that told us to end does not wait, and is a clean end to service managers.
 */
export async function endProcess(code: number): Promise<never> {
  for (let waited = 0; hasThreadAtWork() && waited < THREAD_LIMIT; waited += LOOK_EVERY)
    await delay(LOOK_EVERY);
  if (hasThreadAtWork()) {
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  }
  return process.exit(code);
}

/** In files or the look-up of a name; what else Node's threads do ends by itself. */
function hasThreadAtWork(): boolean {
  return process
    .getActiveResourcesInfo()
    .some((resource) => /^(?:FSReq|GetAddrInfo|GetNameInfo)/.test(resource));
}

/** In milliseconds. */
const THREAD_LIMIT = 1_000;
const LOOK_EVERY = 50;
