import {recentMap} from '../recent-map.ts';
import type {Asker} from './asker.ts';
import type {Clock} from './token.ts';

/** A tool that asks again in this time may have been refused, in milliseconds. */
const AGAIN_WITHIN = 10 * 60_000;

/** How often the token of an asker is doubted, in milliseconds. */
const DOUBTED_EVERY = 60_000;

const MAX_REMEMBERED = 1000;

interface HandOut {
  readonly fingerprint: string;
  at: number;
  doubtedAt: number;
}

/** Remembers what tools were given. Most of them cannot report a rejection: they only ask again. */
export class HandOuts {
  readonly #clock: Clock;
  readonly #last = recentMap<HandOut>(MAX_REMEMBERED);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(asker: Asker, fingerprint: string): void {
    const last = this.#last.get(keyOf(asker));
    const at = this.#clock.uptime();
    if (last?.fingerprint === fingerprint) last.at = at;
    else this.#last.set(keyOf(asker), {fingerprint, at, doubtedAt: -Infinity});
  }

  /** Whether the asker was given this token lately, and it was not doubted since. Counts the doubt. */
  isDoubtful(asker: Asker, fingerprint: string): boolean {
    const last = this.#last.get(keyOf(asker));
    const now = this.#clock.uptime();
    if (last?.fingerprint !== fingerprint || now - last.at >= AGAIN_WITHIN) return false;
    if (now - last.doubtedAt < DOUBTED_EVERY) return false;
    last.doubtedAt = now;
    return true;
  }

  clear(): void {
    this.#last.clear();
  }
}

function keyOf({socket, owner, path, identity}: Asker): string {
  return JSON.stringify([socket, owner, path, identity]);
}
