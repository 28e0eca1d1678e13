import {setTimeout as delay} from 'node:timers/promises';
import {TIME_BUDGET} from '../time-budget.ts';
import {ClaimError} from './claim.ts';

export interface Refusal {
  /** By name, file descriptors. */
  readonly inherited: ReadonlyMap<string, number>;
  readonly stopped: Promise<unknown>;
  readonly isRepaired: () => boolean;
}

/** The daemon can't have its place. Gits that wait in front of sockets of systemd's are told. */
export async function refuse(why: unknown, refusal: Refusal | undefined): Promise<number> {
  if (!(why instanceof ClaimError)) throw why;
  process.stderr.write(`orgkey: error: ${why.message}\norgkey: hint: ${why.hint}\n`);
  if (refusal === undefined || refusal.inherited.size === 0) return UNHEALTHY;
  const {tellRefusal} = await import('./tell-refusal.ts');
  const {inherited, stopped, isRepaired} = refusal;
  const over = Promise.race([stopped, delay(TIME_BUDGET.refusal)]);
  await tellRefusal(why, {fds: inherited.values(), isRepaired, over});
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
