import {readFileSync} from 'node:fs';
import {writeFile} from 'node:fs/promises';

/** How many are remembered. */
const KEPT = 16;

/**
 * Which configurations were found valid before, so that a start with one of them need not load what checks them. It
 * is a matter of speed alone: whatever the file says, wrong values are still refused where they are used.
 */
export class ValidConfigurations {
  readonly #path: string;
  #known: readonly string[] | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  get known(): ReadonlySet<string> {
    this.#known ??= read(this.#path);
    return new Set(this.#known);
  }

  /** A file that can't be written costs the next start some milliseconds. */
  async remember(validity: string): Promise<void> {
    if (this.known.has(validity)) return;
    this.#known = [validity, ...(this.#known ?? [])].slice(0, KEPT);
    await writeFile(this.#path, `${this.#known.join('\n')}\n`, {mode: 0o600}).catch(() => undefined);
  }
}

function read(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n').filter(Boolean).slice(0, KEPT);
  } catch {
    return [];
  }
}
