import {readFileSync} from 'node:fs';
import {join} from 'node:path';

/** What protects a promise, and the change that takes it away. */
export interface Defence {
  readonly promise: string;
  /** Who would gain from the break. */
  readonly against: string;
  readonly file: string;
  /** What occurs once in the file, and what it becomes. */
  readonly from: string;
  readonly to: string;
  /** The test file that notices, and a pattern for its titles. */
  readonly test: string;
  readonly match: string;
}

export function readDefences(): readonly Defence[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'defences.json'), 'utf8'));
}
