import {statSync, watch, type FSWatcher} from 'node:fs';
import {lstat, readlink, stat} from 'node:fs/promises';
import {basename, dirname, isAbsolute, join, parse, resolve} from 'node:path';
import {DROP_INS, isDropIn} from '../places/paths.ts';

interface WatchParts {
  /** A watched file was replaced, or its content changed. */
  readonly onChange: () => void;
  /** The operating system does not watch: from now on, changes need an explicit reload. */
  readonly onFailure: (error: Error) => void;
  /** Runs `action` after so many milliseconds. Returns a function that cancels it. */
  readonly after: (milliseconds: number, action: () => void) => () => void;
}

/** Changes within this time are reported as one, in milliseconds. */
const SETTLE = 100;

/**
 * Watches files by way of their directories, so that a file that is replaced, comes back, or is reached through
 * links that are changed (as Kubernetes does with `..data`) is seen as well as one that is written to.
 */
export class ConfigurationWatcher {
  readonly #parts: WatchParts;
  readonly #watchers = new Map<string, Watched>();
  #files: readonly string[] = [];
  /** The state of each file. A file that differs from it has changed, and that is not reported yet. */
  #known: States = new Map();
  #cancel: (() => void) | undefined;
  #round = 0;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  /**
   * Call this before the files are read: what changes between now and the next `watch` counts as a change. Times cannot
   * show that: those of files are some milliseconds late, and a file that is gone has none.
   */
  async note(): Promise<void> {
    this.#round += 1;
    const round = this.#round;
    const states = statesOf(await this.#facts());
    if (round === this.#round) this.#known = states;
  }

  /**
   * Watches these files, absolute paths, in place of the previous ones; they need not exist. `DIR/*.yaml` stands for
   * files that may come. Settles when no later
   * change can be missed. `since`: for files that were not watched before, a change at or after this moment, in
   * milliseconds since epoch, counts as a change.
   */
  async watch(files: readonly string[], since = Infinity): Promise<void> {
    this.#files = [...new Set(files)];
    const before = this.#known;
    const facts = await this.#look();
    const changed = [...facts].filter(([file, now]) =>
      before.has(file) ? before.get(file) !== now?.identity : (now?.changed ?? 0) >= since,
    );
    if (changed.length === 0) return;
    this.#known = new Map([...this.#known, ...changed.map(([file]) => [file, UNKNOWN] as const)]);
    this.#settle();
  }

  close(): void {
    this.#round += 1;
    this.#cancel?.();
    this.#files = [];
    for (const {watcher} of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** Returns what is known now; nothing, if another look began in the meantime. */
  async #look(): Promise<ReadonlyMap<string, Facts | undefined>> {
    this.#round += 1;
    const round = this.#round;
    const steps = (await Promise.all(this.#files.map((file) => stepsTo(file)))).flat();
    if (round !== this.#round) return new Map();
    this.#listen(steps);
    // after listening began, so that these facts have every change before it
    const facts = await this.#facts();
    if (round !== this.#round) return new Map();
    this.#known = statesOf(facts);
    return facts;
  }

  async #facts(): Promise<ReadonlyMap<string, Facts | undefined>> {
    return new Map(await Promise.all(this.#files.map(async (file) => [file, await factsOf(file)] as const)));
  }

  #listen(steps: readonly Step[]): void {
    const wanted = new Map<string, {readonly names: Set<string>; needed: boolean}>();
    for (const {directory, name, needed} of steps) {
      const here = wanted.get(directory) ?? {names: new Set(), needed: false};
      here.names.add(name);
      here.needed ||= needed;
      wanted.set(directory, here);
    }
    for (const [directory, {watcher, inode}] of this.#watchers) {
      // a directory that was replaced is watched no longer, though its path is the same
      if (wanted.has(directory) && inode === inodeOf(directory)) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
    for (const [directory, {names, needed}] of wanted) {
      const held = this.#watchers.get(directory);
      if (held === undefined) this.#open(directory, names, needed);
      else held.names = names;
    }
  }

  #open(directory: string, names: ReadonlySet<string>, needed: boolean): void {
    try {
      const inode = inodeOf(directory);
      const watcher = watch(directory, {persistent: false});
      const held: Watched = {watcher, inode, names};
      watcher.on('change', (_type, name) => {
        if (
          name === null ||
          held.names.has(String(name)) ||
          (held.names.has(DROP_INS) && isDropIn(String(name)))
        )
          this.#settle();
      });
      watcher.on('error', (error) => {
        this.#watchers.delete(directory);
        watcher.close();
        this.#parts.onFailure(error);
      });
      this.#watchers.set(directory, held);
    } catch (error) {
      if (needed) this.#parts.onFailure(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #settle(): void {
    this.#cancel?.();
    this.#cancel = this.#parts.after(SETTLE, () => {
      this.#cancel = undefined;
      this.#compare().catch((error: unknown) => this.#parts.onFailure(new Error(String(error))));
    });
  }

  async #compare(): Promise<void> {
    const before = this.#known;
    await this.#look();
    const isSame =
      before.size === this.#known.size &&
      [...before].every(([file, state]) => this.#known.get(file) === state);
    if (!isSame) this.#parts.onChange();
  }
}

/** Identifies the state of each file. `undefined`: the file does not exist. */
type States = ReadonlyMap<string, string | undefined>;

/** A state that differs from that of every file. */
const UNKNOWN = 'unknown';

function statesOf(facts: ReadonlyMap<string, Facts | undefined>): States {
  return new Map([...facts].map(([file, fact]) => [file, fact?.identity]));
}

interface Watched {
  readonly watcher: FSWatcher;
  /** Of the directory. */
  readonly inode: bigint | undefined;
  names: ReadonlySet<string>;
}

/** One name of a path: when it changes in its directory, the path may lead to another file. */
interface Step {
  readonly directory: string;
  readonly name: string;
  /** Whether a directory that cannot be watched is a failure. */
  readonly needed: boolean;
}

function inodeOf(directory: string): bigint | undefined {
  try {
    return statSync(directory, {bigint: true, throwIfNoEntry: false})?.ino;
  } catch {
    return undefined;
  }
}

/** As many links as Linux follows. */
const LINKS = 40;

/** Returns every link of a path, and the file itself. Ends at the first name that does not exist. */
async function stepsTo(file: string): Promise<Step[]> {
  const steps: Step[] = [];
  const {root} = parse(file);
  const waiting = file
    .slice(root.length)
    .split('/')
    .filter((name) => name !== '' && name !== '.');
  let directory = root;
  for (let links = 0; ;) {
    const name = waiting.shift();
    if (name === undefined) return steps;
    if (name === '..') {
      directory = dirname(directory);
      continue;
    }
    const path = join(directory, name);
    const target = await targetOf(path);
    // the directory of the file may be replaced as a whole
    if (waiting.length < 2 || target !== 'plain')
      steps.push({directory, name, needed: waiting.length === 0 || target !== 'plain'});
    if (target === 'missing') return steps;
    if (target === 'plain') {
      directory = path;
      continue;
    }
    links += 1;
    if (links > LINKS) return steps;
    const absolute = isAbsolute(target.link) ? target.link : resolve(directory, target.link);
    waiting.unshift(
      ...absolute
        .slice(root.length)
        .split('/')
        .filter((part) => part !== ''),
    );
    directory = root;
  }
}

async function targetOf(path: string): Promise<'plain' | 'missing' | {readonly link: string}> {
  try {
    const facts = await lstat(path);
    return facts.isSymbolicLink() ? {link: await readlink(path)} : 'plain';
  } catch {
    return 'missing';
  }
}

interface Facts {
  readonly identity: string;
  /** Milliseconds since epoch. */
  readonly changed: number;
}

/** Returns the identity and state of a file. `undefined`: it does not exist. */
async function factsOf(path: string): Promise<Facts | undefined> {
  try {
    // of the directory: that changes when a name comes or goes
    const facts = await stat(basename(path) === DROP_INS ? dirname(path) : path, {bigint: true});
    const identity = [facts.dev, facts.ino, facts.ctimeNs, facts.mtimeNs, facts.size].join(' ');
    return {identity, changed: Number(facts.ctimeNs / 1_000_000n)};
  } catch {
    return undefined;
  }
}
