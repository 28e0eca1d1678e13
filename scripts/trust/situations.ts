import {readFileSync} from 'node:fs';
import {join} from 'node:path';

/** What must not break us, and what shows it. */
interface Situation {
  readonly situation: string;
  /** Test files and bounded scripts. */
  readonly tests: readonly string[];
  /** Promises of defences.json, whose breaks one of the tests notices. */
  readonly defences: readonly string[];
}

export function readSituations(): readonly Situation[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'situations.json'), 'utf8'));
}
