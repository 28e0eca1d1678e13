import {uptime} from 'node:os';
import type {Clock} from '../token/token.ts';

/** In milliseconds. */
const RESYNC = 1000;

/**
 * The machine's clocks. Time since boot counts suspended time, which `performance.now` does not; asking for it opens
 * a file, so it is asked once a second and carried on in between.
 */
export function createClock(): Clock {
  let offset = 0;
  let synced = -Infinity;
  return {
    wall: () => Date.now(),
    uptime() {
      const now = performance.now();
      if (now - synced > RESYNC) {
        offset = Math.max(offset, uptime() * 1000 - now);
        synced = now;
      }
      return now + offset;
    },
  };
}
