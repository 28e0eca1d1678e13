import {closeSync, constants, fstatSync, openSync, readSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {printable} from '../text/printable.ts';
import {daemonLog} from './daemon-log.ts';
import {otherServes} from './service-result.ts';

/** What a daemon reported when it could not start. Texts are safe to print. */
interface FailedStart {
  readonly message: string;
  readonly hint: string | undefined;
}

/** Returns the last error in the output of a daemon, and the hint below it. */
export function reportedFailure(output: string): FailedStart | undefined {
  const lines = output.trim().split('\n');
  const at = lines.findLastIndex((line) => line.startsWith(ERROR));
  if (at === -1) return undefined;
  const hint = lines[at + 1];
  return {
    message: printable(lines[at]?.slice(ERROR.length) ?? '', 1000),
    hint: hint?.startsWith(HINT) ? printable(hint.slice(HINT.length), 1000) : undefined,
  };
}

/** Returns why the last start of a daemon without a supervisor failed. `undefined`: it did not fail. */
export function lastFailedStart(stateDirectory: string, runtimeDirectory: string): FailedStart | undefined {
  try {
    const {text, written} = endOf(daemonLog(stateDirectory));
    // only a start that succeeded writes the process id
    const started = statSync(processRecord(runtimeDirectory), {throwIfNoEntry: false});
    if (started !== undefined && started.mtimeMs > written) return undefined;
    const lines = text.trim().split('\n').slice(-2);
    const [before = '', last = ''] = lines.length === 1 ? ['', ...lines] : lines;
    // a daemon that failed says nothing after this
    if (!last.startsWith(ERROR) && !(before.startsWith(ERROR) && last.startsWith(HINT))) return undefined;
    const failure = reportedFailure(lines.join('\n'));
    return failure?.message.startsWith(otherServes('')) ? undefined : failure;
  } catch {
    return undefined;
  }
}

/**
 * Returns the path of the file with the process of the last plain daemon that started. It lies beside the socket,
 * because another sandbox with the same home has other sockets and other process numbers.
 */
export function processRecord(runtimeDirectory: string): string {
  return join(runtimeDirectory, 'control', 'service');
}

function endOf(path: string): {readonly text: string; readonly written: number} {
  const log = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const {size, mtimeMs} = fstatSync(log);
    const buffer = Buffer.alloc(Math.min(size, 4096));
    const length = readSync(log, buffer, 0, buffer.length, size - buffer.length);
    return {text: buffer.toString('utf8', 0, length), written: mtimeMs};
  } finally {
    closeSync(log);
  }
}

const ERROR = 'orgkey: error: ';
const HINT = 'orgkey: hint: ';
