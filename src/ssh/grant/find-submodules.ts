import {constants} from 'node:fs';
import {open, readdir, stat} from 'node:fs/promises';
import {dirname, isAbsolute, join, resolve} from 'node:path';

import {codeOf} from '../../text/orgkey-error.ts';
import {Turns} from '../../turns.ts';
import type {StartTimer} from './single-use-socket.ts';

type SubmodulesFound = 'some' | 'none' | 'unknown';

/** Looks at one directory after the other. A client can name one that hangs, which must not block all our threads. */
export class SubmoduleSearch {
  readonly #startTimer: StartTimer;
  readonly #find: typeof findSubmodules;
  readonly #turns = new Turns();
  /** The current look has already taken too long. */
  #hangs = false;

  constructor(startTimer: StartTimer, find: typeof findSubmodules = findSubmodules) {
    this.#startTimer = startTimer;
    this.#find = find;
  }

  /** Returns `unknown` also if the look takes too long, and for all that follow while it hangs. Does not reject. */
  find(directory: string): Promise<SubmodulesFound> {
    return this.#turns.take(() => (this.#hangs ? 'unknown' : this.#look(directory)));
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

/** In milliseconds; a git in a directory that hangs for so long hangs too. Requests behind it wait only once. */
const LOOK_LIMIT = 5000;

/**
 * Returns whether a directory is in a submodule, or in a repository that has some. This finds a wrapper that is set for
 * all repositories instead of for submodules. It is not a protection, because the caller names the directory.
 * `unknown`: we cannot read the files, as those of a container or behind the unit's `ProtectHome=`.
 */
async function findSubmodules(directory: string): Promise<SubmodulesFound> {
  if (!isAbsolute(directory) || !(await isDirectory(directory))) return 'unknown';
  for (let at = resolve(directory); ; at = dirname(at)) {
    const link = await readGitLink(join(at, '.git'));
    // git fetches the submodules of a linked worktree from inside their git directories
    const found = link === 'absent' && (await isGitDirectory(at)) ? {gitDirectory: at} : link;
    if (found === 'unreadable') return 'unknown';
    if (found !== 'absent') return (await hasModules(found)) ? 'some' : 'none';
    if (dirname(at) === at) return (await holdsGitDirectory(directory)) ? 'some' : 'none';
  }
}

/** Returns whether a directory has a git directory of any name with submodules, as `git --git-dir=… --work-tree=.` uses it. */
async function holdsGitDirectory(directory: string): Promise<boolean> {
  const entries = await readdir(directory, {withFileTypes: true}).catch(() => []);
  for (const entry of entries.filter((one) => one.isDirectory()).slice(0, MOST_ENTRIES)) {
    const path = join(directory, entry.name);
    if ((await isDirectory(join(path, 'modules'))) && (await isGitDirectory(path))) return true;
  }
  return false;
}

/** A home directory has fewer. */
const MOST_ENTRIES = 500;

/** Returns the git directory that `.git` is or names. */
async function readGitLink(path: string): Promise<{readonly gitDirectory: string} | 'absent' | 'unreadable'> {
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) return {gitDirectory: path};
    // opening a device can have effects
    if (!facts.isFile()) return 'absent';
    const named = /^gitdir: (.+)$/m.exec(await readBeginning(path))?.[1];
    return named === undefined ? 'absent' : {gitDirectory: resolve(dirname(path), named)};
  } catch (error) {
    return isMissing(error) ? 'absent' : 'unreadable';
  }
}

/** Returns an empty text if the path is no longer a file: a pipe would block us, a device can be endless. */
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

/** Returns whether a directory is itself a git directory, whatever its name. */
async function isGitDirectory(path: string): Promise<boolean> {
  return (await exists(join(path, 'HEAD'))) && (await isDirectory(join(path, 'objects')));
}

/** In bytes; no system opens longer paths. */
const LONGEST_LINK = 4096;

/** A submodule's git directory is in `modules` of the one above. A linked worktree has its own `modules`. */
async function hasModules({gitDirectory}: {readonly gitDirectory: string}): Promise<boolean> {
  return /\/modules\//.test(gitDirectory) || isDirectory(join(gitDirectory, 'modules'));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
