/** Notes when git asked last. */
export class IdleWatch {
  readonly #now: () => number;
  readonly #first = Promise.withResolvers<void>();
  #last: number;

  /** `now` is in milliseconds, from any moment. */
  constructor(now: () => number) {
    this.#now = now;
    this.#last = now();
  }

  /** Resolves after the first request. */
  get firstRequest(): Promise<void> {
    return this.#first.promise;
  }

  note(): void {
    this.#last = this.#now();
    this.#first.resolve();
  }

  /**
   * Resolves with a reason when the last request is longer ago than `limit`, in milliseconds. `undefined`: not until a
   * reload sets a limit. While `isBusy`, the daemon does not count as idle.
   */
  async exceeds(
    limit: () => number | undefined,
    {
      isBusy,
      every,
    }: {readonly isBusy: () => boolean; readonly every: (milliseconds: number) => Promise<unknown>},
  ): Promise<string> {
    for (;;) {
      if (isBusy()) this.note();
      const left = (limit() ?? Infinity) - (this.#now() - this.#last);
      if (left <= 0) return 'idle for long enough';
      await every(Math.min(LOOK_AT_LEAST_EVERY, Math.max(LOOK_AT_MOST_EVERY, left)));
    }
  }
}

/** In milliseconds. A reload may bring a shorter limit. */
const LOOK_AT_LEAST_EVERY = 30_000;
const LOOK_AT_MOST_EVERY = 50;
