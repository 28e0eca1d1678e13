/** Keeps the last lines of the log, and passes new ones to its followers. */
export class LogLines {
  readonly #recent: string[] = [];
  readonly #followers = new Set<(line: string) => void>();

  get recent(): readonly string[] {
    return [...this.#recent];
  }

  add(line: string): void {
    this.#recent.push(line);
    if (this.#recent.length > KEPT) this.#recent.shift();
    for (const follower of this.#followers) follower(line);
  }

  follow(follower: (line: string) => void, until: AbortSignal): void {
    this.#followers.add(follower);
    until.addEventListener('abort', () => this.#followers.delete(follower), {once: true});
  }
}

const KEPT = 500;
