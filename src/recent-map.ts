/**
 * A map of a bounded size. When it is full, the entry that was used the longest ago makes room. It takes memory only
 * for what it holds.
 */
export class RecentMap<Value> {
  /** The entry that was used last is the last one: a map keeps the order of insertion. */
  readonly #entries = new Map<string, Value>();
  readonly #most: number;
  readonly #release: (value: Value, why: 'evicted' | 'removed') => void;

  /** `release` is called for each value that is no longer in the map. */
  constructor(most: number, release: (value: Value, why: 'evicted' | 'removed') => void = () => undefined) {
    this.#most = most;
    this.#release = release;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Counts as a use. */
  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Does not count as a use. */
  peek(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  set(key: string, value: Value): void {
    const previous = this.#entries.get(key);
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (previous !== undefined && previous !== value) this.#release(previous, 'removed');
    if (this.#entries.size > this.#most) this.#evict();
  }

  delete(key: string): boolean {
    const value = this.#entries.get(key);
    const isThere = this.#entries.delete(key);
    if (value !== undefined) this.#release(value, 'removed');
    return isThere;
  }

  clear(): void {
    const values = [...this.#entries.values()];
    this.#entries.clear();
    for (const value of values) this.#release(value, 'removed');
  }

  /** Returns all entries, the one that was used last first. They may be deleted meanwhile. */
  entries(): readonly (readonly [string, Value])[] {
    return Array.from(this.#entries).toReversed();
  }

  values(): readonly Value[] {
    return Array.from(this.#entries.values()).toReversed();
  }

  keys(): readonly string[] {
    return [...this.#entries.keys()];
  }

  #evict(): void {
    for (const [key, value] of this.#entries) {
      this.#entries.delete(key);
      this.#release(value, 'evicted');
      return;
    }
  }
}
