/** The upper bounds of the histogram's buckets, in seconds. A last bucket has no bound. */
export const BUCKETS: readonly number[] = [
  0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export type Outcome = 'served' | 'passed' | 'failed' | 'stored' | 'erased' | 'malformed';

/** Counts answers since the start. */
export class Tally {
  readonly #outcomes = new Map<string, number>();
  readonly #durations: number[] = Array.from({length: BUCKETS.length + 1}, () => 0);
  readonly #recent: number[] = [];
  #next = 0;
  #sum = 0;

  /** `whose` is the organization as configured, or empty; `duration` is in milliseconds. */
  count(whose: string, outcome: Outcome, duration: number): void {
    const key = keyOf(outcome, whose);
    this.#outcomes.set(key, (this.#outcomes.get(key) ?? 0) + 1);
    if (outcome !== 'served') return;
    const seconds = duration / 1000;
    const bucket = BUCKETS.findIndex((bound) => seconds <= bound);
    const at = bucket === -1 ? BUCKETS.length : bucket;
    this.#durations[at] = (this.#durations[at] ?? 0) + 1;
    this.#sum += seconds;
    this.#recent[this.#next] = duration;
    this.#next = (this.#next + 1) % RECENT;
  }

  /** Returns the count for one organization, or for all. */
  of(outcome: Outcome, whose?: string): number {
    // status asks for each of thousands of organizations, so this must be a lookup
    if (whose !== undefined) return this.#outcomes.get(keyOf(outcome, whose)) ?? 0;
    let sum = 0;
    for (const [key, times] of this.#outcomes) if (key.startsWith(keyOf(outcome, ''))) sum += times;
    return sum;
  }

  /** Returns each outcome and organization with its count. */
  *entries(): Iterable<{readonly outcome: string; readonly organization: string; readonly times: number}> {
    for (const [key, times] of this.#outcomes) {
      const space = key.indexOf(' ');
      yield {outcome: key.slice(0, space), organization: key.slice(space + 1), times};
    }
  }

  /** The counts by bucket, and the sum in seconds. */
  get durations(): {readonly buckets: readonly number[]; readonly sum: number} {
    return {buckets: this.#durations, sum: this.#sum};
  }

  /** The median of the last thousand served requests, in milliseconds. */
  get medianMs(): number | undefined {
    const sorted = this.#recent.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }
}

function keyOf(outcome: Outcome, whose: string): string {
  return `${outcome} ${whose}`;
}

const RECENT = 1000;
