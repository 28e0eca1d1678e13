// Loaded into each process that runs a test file. ava's TAP does not name a file that hangs or fails outside a test, so
// each file records its start, its faults and its end in the file that ORGKEY_TEST_RECORD names, one JSON line each.
import {appendFileSync} from 'node:fs';
import {relative, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {inspect} from 'node:util';
import test from 'ava';

export interface TestFileRecord {
  readonly event: 'start' | 'fault' | 'end';
  readonly file: string;
  /** In milliseconds since the process started. */
  readonly time: number;
  readonly message?: string;
}

const record = process.env['ORGKEY_TEST_RECORD'];

if (record !== undefined) {
  const path = resolve(record);
  const file = relative(resolve(import.meta.dirname, '..'), fileURLToPath(test.meta.file));
  const write = (event: TestFileRecord['event'], message?: string): void => {
    const line = {event, file, time: Math.round(performance.now()), ...(message !== undefined && {message})};
    appendFileSync(path, `${JSON.stringify(line)}\n`);
  };
  write('start');
  process.on('uncaughtExceptionMonitor', (error) => write('fault', inspect(error)));
  // As ava does: a rejection that is handled late is not a fault
  const unhandled = new Map<Promise<unknown>, unknown>();
  process.on('unhandledRejection', (reason, promise) => unhandled.set(promise, reason));
  process.on('rejectionHandled', (promise) => unhandled.delete(promise));
  process.on('exit', () => {
    for (const reason of unhandled.values()) write('fault', inspect(reason));
    write('end');
  });
  const exit = process.exit.bind(process);
  process.exit = (code) => {
    write('fault', new Error(`process.exit(${code ?? ''}) was called`).stack);
    return exit(code);
  };
}
