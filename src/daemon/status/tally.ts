/** The upper bounds of the histogram's buckets, in seconds. A last bucket has no bound. */
export const BUCKETS: readonly number[] = [
  0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

const OUTCOMES = ['served', 'passed', 'failed', 'stored', 'erased', 'malformed'] as const;

export type Outcome = (typeof OUTCOMES)[number];

type Counts = Record<Outcome, number>;

/** Counts answers since the start. */
export class Tally {
  readonly #all: Counts = noCounts();
  readonly #byOrganization = new Map<string, Counts>();
  readonly #durations: number[] = Array.from({length: BUCKETS.length + 1}, () => 0);
  readonly #recent: number[] = [];
  #next = 0;
  #sum = 0;

  /** `organization` is the configured one, or empty. `duration` is in milliseconds. */
  count(organization: string, outcome: Outcome, duration: number): void {
    const counts = this.#byOrganization.get(organization) ?? noCounts();
    this.#byOrganization.set(organization, counts);
    counts[outcome]++;
    this.#all[outcome]++;
    if (outcome === 'served') this.#note(duration);
  }

  /** Returns the count of an outcome, for one organization or for all. */
  of(outcome: Outcome, organization?: string): number {
    if (organization === undefined) return this.#all[outcome];
    return this.#byOrganization.get(organization)?.[outcome] ?? 0;
  }

  /** Returns each outcome and organization with its count. */
  *entries(): Iterable<{readonly outcome: Outcome; readonly organization: string; readonly times: number}> {
    for (const [organization, counts] of this.#byOrganization) {
      for (const outcome of OUTCOMES) {
        const times = counts[outcome];
        if (times > 0) yield {outcome, organization, times};
      }
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

  #note(duration: number): void {
    const seconds = duration / 1000;
    const bucket = BUCKETS.findIndex((bound) => seconds <= bound);
    const at = bucket === -1 ? BUCKETS.length : bucket;
    this.#durations[at] = (this.#durations[at] ?? 0) + 1;
    this.#sum += seconds;
    this.#recent[this.#next] = duration;
    this.#next = (this.#next + 1) % RECENT;
  }
}

function noCounts(): Counts {
  return {served: 0, passed: 0, failed: 0, stored: 0, erased: 0, malformed: 0};
}

const RECENT = 1000;
