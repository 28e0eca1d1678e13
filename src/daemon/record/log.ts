import type {Secret} from '../../secret/secret.ts';
import {printable} from '../../text/printable.ts';

type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

type Details = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  /** `details` can be a function, so that they are made only for a line that is written. */
  (level: LogLevel, message: string, details?: Details | (() => Details)): void;
}

interface LogParts {
  /** The least important level that is written. */
  readonly level: LogLevel;
  /** journald reads a level before the line, a terminal gets short lines, programs get JSON. */
  readonly form: 'journal' | 'terminal' | 'json';
  readonly write: (line: string) => void;
  /** Gets each line as JSON, whatever the form. */
  readonly record: (line: string) => void;
  /** Milliseconds since epoch. */
  readonly now: () => number;
  /** The secrets in memory. They are replaced wherever they occur in a line. */
  readonly secrets: () => Iterable<Secret>;
}

/** Returns a function that writes lines of at least `level`. */
export function createLog({level, form, write, record, now, secrets}: LogParts): Log {
  const least = LOG_LEVELS.indexOf(level);
  return (of, message, details = {}) => {
    if (LOG_LEVELS.indexOf(of) > least) return;
    const made = typeof details === 'function' ? details() : details;
    const line = {level: of, message, details: made, now: now()};
    const json = redact(renderLine('json', line), secrets());
    record(json);
    write(form === 'json' ? json : redact(renderLine(form, line), secrets()));
  };
}

interface Line {
  readonly level: LogLevel;
  readonly message: string;
  readonly details: Details;
  /** Milliseconds since epoch. */
  readonly now: number;
}

function renderLine(form: LogParts['form'], {level, message, details, now}: Line): string {
  if (form === 'json')
    return JSON.stringify({
      time: new Date(now).toISOString(),
      level,
      message: printable(message, 2000),
      ...details,
    });
  // journald has no fields for us: the details are JSON behind the message, which `orgkey logs` reads again
  if (form === 'journal')
    return `<${PRIORITIES[level]}>${[printable(message, 2000), ...jsonOf(details)].join(' ')}`;
  const pairs = Object.entries(details).flatMap(([key, value]) =>
    value === undefined ? [] : `${key}=${value}`,
  );
  const text = printable([message, ...pairs].join(' '), 2000);
  return `\u001b[2m${new Date(now).toISOString().slice(11, 19)}\u001b[0m ${COLORS[level]}${level}\u001b[0m ${text}`;
}

/** Returns details as JSON. Without any, nothing. */
function jsonOf(details: Details): string[] {
  const json = JSON.stringify(details);
  return json === '{}' ? [] : [json];
}

/** The priorities of syslog. */
const PRIORITIES: Readonly<Record<LogLevel, number>> = {error: 3, warn: 4, info: 6, debug: 7};
const COLORS: Readonly<Record<LogLevel, string>> = {
  error: '\u001b[31m',
  warn: '\u001b[33m',
  info: '\u001b[36m',
  debug: '\u001b[2m',
};

/** Replaces secrets in a line. It compares bytes, so that no secret becomes a string. */
function redact(line: string, secrets: Iterable<Secret>): string {
  const bytes = Buffer.from(line);
  let found = false;
  for (const secret of secrets) {
    if (secret.erased || secret.length < SHORTEST) continue;
    found = secret.use((needle) => cover(needle, bytes)) || found;
  }
  return found ? bytes.toString() : line;
}

/** Overwrites each occurrence of `needle`. Returns whether there was one. */
function cover(needle: Buffer, bytes: Buffer): boolean {
  let found = false;
  for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at)) {
    bytes.fill('*', at, at + needle.length);
    found = true;
  }
  return found;
}

/** In bytes. Shorter secrets would be found in ordinary text. */
const SHORTEST = 8;
