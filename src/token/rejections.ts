import type {Clock} from './token.ts';

/** How long a refused organization is told why, instead of being given another token, in milliseconds. */
export const EXPLAINED_FOR = 60_000;

/** Two refusals that are further apart have nothing to do with each other, in milliseconds. */
const IN_A_ROW = 10 * 60_000;

/** A scoped socket can force one acquisition in this time, in milliseconds. */
export const FORCED_EVERY = 60_000;

/** One organization on one socket. A refusal there says nothing about the others of the same identity. */
export interface Asker {
  readonly socket: string;
  readonly scoped: boolean;
  readonly owner: string;
}

/**
 * Which tokens Azure DevOps refused, and to whom. A refused token is replaced once; is the new one refused too, or
 * is there no new one, then it is a matter of permission that no further token mends, and is explained.
 */
export class Rejections {
  readonly #clock: Clock;
  readonly #refused = new Map<string, Refusal>();
  readonly #forced = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The server refused this token to the asker. */
  reject(asker: Asker, fingerprint: string): void {
    const now = this.#clock.uptime();
    const refusal = this.#current(asker) ?? {
      fingerprints: new Set(),
      refusedAt: -Infinity,
      explainUntil: undefined,
    };
    if (refusal.fingerprints.has(fingerprint)) return;
    refusal.fingerprints.add(fingerprint);
    // the second token in a row: not the token's fault
    if (now - refusal.refusedAt < IN_A_ROW) refusal.explainUntil = now + EXPLAINED_FOR;
    refusal.refusedAt = now;
    this.#refused.set(keyOf(asker), refusal);
    if (this.#refused.size > MAX_REMEMBERED) this.#refused.delete(this.#refused.keys().next().value ?? '');
  }

  /** There is no other token than the refused one: explain from now on. */
  giveUp(asker: Asker): void {
    const refusal = this.#refused.get(keyOf(asker));
    if (refusal) refusal.explainUntil = this.#clock.uptime() + EXPLAINED_FOR;
  }

  /** A token worked: what was refused before is history. */
  confirm(asker: Asker, fingerprint: string): void {
    const refusal = this.#refused.get(keyOf(asker));
    if (refusal && !refusal.fingerprints.has(fingerprint)) this.#refused.delete(keyOf(asker));
  }

  isRejected(asker: Asker, fingerprint: string): boolean {
    return this.#current(asker)?.fingerprints.has(fingerprint) ?? false;
  }

  isExplained(asker: Asker): boolean {
    return this.#current(asker)?.explainUntil !== undefined;
  }

  /** Counts an acquisition that a refusal forces; `false` where the socket has had its share. */
  mayForce({socket, scoped}: Asker): boolean {
    if (!scoped) return true;
    const now = this.#clock.uptime();
    const last = this.#forced.get(socket);
    if (last !== undefined && now - last < FORCED_EVERY) return false;
    this.#forced.set(socket, now);
    return true;
  }

  /** After the explanation was given for its time, everything is tried anew, once. */
  #current(asker: Asker): Refusal | undefined {
    const refusal = this.#refused.get(keyOf(asker));
    if (refusal?.explainUntil === undefined || this.#clock.uptime() < refusal.explainUntil) return refusal;
    this.#refused.delete(keyOf(asker));
    return undefined;
  }
}

interface Refusal {
  readonly fingerprints: Set<string>;
  /** On the clock that only goes on, in milliseconds; of the last one. */
  refusedAt: number;
  /** On the clock that only goes on, in milliseconds. */
  explainUntil: number | undefined;
}

const MAX_REMEMBERED = 10_000;

function keyOf({socket, owner}: Asker): string {
  return `${socket} ${owner}`;
}
