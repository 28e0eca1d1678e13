import {join} from 'node:path';
import {printable} from '../../text/printable.ts';
import {parseRecord} from '../../text/record.ts';
import {CommandError, usageError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {connectDaemon, withDaemon} from '../find-daemon.ts';
import {runtimeDirectoryOfDaemon, stateDirectoryOf} from '../locate.ts';
import {AuditReader, problemsIn, type AuditLine} from '../logs/audit-reader.ts';
import {readKeptLog, type Wanted} from '../logs/kept-log.ts';
import {escapedJson, style} from '../terminal.ts';

interface LogsOptions extends Places {
  readonly follow: boolean;
  readonly audit: boolean;
  readonly json: boolean;
  readonly lines?: string | undefined;
  readonly since?: string | undefined;
}

export async function logs(options: LogsOptions, context: Context): Promise<ExitCode> {
  return options.audit ? showAudit(options, context) : showLog(options, context);
}

async function showLog(options: LogsOptions, context: Context): Promise<ExitCode> {
  const {follow, json, ...places} = options;
  const {terminal} = context;
  const wanted = wantedBy(options, context);
  const print = (line: string) => {
    if (json) terminal.write(`${escapedJson(line)}\n`);
    else terminal.print(describeLine(line));
  };
  const kept = await readKeptLog(wanted, places, context);
  let daemon;
  try {
    daemon = await connectDaemon(places, context);
  } catch (error) {
    if (follow || kept === undefined) throw error;
    for (const line of chosen(kept, wanted, timeIn)) print(line);
    return EXIT.ok;
  }
  try {
    daemon.onEvent((event) => {
      if (event.event === 'log') print(event.line);
    });
    const {lines} = await daemon.call('logs', {follow});
    for (const line of chosen(joined(kept ?? [], lines), wanted, timeIn)) print(line);
    if (follow) await waitForEnd(daemon, context);
    return EXIT.ok;
  } finally {
    daemon.close();
  }
}

/** The daemon remembers its last lines, and what was kept has those before them. */
function joined(kept: readonly string[], remembered: readonly string[]): readonly string[] {
  const [first] = remembered;
  const start = first === undefined ? '' : timeIn(first);
  return start === '' ? kept : [...kept.filter((line) => timeIn(line) < start), ...remembered];
}

/** ISO 8601, which has one length. */
function timeIn(line: string): string {
  const time = parseEntry(line)?.['time'];
  return typeof time === 'string' ? time : '';
}

/** Returns what the options ask for. @throws {CommandError} */
function wantedBy({lines, since}: Pick<LogsOptions, 'lines' | 'since'>, {now}: Context): Wanted {
  const most = lines === undefined ? Infinity : Number(lines);
  if (lines !== undefined && !/^\d+$/.test(lines)) throw usageError('--lines must be a number');
  const from = since === undefined ? -Infinity : momentFrom(since, now());
  if (Number.isNaN(from))
    throw usageError(
      '--since must be a time or a duration',
      'for example: --since 2h, --since 2026-11-21T08:00',
    );
  return {most, from};
}

/** Leaves out what is not wanted. A line without a time stays. */
function chosen<Line>(
  all: readonly Line[],
  {most, from}: Wanted,
  timeOf: (line: Line) => string,
): readonly Line[] {
  const recent = all.filter((line) => !(Date.parse(timeOf(line)) < from));
  return most === 0 ? [] : recent.slice(-most);
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
async function showAudit({follow, ...options}: LogsOptions, context: Context): Promise<ExitCode> {
  const {terminal, wait} = context;
  const wanted = wantedBy(options, context);
  const directory = stateDirectoryOf(runtimeDirectoryOfDaemon(options, context), options, context);
  // a daemon that does not run, hangs or is older has written what it can
  await withDaemon(options, context, (daemon) => daemon.call('flush', undefined)).catch(() => undefined);
  const reader = new AuditReader(directory);
  const first = await reader.read();
  if (first === undefined && !follow)
    throw new CommandError(EXIT.unhealthy, 'no credential was handed out yet', {
      hint: `use a credential first; it is then recorded in ${join(directory, 'audit.jsonl')}`,
    });
  const lines = chosen(first ?? [], wanted, ({time}) => time);
  writeAudit(lines, context);
  const problems = problemsIn(lines);
  for (const problem of problems) terminal.error(problem, `look into ${directory}`);
  if (!follow) return problems.length === 0 ? EXIT.ok : EXIT.unhealthy;
  while (terminal.hasReader()) {
    await wait(READ_INTERVAL);
    writeAudit((await reader.read()) ?? [], context);
  }
  return EXIT.ok;
}

/** Writes the lines that programs can read. */
function writeAudit(lines: readonly AuditLine[], {terminal}: Context): void {
  for (const {text, record} of lines) if (record !== undefined) terminal.write(`${escapedJson(text)}\n`);
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
