import {appendFile, rename, rm, stat, truncate} from 'node:fs/promises';
import type {AuditSettings} from '../../config/configuration.ts';
import {codeOf} from '../../text/orgkey-error.ts';

/** What one client received, or why it received nothing. Never a secret. */
export interface AuditEntry {
  /** ISO 8601. */
  readonly time: string;
  readonly event: 'get' | 'store' | 'erase' | 'grant' | 'token' | 'carry';
  readonly outcome: string;
  readonly socket: string;
  /** Of the process that asked, if the system says so. */
  readonly uid?: number | undefined;
  readonly pid?: number | undefined;
  readonly host?: string | undefined;
  readonly organization?: string | undefined;
  readonly path?: string | undefined;
  readonly identity?: string | undefined;
  readonly kind?: string | undefined;
  readonly source?: string | undefined;
  /** A keyed hash of the token. */
  readonly fingerprint?: string | undefined;
  /** ISO 8601. */
  readonly expires?: string | undefined;
  /** What a gateway carried. */
  readonly operation?: string | undefined;
  /** The refs of a push through a gateway. */
  readonly refs?: readonly string[] | undefined;
  /** In bytes, to and from Azure DevOps. */
  readonly sent?: number | undefined;
  readonly received?: number | undefined;
  readonly reason?: string | undefined;
  /** In milliseconds. */
  readonly duration?: number | undefined;
  /** How many more entries like this one there were in the minute before it. */
  readonly times?: number | undefined;
}

/** The `schemaVersion` of the lines. */
export const AUDIT_VERSION = 1;

/** How long lines are collected for one write, in milliseconds. */
const EVERY = 200;

/** How many lines can wait. More are counted and dropped. */
const MOST = 20_000;

/** Writes JSON lines to a file, in batches in the background, and rotates it by size. */
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

  /** How many lines were lost, to a full disk or because there were too many at once. */
  get dropped(): number {
    return this.#dropped;
  }

  write(entry: AuditEntry): void {
    if (this.#waiting.length >= MOST) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(`${JSON.stringify({schemaVersion: AUDIT_VERSION, ...entry})}\n`);
    // a write under way takes them too
    if (this.#writing === undefined) this.#schedule();
  }

  /** Resolves when every waiting line is written or counted as dropped. */
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
      // a disk that became full may have taken half a line, which would spoil the next one
      if (before !== undefined) await truncate(this.#path, before).catch(() => undefined);
      this.#dropped += lines.length;
      // reported once, not for every batch until the disk is repaired
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

/** Returns the size of a file in bytes, 0 if it does not exist. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0;
    throw error;
  }
}
