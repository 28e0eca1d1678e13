/** Simulates a thousand agents that start together: how many of them refresh in the same minute? */
import {freshnessOf} from '../../src/token/freshness.ts';
import {Secret} from '../../src/secret/secret.ts';
import type {Group} from './row.ts';

const AGENTS = 1000;
const HOUR = 3_600_000;

/** The daemon's interval between two looks, in milliseconds. */
const EVERY = 30_000;

// oxlint-disable-next-line typescript/require-await -- a group like the others
export async function measureFleet(): Promise<Group> {
  const spread = busiestMinute(Math.random);
  const together = busiestMinute(() => 0);
  return {
    rows: [
      {
        what: '1,000 agents started together: refreshes in the busiest minute',
        value: spread,
        unit: '',
        note: `without jitter: ${together.toLocaleString('en-US')} (simulated with the daemon's own rule)`,
      },
    ],
  };
}

function busiestMinute(random: () => number): number {
  const minutes = new Map<number, number>();
  for (let agent = 0; agent < AGENTS; agent++) {
    const minute = Math.floor(refreshOf(random()) / 60_000);
    minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
  }
  return Math.max(...minutes.values());
}

/** Returns when an agent whose token of one hour was issued at 0 asks for the next, in milliseconds. */
function refreshOf(jitter: number): number {
  const token = {
    kind: 'access-token',
    secret: Secret.fromText('a'),
    expiresAt: HOUR,
    refreshAt: undefined,
    acquiredAt: 0,
    acquiredUptime: 0,
    fingerprint: '',
  } as const;
  for (let now = 0; ; now += EVERY)
    if (freshnessOf(token, {wall: () => now, uptime: () => now}, jitter) !== 'fresh') return now;
}
