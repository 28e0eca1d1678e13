import {setTimeout as delay} from 'node:timers/promises';
import {TIME_BUDGET} from '../time-budget.ts';

/**
 * Ends the process. `process.exit` waits for Node's threads, which may hang in a disk or name server that does not
 * answer. SIGTERM does not wait for them, and service managers count it as a clean end.
 */
export async function endProcess(code: number): Promise<never> {
  for (let waited = 0; hasBusyThread() && waited < TIME_BUDGET.thread; waited += LOOK_EVERY)
    await delay(LOOK_EVERY);
  if (hasBusyThread()) {
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  }
  return process.exit(code);
}

/** Whether a thread works on a file or a name lookup. Everything else that Node's threads do ends in time. */
function hasBusyThread(): boolean {
  return process
    .getActiveResourcesInfo()
    .some((resource) => /^(?:FSReq|GetAddrInfo|GetNameInfo)/.test(resource));
}

/** In milliseconds. */
const LOOK_EVERY = 50;
