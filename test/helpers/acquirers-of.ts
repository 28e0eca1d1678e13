import {readFileSync, readdirSync} from 'node:fs';
import {setTimeout as pause} from 'node:timers/promises';
import {connectControl} from '../../src/control/control-client.ts';
import {join} from 'node:path';
import type {TestDaemon} from './daemon.ts';
import {until} from './patience.ts';
import {getFor, passwordIn} from './requests.ts';

/** Returns the process ids of a daemon's children. */
export function acquirersOf({process: {pid}}: TestDaemon): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      const children = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8');
      return children.split(' ').filter(Boolean).map(Number);
    } catch {
      return [];
    }
  });
}

/** Drops the daemon's tokens, so that the next request needs an acquirer. */
async function clearTokens({runtime}: TestDaemon): Promise<void> {
  const control = await connectControl(join(runtime, 'control/control.sock'));
  await control.call('clear', undefined);
  control.close();
}

/**
 * Kills an acquirer during each of that many requests, each at another moment. Returns how many were killed before
 * they had a token, and the answers without one.
 */
export async function killAcquirers(
  daemon: TestDaemon,
  {organization, times}: {readonly organization: string; readonly times: number},
): Promise<{readonly killed: number; readonly empty: readonly string[]}> {
  let killed = 0;
  const empty: string[] = [];
  for (let round = 0; round < times; round++) {
    await clearTokens(daemon);
    const answered = Promise.withResolvers<void>();
    const asking = daemon.ask(getFor(organization)).finally(() => answered.resolve());
    const acquirer = await Promise.race([firstAcquirer(daemon), answered.promise.then(() => undefined)]);
    // Spread over the life of an acquirer, and no two alike
    await Promise.race([pause((round * 67) % 160), answered.promise]);
    if (acquirer !== undefined && acquirersOf(daemon).includes(acquirer)) {
      process.kill(acquirer, 'SIGKILL');
      killed++;
    }
    const answer = await asking;
    if (passwordIn(answer) === '') empty.push(answer);
  }
  return {killed, empty};
}

function firstAcquirer(daemon: TestDaemon): Promise<number> {
  return until(
    'an acquirer',
    () => acquirersOf(daemon)[0],
    () => true,
  );
}
