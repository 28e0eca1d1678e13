import {constants, type Stats} from 'node:fs';
import {open, rename, rm, stat, type FileHandle} from 'node:fs/promises';
import type {AuditSettings} from '../../config/configuration.ts';
import {codeOf} from '../../text/orgkey-error.ts';
import {parseRecord} from '../../text/record.ts';

const DAY = 86_400_000;

/** Fails at a FIFO without a reader, instead of waiting. */
const APPENDING = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

/** A file of lines that stays open, and is rotated by size and by age. */
export class AuditFile {
  readonly #path: string;
  readonly #settings: () => AuditSettings;
  #file: FileHandle | undefined;
  /** Of the open file, as it was when it was opened. */
  #identity: Stats | undefined;
  /** The time of its first line, in milliseconds since epoch. */
  #begun = 0;

  constructor(path: string, settings: () => AuditSettings) {
    this.#path = path;
    this.#settings = settings;
  }

  /** Appends whole lines. @throws {Error} the system's; no part of them is in the file then. */
  async append(bytes: Buffer): Promise<void> {
    let before: number | undefined;
    try {
      before = await this.#open(bytes.length);
      await this.#file?.appendFile(bytes);
    } catch (error) {
      // a disk that became full may have taken half a line, which would spoil the next one
      if (before !== undefined) await this.#file?.truncate(before).catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#identity = undefined;
    await file?.close().catch(() => undefined);
  }

  /**
   * Removes files whose last line is older than the retention. Returns the time of the oldest line, in milliseconds
   * since epoch, if the sizes leave no room for lines as old as the retention.
   */
  async applyRetention(): Promise<number | undefined> {
    const {days, files} = this.#settings();
    if (days === undefined) return undefined;
    const keptSince = Date.now() - days * DAY;
    const predecessors = Array.from({length: files - 1}, (_, at) => `${this.#path}.${files - 1 - at}`);
    for (const path of predecessors) {
      const facts = await factsOf(path);
      if (facts !== undefined && facts.mtimeMs < keptSince) await rm(path, {force: true});
    }
    const [last = this.#path] = predecessors;
    if ((await factsOf(last)) === undefined) return undefined;
    const oldest = await beginningOf(last);
    return oldest !== undefined && oldest > keptSince ? oldest : undefined;
  }

  /** Opens the file at the path, rotated if `more` bytes do not fit. Returns its size. Another program may have moved it. */
  async #open(more: number): Promise<number> {
    const {maxSize, files} = this.#settings();
    const found = await factsOf(this.#path);
    if (found === undefined) return this.#begin();
    const isHeld = isSame(found, this.#identity);
    if (!isHeld) this.#begun = (await beginningOf(this.#path)) ?? Date.now();
    if (found.size > 0 && (found.size + more > maxSize || this.#isOld(Date.now()))) {
      await rotate(this.#path, files);
      return this.#begin();
    }
    return isHeld ? found.size : this.#reopen();
  }

  async #begin(): Promise<number> {
    this.#begun = Date.now();
    return this.#reopen();
  }

  async #reopen(): Promise<number> {
    await this.close();
    this.#file = await open(this.#path, APPENDING, 0o600);
    this.#identity = await this.#file.stat();
    return this.#identity.size;
  }

  /** Whether the file covers its part of the retention: lines are removed a file at a time. */
  #isOld(now: number): boolean {
    const {days, files} = this.#settings();
    return days !== undefined && now - this.#begun >= (days * DAY) / Math.max(1, files - 1);
  }
}

/** Moves a file and its predecessors on by one, so that its path is free. At most `files` are left with the next one. */
async function rotate(path: string, files: number): Promise<void> {
  await rm(`${path}.${files - 1}`, {force: true});
  for (let at = files - 2; at >= 0; at--) {
    const from = at === 0 ? path : `${path}.${at}`;
    await rename(from, `${path}.${at + 1}`).catch(() => undefined);
  }
  if (files === 1) await rm(path, {force: true});
}

function isSame(one: Stats, other: Stats | undefined): boolean {
  return one.ino === other?.ino && one.dev === other.dev;
}

/** Returns what is known of a file. `undefined`: it does not exist. */
async function factsOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Returns the time in the first line, in milliseconds since epoch. */
async function beginningOf(path: string): Promise<number | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const {buffer, bytesRead} = await file.read(Buffer.alloc(LONGEST_LINE), 0, LONGEST_LINE, 0);
    const [line = ''] = buffer.toString('utf8', 0, bytesRead).split('\n');
    const time = Date.parse(String(parseRecord(line)?.['time']));
    return Number.isFinite(time) ? time : undefined;
  } finally {
    await file.close();
  }
}

/** In bytes. */
const LONGEST_LINE = 64 * 1024;
