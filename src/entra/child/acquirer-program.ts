import {statSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

/** Where the acquirer lies: beside this, in a checkout as well as in the bundle, whose other files come and go with it. */
export function acquirerProgram(): string {
  const name = import.meta.url.endsWith('.ts') ? './acquirer.ts' : './acquirer.js';
  return fileURLToPath(new URL(name, import.meta.url));
}

/** A file of the program as it was when this was made: an update puts another one there, or takes it away for a while. */
export class ProgramOnDisk {
  readonly path: string;
  readonly #was: string | undefined;

  constructor(path: string) {
    this.path = path;
    this.#was = markOf(path);
  }

  /** Whether it is not the same any more; one that is missing is not. */
  get hasChanged(): boolean {
    return markOf(this.path) !== this.#was;
  }

  /** Whether another one is in its place. */
  get isReplaced(): boolean {
    const mark = markOf(this.path);
    return mark !== undefined && mark !== this.#was;
  }
}

/** A package manager makes a new file, others write into the old one. */
function markOf(path: string): string | undefined {
  const stats = statSync(path, {throwIfNoEntry: false, bigint: true});
  return stats && [stats.dev, stats.ino, stats.size, stats.mtimeNs].join(':');
}
