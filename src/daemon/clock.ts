import {uptime} from 'node:os';
import type {Clock} from '../token/token.ts';
import {elapsed} from './elapsed.ts';

/** In milliseconds. */
const RESYNC = 1000;

/**
 * Returns the machine's clocks. The time since boot includes suspended time, unlike `elapsed`. It is read from
 * a file, so we read it once a second and use `elapsed` in between.
 */
export function createClock(): Clock {
  let offset = 0;
  let synced = -Infinity;
  return {
    wall: () => Date.now(),
    uptime() {
      const now = elapsed();
      if (now - synced > RESYNC) {
        offset = Math.max(offset, uptime() * 1000 - now);
        synced = now;
      }
      return now + offset;
    },
  };
}
