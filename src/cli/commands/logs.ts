import {open, readFile, readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {printable} from '../../text/printable.ts';
import {auditFilesAmong} from '../../daemon/record/audit-trail.ts';
import {parseRecord} from '../../text/record.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {connectDaemon} from '../find-daemon.ts';
import {runtimeDirectoryOfDaemon, stateDirectoryOf} from '../locate.ts';
import {daemonLog} from '../../service/daemon-log.ts';
import {usageError} from '../line/usage-error.ts';
import {style} from '../terminal.ts';

interface LogsOptions extends Places {
  readonly follow: boolean;
  readonly audit: boolean;
  readonly json: boolean;
  readonly lines?: string | undefined;
  readonly since?: string | undefined;
}

/** Runs `orgkey logs`. */
export async function logs(options: LogsOptions, context: Context): Promise<ExitCode> {
  return options.audit ? showAudit(options, context) : showLog(options, context);
}

async function showLog(options: LogsOptions, context: Context): Promise<ExitCode> {
  const {follow, json, ...places} = options;
  const {terminal} = context;
  const chosen = chooser(options, context);
  const print = (line: string) => {
    if (json) terminal.write(`${line}\n`);
    else terminal.print(describeLine(line));
  };
  let daemon;
  try {
    daemon = await connectDaemon(places, context);
  } catch (error) {
    const kept = follow ? undefined : await readKeptLog(places, context);
    if (kept === undefined) throw error;
    for (const line of chosen(kept)) print(line);
    return EXIT.ok;
  }
  try {
    daemon.onEvent((event) => {
      if (event.event === 'log') print(event.line);
    });
    const {lines} = await daemon.call('logs', {follow});
    for (const line of chosen(lines)) print(line);
    if (follow) await waitForEnd(daemon, context);
    return EXIT.ok;
  } finally {
    daemon.close();
  }
}

/** Returns the lines of the file that a daemon without a supervisor logs to. `undefined`: it does not exist. */
async function readKeptLog(places: Places, context: Context): Promise<readonly string[] | undefined> {
  const directory = stateDirectoryOf(runtimeDirectoryOfDaemon(places, context), places, context);
  const text = await readFile(daemonLog(directory), 'utf8').catch(() => undefined);
  return text?.split('\n').filter((line) => line !== '');
}

/** Returns a function that leaves out the lines that the options exclude. @throws {CommandError} */
function chooser(
  {lines, since}: Pick<LogsOptions, 'lines' | 'since'>,
  {now}: Context,
): (all: readonly string[]) => readonly string[] {
  const most = lines === undefined ? Infinity : Number(lines);
  if (lines !== undefined && !/^\d+$/.test(lines)) throw usageError('--lines must be a number');
  const from = since === undefined ? -Infinity : momentFrom(since, now());
  if (Number.isNaN(from))
    throw usageError(
      '--since must be a time or a duration',
      'for example: --since 2h, --since 2026-11-21T08:00',
    );
  return (all) => {
    const recent = all.filter((line) => !(Date.parse(String(parseEntry(line)?.['time'])) < from));
    return most === 0 ? [] : recent.slice(-most);
  };
}

function momentFrom(since: string, now: number): number {
  const duration = /^(\d+)([smhd])$/.exec(since);
  if (duration === null) return Date.parse(since);
  const unit = {s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000}[duration[2] ?? ''] ?? Number.NaN;
  return now - Number(duration[1]) * unit;
}

/** Returns when the reader hangs up, and fails when the daemon ends: a closed connection is noticed only by asking. */
async function waitForEnd(
  daemon: Awaited<ReturnType<typeof connectDaemon>>,
  {wait, terminal}: Context,
): Promise<void> {
  while (terminal.hasReader()) {
    await wait(ASK_INTERVAL);
    await daemon.call('logs', {follow: false});
  }
}

/** The audit trail is in files, which exist without the daemon. */
async function showAudit({follow, ...places}: LogsOptions, context: Context): Promise<ExitCode> {
  const directory = stateDirectoryOf(runtimeDirectoryOfDaemon(places, context), places, context);
  const reader = new AuditReader(directory);
  const first = await reader.read();
  if (first === undefined && !follow)
    throw new CommandError(EXIT.unhealthy, 'no credential was handed out yet', {
      hint: `use a credential first; it is then recorded in ${join(directory, 'audit.jsonl')}`,
    });
  context.terminal.write(first ?? '');
  if (!follow) return EXIT.ok;
  while (context.terminal.hasReader()) {
    await context.wait(READ_INTERVAL);
    context.terminal.write((await reader.read()) ?? '');
  }
  return EXIT.ok;
}

/** Reads the new lines of all files of the audit trail, in order of time. */
class AuditReader {
  readonly #directory: string;
  readonly #tails = new Map<string, Tail>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Returns the new lines. `undefined`: no file exists yet. */
  async read(): Promise<string | undefined> {
    const names = auditFilesAmong(await readdir(this.#directory).catch(emptyUnlessClosed));
    for (const name of names)
      if (!this.#tails.has(name)) this.#tails.set(name, new Tail(join(this.#directory, name)));
    if (this.#tails.size === 0) return undefined;
    const texts = await Promise.all(Array.from(this.#tails.values(), (tail) => tail.read()));
    const lines = texts.flatMap((text) => text?.match(/.*\n/g) ?? []);
    return lines.toSorted((a, b) => timeIn(a).localeCompare(timeIn(b))).join('');
  }
}

/** A missing directory counts as empty. @throws {CommandError} if we may not read it. */
function emptyUnlessClosed(error: NodeJS.ErrnoException): string[] {
  if (error.code !== 'EACCES') return [];
  throw new CommandError(EXIT.unhealthy, 'you may not read the audit trail of this daemon', {
    hint: 'run it as root: sudo orgkey logs --audit',
  });
}

/** Returns the time of a line of the audit trail, which has one length. */
function timeIn(line: string): string {
  return /"time":"([^"]+)"/.exec(line)?.[1] ?? '';
}

/** Reads whole new lines of a file that grows, and that is replaced by an empty one when it is full. */
class Tail {
  readonly #path: string;
  #inode: number | undefined;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Returns the new lines. `undefined`: the file does not exist. */
  async read(): Promise<string | undefined> {
    const file = await open(this.#path, 'r').catch(() => undefined);
    if (file === undefined) return undefined;
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

/** Returns time, level and message of a line. The daemon logs JSON unless it has a terminal. */
function describeLine(line: string): string {
  const entry = parseEntry(line);
  if (entry === undefined) return printable(line, 4000);
  const {time, level, message, ...rest} = entry;
  const more = Object.entries(rest).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  const color = level === 'error' ? 'red' : level === 'warn' ? 'yellow' : 'dim';
  const text = printable(`${String(message)}${more.join('')}`, 4000);
  return `${String(time).slice(11, 19)} ${style(color, printable(String(level), 20).padEnd(7))} ${text}`;
}

function parseEntry(line: string): Readonly<Record<string, unknown>> | undefined {
  const entry = parseRecord(line);
  return entry !== undefined && 'message' in entry ? entry : undefined;
}

/** In milliseconds. */
const ASK_INTERVAL = 2000;
const READ_INTERVAL = 500;

/** In bytes; more than the default size of an audit file. */
const MOST_AT_ONCE = 64 * 1024 * 1024;
const LINE_FEED = 10;
