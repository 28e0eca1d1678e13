/** When git last asked. */
export class IdleWatch {
  readonly #now: () => number;
  readonly #first = Promise.withResolvers<void>();
  #last: number;

  /** `now` is in milliseconds, from any moment. */
  constructor(now: () => number) {
    this.#now = now;
    this.#last = now();
  }

  /** Resolves once somebody has asked. */
  get firstRequest(): Promise<void> {
    return this.#first.promise;
  }

  note(): void {
    this.#last = this.#now();
    this.#first.resolve();
  }

  /**
   * Resolves, with the reason, once nobody has asked for as long as `limit` says, in milliseconds. `undefined`: never,
   * until a reload changes it. What is under way counts as asking.
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
      await every(Math.min(LONGEST_WAIT, Math.max(SHORTEST_WAIT, left)));
    }
  }
}

/** In milliseconds: a limit that a reload brings is seen after this. */
const LONGEST_WAIT = 30_000;
const SHORTEST_WAIT = 50;
