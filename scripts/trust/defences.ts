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

/** A situation that the daemon must survive. */
interface Ordeal {
  readonly what: string;
  readonly holds: string;
  /** Tests and scripts. */
  readonly shownBy: readonly string[];
  /** Promises whose break is noticed. */
  readonly promises: readonly string[];
}

export function readOrdeals(): readonly Ordeal[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'ordeals.json'), 'utf8'));
}

export function readDefences(): readonly Defence[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'defences.json'), 'utf8'));
}
