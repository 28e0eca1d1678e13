import {constants} from 'node:fs';
import {open, stat} from 'node:fs/promises';
import {dirname, isAbsolute, join, resolve} from 'node:path';

import type {StartTimer} from './single-use-socket.ts';

export type SubmodulesFound = 'some' | 'none' | 'unknown';

/** Looks at one directory after the other: what clients name may hang, and must not take all of our threads. */
export class SubmoduleSearch {
  readonly #startTimer: StartTimer;
  readonly #find: typeof findSubmodules;
  #last: Promise<unknown> = Promise.resolve();
  /** The look under way has taken too long already. */
  #hangs = false;

  constructor(startTimer: StartTimer, find: typeof findSubmodules = findSubmodules) {
    this.#startTimer = startTimer;
    this.#find = find;
  }

  /** `unknown` too where it cannot be told in time, and as long as that look hangs. Does not reject. */
  find(directory: string): Promise<SubmodulesFound> {
    const found = this.#last.then(() => (this.#hangs ? 'unknown' : this.#look(directory)));
    this.#last = found;
    return found;
  }

  #look(directory: string): Promise<SubmodulesFound> {
    const late = Promise.withResolvers<SubmodulesFound>();
    const stop = this.#startTimer(LOOK_LIMIT, () => {
      this.#hangs = true;
      late.resolve('unknown');
    });
    const look = this.#find(directory).finally(() => {
      stop();
      this.#hangs = false;
    });
    return Promise.race([look, late.promise]);
  }
}

/** In milliseconds; a git whose directory hangs that long hangs itself, and those behind it wait for it once. */
const LOOK_LIMIT = 5000;

/**
 * Whether a directory lies in a submodule, or in a repository that has some. It explains a wrapper that was set for
 * everything instead of for submodules; it holds nobody back, since the directory is what the caller says.
 * `unknown`: the files cannot be read from here, as in a container's or behind the unit's `ProtectHome=`.
 */
export async function findSubmodules(directory: string): Promise<SubmodulesFound> {
  if (!isAbsolute(directory) || !(await isDirectory(directory))) return 'unknown';
  for (let at = resolve(directory); ; at = dirname(at)) {
    const found = await readGitLink(join(at, '.git'));
    if (found === 'unreadable') return 'unknown';
    if (found !== 'absent') return (await hasModules(found)) ? 'some' : 'none';
    if (dirname(at) === at) return 'none';
  }
}

/** The git directory that `.git` is, or names. */
async function readGitLink(path: string): Promise<{readonly gitDirectory: string} | 'absent' | 'unreadable'> {
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) return {gitDirectory: path};
    // to open a device may do something
    if (!facts.isFile()) return 'absent';
    const named = /^gitdir: (.+)$/m.exec(await readBeginning(path))?.[1];
    return named === undefined ? 'absent' : {gitDirectory: resolve(dirname(path), named)};
  } catch (error) {
    return isMissing(error) ? 'absent' : 'unreadable';
  }
}

/** Nothing of what has become something else than a file: a pipe would have us wait, a device give without end. */
async function readBeginning(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) return '';
    const {buffer, bytesRead} = await file.read(Buffer.alloc(LONGEST_LINK), 0, LONGEST_LINK, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** In bytes; longer paths no system opens. */
const LONGEST_LINK = 4096;

/** Submodules have their git directories in `modules` of the one above; a linked worktree has a `modules` of its own. */
async function hasModules({gitDirectory}: {readonly gitDirectory: string}): Promise<boolean> {
  return /\/modules\//.test(gitDirectory) || isDirectory(join(gitDirectory, 'modules'));
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function isMissing(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    (error.code === 'ENOENT' || error.code === 'ENOTDIR')
  );
}
