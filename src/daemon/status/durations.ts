/** The upper bounds of the histograms' buckets, in seconds. A last bucket has no bound. */
export const BUCKETS: readonly number[] = [
  0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export class Durations {
  readonly #buckets: number[] = Array.from({length: BUCKETS.length + 1}, () => 0);
  #sum = 0;

  get buckets(): readonly number[] {
    return this.#buckets;
  }

  /** In seconds. */
  get sum(): number {
    return this.#sum;
  }

  /** `duration` is in milliseconds. */
  note(duration: number): void {
    const seconds = duration / 1000;
    const bucket = BUCKETS.findIndex((bound) => seconds <= bound);
    const at = bucket === -1 ? BUCKETS.length : bucket;
    this.#buckets[at] = (this.#buckets[at] ?? 0) + 1;
    this.#sum += seconds;
  }
}
