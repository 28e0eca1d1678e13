import {appendFile, rename, rm, stat, truncate} from 'node:fs/promises';
import type {AuditSettings} from '../../config/configuration.ts';

/** One hand-out, or its refusal; never a secret. */
export interface AuditEntry {
  /** ISO 8601. */
  readonly time: string;
  readonly event: 'get' | 'store' | 'erase' | 'grant' | 'token';
  readonly outcome: string;
  readonly socket: string;
  readonly host?: string | undefined;
  readonly organization?: string | undefined;
  readonly path?: string | undefined;
  readonly identity?: string | undefined;
  readonly kind?: string | undefined;
  readonly source?: string | undefined;
  /** Of the token: a keyed hash. */
  readonly fingerprint?: string | undefined;
  /** ISO 8601. */
  readonly expires?: string | undefined;
  readonly reason?: string | undefined;
  /** In milliseconds. */
  readonly duration?: number | undefined;
  /** So many more refusals like this one there were, in the minute up to it. */
  readonly times?: number | undefined;
}

/** In milliseconds. */
const EVERY = 200;

/** Lines that wait at most; what comes on top of them is counted and dropped. */
const MOST = 20_000;

/** JSON lines in a file, written in batches behind the requests, rotated by size. */
export class Audit {
  readonly #path: string;
  readonly #settings: () => AuditSettings;
  readonly #failed: (error: unknown) => void;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dropped = 0;
  #isFailing = false;

  constructor(
    path: string,
    {settings, failed}: {settings: () => AuditSettings; failed: (error: unknown) => void},
  ) {
    this.#path = path;
    this.#settings = settings;
    this.#failed = failed;
  }

  /** Lines that a full disk, or too many at once, cost. */
  get dropped(): number {
    return this.#dropped;
  }

  write(entry: AuditEntry): void {
    if (this.#waiting.length >= MOST) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(`${JSON.stringify({schemaVersion: 1, ...entry})}\n`);
    // what is being written takes along what comes meanwhile
    if (this.#writing === undefined) this.#schedule();
  }

  /** Resolves when everything that waits is written or counted as dropped. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length > 0) this.#schedule();
    });
    return this.#writing;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.flush(), EVERY);
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      await this.#append(lines);
    }
  }

  async #append(lines: readonly string[]): Promise<void> {
    const text = lines.join('');
    let before: number | undefined;
    try {
      await this.#rotateBefore(Buffer.byteLength(text));
      before = await sizeOf(this.#path);
      await appendFile(this.#path, text, {mode: 0o600});
      this.#isFailing = false;
    } catch (error) {
      // a disk that became full took a part of it: half a line would spoil the next one
      if (before !== undefined) await truncate(this.#path, before).catch(() => undefined);
      this.#dropped += lines.length;
      // said once, not for every batch until somebody has mended it
      if (!this.#isFailing) this.#failed(error);
      this.#isFailing = true;
    }
  }

  async #rotateBefore(more: number): Promise<void> {
    const {maxSize, files} = this.#settings();
    const size = await sizeOf(this.#path);
    if (size === 0 || size + more <= maxSize) return;
    await rm(`${this.#path}.${files - 1}`, {force: true});
    for (let at = files - 2; at >= 0; at--) {
      const from = at === 0 ? this.#path : `${this.#path}.${at}`;
      await rename(from, `${this.#path}.${at + 1}`).catch(() => undefined);
    }
    if (files === 1) await rm(this.#path, {force: true});
  }
}

/** In bytes; 0 where there is none. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
}
