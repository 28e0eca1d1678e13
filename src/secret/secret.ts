/**
 * Bytes that cannot be printed by accident: template strings, JSON, the console and `inspect` all show
 * `[redacted]`. They live in one buffer of their own, which `erase` overwrites.
 */
export class Secret {
  readonly #bytes: Uint8Array;
  #erased = false;

  /** Takes ownership of the bytes: the caller must not keep them. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  static fromText(text: string): Secret {
    return new Secret(new TextEncoder().encode(text));
  }

  /** In bytes. */
  get length(): number {
    return this.#bytes.length;
  }

  get erased(): boolean {
    return this.#erased;
  }

  /**
   * Calls `act` with a copy of the bytes, and overwrites the copy when `act` has returned, thrown or settled. With
   * `copyTo` and `revealText` the only ways out: their callers are every place where a secret travels.
   * @throws {Error} if the secret was erased.
   */
  use<T>(act: (bytes: Buffer) => T): T {
    const bytes = Buffer.alloc(this.#bytes.length);
    this.copyTo(bytes, 0);
    let result: T;
    try {
      result = act(bytes);
    } catch (error) {
      bytes.fill(0);
      throw error;
    }
    if (result instanceof Promise) {
      const overwrite = () => bytes.fill(0);
      result.then(overwrite, overwrite);
    } else {
      bytes.fill(0);
    }
    return result;
  }

  /** Returns a second secret with the same bytes, which is erased independently. */
  copy(): Secret {
    const bytes = new Uint8Array(this.#bytes.length);
    this.copyTo(bytes, 0);
    return new Secret(bytes);
  }

  /** @throws {Error} if the secret was erased. */
  copyTo(target: Uint8Array, offset: number): void {
    this.#mustLive();
    target.set(this.#bytes, offset);
  }

  /** For libraries that need a string, which stays in memory until it is collected. */
  revealText(): string {
    this.#mustLive();
    return new TextDecoder().decode(this.#bytes);
  }

  /** Compares in constant time. */
  equals(other: Uint8Array | Secret): boolean {
    const others = other instanceof Secret ? other.#bytes : other;
    if (this.#erased || others.length !== this.#bytes.length) return false;
    let difference = 0;
    for (const [at, byte] of this.#bytes.entries()) difference |= byte ^ (others[at] ?? 0);
    return difference === 0;
  }

  erase(): void {
    this.#bytes.fill(0);
    this.#erased = true;
  }

  #mustLive(): void {
    if (this.#erased) throw new Error('an erased secret is not read');
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return redacted;
  }
}

const redacted = '[redacted]';
