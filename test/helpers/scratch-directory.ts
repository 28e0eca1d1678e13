import {mkdtempSync, rmSync} from 'node:fs';
import type {ExecutionContext} from 'ava';

/** A new directory with a short path, as sockets need; it goes with the test. */
export function scratchDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync('/tmp/orgkey-test-');
  t.teardown(() => rmSync(directory, {recursive: true, force: true}));
  return directory;
}
