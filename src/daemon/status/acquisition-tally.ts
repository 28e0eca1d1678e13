import type {Acquire, Wanted} from '../../token/acquire.ts';
import {Durations} from './durations.ts';

interface Counted {
  /** The kind of identity. */
  readonly kind: string;
  readonly result: 'token' | 'failed';
  /** Empty for a token. */
  readonly code: string;
}

/** Counts what was asked of issuers and of programs that print secrets. */
export class AcquisitionTally {
  readonly #now: () => number;
  readonly #isHeld: (wanted: Wanted) => boolean;
  readonly #renewalFailures = new Map<string, number>();
  readonly #counts = new Map<string, Counted & {times: number}>();
  readonly #durations = new Map<string, Durations>();
  #underWay = 0;

  /** `now` is in milliseconds, from any moment. `isHeld`: whether the wanted token is there, and is to be renewed. */
  constructor(now: () => number, isHeld: (wanted: Wanted) => boolean) {
    this.#now = now;
    this.#isHeld = isHeld;
  }

  /** Each kind, result and code with its count. */
  get counts(): Iterable<Counted & {readonly times: number}> {
    return this.#counts.values();
  }

  /** How often a token that still lived could not be renewed, by kind of identity. */
  get renewalFailures(): ReadonlyMap<string, number> {
    return this.#renewalFailures;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** How long acquisitions took, by kind of identity. */
  get durations(): ReadonlyMap<string, Durations> {
    return this.#durations;
  }

  counting(acquire: Acquire): Acquire {
    return async (wanted) => {
      const start = this.#now();
      this.#underWay++;
      const acquisition = await acquire(wanted).finally(() => this.#underWay--);
      const {kind} = wanted.identity;
      if (acquisition.kind === 'failed' && this.#isHeld(wanted))
        this.#renewalFailures.set(kind, (this.#renewalFailures.get(kind) ?? 0) + 1);
      const code = acquisition.kind === 'failed' ? acquisition.failure.code : '';
      this.#count({kind, result: acquisition.kind, code}, this.#now() - start);
      return acquisition;
    };
  }

  #count(counted: Counted, duration: number): void {
    const {kind, result, code} = counted;
    const key = JSON.stringify([kind, result, code]);
    const entry = this.#counts.get(key);
    if (entry === undefined) this.#counts.set(key, {...counted, times: 1});
    else entry.times++;
    const durations = this.#durations.get(kind) ?? new Durations();
    this.#durations.set(kind, durations);
    durations.note(duration);
  }
}
