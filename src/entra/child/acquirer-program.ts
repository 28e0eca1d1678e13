import {statSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

/** Returns the acquirer's file, which is next to this one in a checkout and in the bundle. */
export function acquirerProgram(): string {
  const name = import.meta.url.endsWith('.ts') ? './acquirer.ts' : './acquirer.js';
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Notices that an update replaced a file of the program, or removed it for a while. */
export class ProgramOnDisk {
  readonly path: string;
  readonly #was: string | undefined;

  constructor(path: string) {
    this.path = path;
    this.#was = markOf(path);
  }

  /** Whether it is missing or another file. */
  get hasChanged(): boolean {
    return markOf(this.path) !== this.#was;
  }

  /** Whether another file is in its place. */
  get isReplaced(): boolean {
    const mark = markOf(this.path);
    return mark !== undefined && mark !== this.#was;
  }
}

/** A package manager makes a new file, other tools write into the old one. */
function markOf(path: string): string | undefined {
  const stats = statSync(path, {throwIfNoEntry: false, bigint: true});
  return stats && [stats.dev, stats.ino, stats.size, stats.mtimeNs].join(':');
}
