import type {Secret} from '../../secret/secret.ts';
import {printable} from '../../text/printable.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

type Details = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  /** `details`: as a function where they are not to be made for nothing. */
  (level: LogLevel, message: string, details?: Details | (() => Details)): void;
}

export interface LogParts {
  /** The least important level that is written. */
  readonly level: LogLevel;
  /** journald wants a level before the line, people want it short, programs want JSON. */
  readonly form: 'journal' | 'terminal' | 'json';
  readonly write: (line: string) => void;
  /** Milliseconds since epoch. */
  readonly now: () => number;
  /** The secrets that are alive: replaced wherever they occur, however they came into a message. */
  readonly secrets: () => Iterable<Secret>;
}

export function createLog({level, form, write, now, secrets}: LogParts): Log {
  const least = LOG_LEVELS.indexOf(level);
  return (of, message, details = {}) => {
    if (LOG_LEVELS.indexOf(of) > least) return;
    const made = typeof details === 'function' ? details() : details;
    write(redact(renderLine(form, of, message, made, now()), secrets()));
  };
}

function renderLine(
  form: LogParts['form'],
  level: LogLevel,
  message: string,
  details: Details,
  now: number,
): string {
  if (form === 'json')
    return JSON.stringify({
      time: new Date(now).toISOString(),
      level,
      message: printable(message, 2000),
      ...details,
    });
  const pairs = Object.entries(details).flatMap(([key, value]) =>
    value === undefined ? [] : `${key}=${value}`,
  );
  const text = printable([message, ...pairs].join(' '), 2000);
  if (form === 'journal') return `<${PRIORITIES[level]}>${text}`;
  return `\u001b[2m${new Date(now).toISOString().slice(11, 19)}\u001b[0m ${COLORS[level]}${level}\u001b[0m ${text}`;
}

/** As syslog counts them. */
const PRIORITIES: Readonly<Record<LogLevel, number>> = {error: 3, warn: 4, info: 6, debug: 7};
const COLORS: Readonly<Record<LogLevel, string>> = {
  error: '\u001b[31m',
  warn: '\u001b[33m',
  info: '\u001b[36m',
  debug: '\u001b[2m',
};

/** Compares bytes, so that no secret becomes a string for it. */
function redact(line: string, secrets: Iterable<Secret>): string {
  const bytes = Buffer.from(line);
  let found = false;
  for (const secret of secrets) {
    if (secret.erased || secret.length < SHORTEST) continue;
    const needle = Buffer.alloc(secret.length);
    secret.copyTo(needle, 0);
    for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at)) {
      bytes.fill('*', at, at + needle.length);
      found = true;
    }
    needle.fill(0);
  }
  return found ? bytes.toString() : line;
}

/** In bytes: what is shorter is found in innocent text. */
const SHORTEST = 8;
