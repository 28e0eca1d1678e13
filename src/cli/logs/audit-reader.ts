import {constants} from 'node:fs';
import {open, readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {auditFilesAmong} from '../../daemon/record/audit-trail.ts';
import {parseRecord, type JsonRecord} from '../../text/record.ts';
import {CommandError} from '../command-error.ts';
import {EXIT} from '../exit-code.ts';
import {countOf} from '../../text/count-of.ts';

export interface AuditLine {
  /** Without the line feed. */
  readonly text: string;
  /** ISO 8601, which has one length. */
  readonly time: string;
  /** `undefined`: the line cannot be read. */
  readonly record: JsonRecord | undefined;
  /** The name of the file that is being written when this line's file is full. */
  readonly trail: string;
}

/** Reads the new lines of all files of the audit trail, in order of time. */
export class AuditReader {
  readonly #directory: string;
  readonly #tails = new Map<string, Tail>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Returns the new lines; at first, those of older files too. `undefined`: no file exists yet. @throws {CommandError} */
  async read(): Promise<readonly AuditLine[] | undefined> {
    const names = auditFilesAmong(await readdir(this.#directory).catch(emptyUnlessClosed));
    const isFirst = this.#tails.size === 0;
    for (const name of names)
      if (!this.#tails.has(name) && (isFirst || name.endsWith('.jsonl')))
        this.#tails.set(name, new Tail(join(this.#directory, name)));
    if (this.#tails.size === 0) return undefined;
    const lines: AuditLine[] = [];
    for (const [name, tail] of this.#tails) {
      for (const text of (await tail.read()).split('\n')) if (text !== '') lines.push(lineOf(text, name));
      // an older file does not grow, and its name passes to the next one
      if (!name.endsWith('.jsonl')) this.#tails.set(name, new Tail(undefined));
    }
    return lines.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  }
}

function lineOf(text: string, name: string): AuditLine {
  const record = parseRecord(text);
  const time = record?.['time'];
  return {text, record, time: typeof time === 'string' ? time : '', trail: name.replace(/\.\d+$/, '')};
}

/** Returns what is missing, in half sentences: lines that cannot be read, and numbers that do not occur. */
export function problemsIn(lines: readonly AuditLine[]): string[] {
  const unreadable = lines.filter(({record}) => record === undefined).length;
  const runs = Map.groupBy(
    lines.filter(({record}) => typeof record?.['seq'] === 'number'),
    ({record, trail}) => `${trail} ${String(record?.['boot'])}`,
  );
  let missing = 0;
  for (const run of runs.values()) {
    const numbers = new Set(run.map(({record}) => Number(record?.['seq'])));
    const sorted = [...numbers].toSorted((a, b) => a - b);
    const [first = 0, last = first] = [sorted[0], sorted.at(-1)];
    missing += last - first + 1 - numbers.size;
  }
  return [
    ...(missing > 0
      ? [`${countOf(missing, 'line')} of the audit trail ${missing === 1 ? 'was' : 'were'} lost`]
      : []),
    ...(unreadable > 0 ? [`${countOf(unreadable, 'line')} of the audit trail cannot be read`] : []),
  ];
}

/** A missing directory counts as empty. @throws {CommandError} if we may not read it. */
function emptyUnlessClosed(error: NodeJS.ErrnoException): string[] {
  if (error.code !== 'EACCES') return [];
  throw new CommandError(EXIT.unhealthy, 'you may not read the audit trail of this daemon', {
    hint: 'run it as root: sudo orgkey logs --audit',
  });
}

/** Reads whole new lines of a file that grows, and that is replaced by an empty one when it is full. */
class Tail {
  readonly #path: string | undefined;
  #inode: number | undefined;
  #offset = 0;

  /** `undefined`: a file without lines. */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  async read(): Promise<string> {
    const file =
      this.#path === undefined
        ? undefined
        : await open(this.#path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
    if (file === undefined) return '';
    try {
      const {ino, size} = await file.stat();
      if (ino !== this.#inode || size < this.#offset) this.#offset = 0;
      this.#inode = ino;
      const bytes = Buffer.alloc(Math.min(size - this.#offset, MOST_AT_ONCE));
      const {bytesRead} = await file.read(bytes, 0, bytes.length, this.#offset);
      const whole = bytes.subarray(0, bytes.subarray(0, bytesRead).lastIndexOf(LINE_FEED) + 1);
      this.#offset += whole.length;
      return whole.toString('utf8');
    } finally {
      await file.close();
    }
  }
}

/** In bytes; more than the default size of an audit file. */
const MOST_AT_ONCE = 64 * 1024 * 1024;
const LINE_FEED = 10;
