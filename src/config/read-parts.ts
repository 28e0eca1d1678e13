import {readdir} from 'node:fs/promises';
import {dirname, extname, join} from 'node:path';
import {
  LARGEST_CONFIGURATION,
  readProtectedFile,
  whyUnsafe,
  type FileRead,
} from '../files/read-protected-file.ts';
import {absolutePath, DROP_INS, dropInsOf, isDropIn} from '../places/paths.ts';
import {codeOf, messageOf} from '../text/orgkey-error.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {showablePath} from '../text/showable.ts';
import {reportSource} from './shape/collections.ts';
import {parseConfiguration} from './text/parse-configuration.ts';
import {withDropIn} from './drop-in.ts';
import type {Problems} from './text/problems.ts';
import {merged, type Parts, type Tree, type Written, type WrittenEntry} from './text/written.ts';
import {Sources, type Surroundings} from './value/value-source.ts';

export interface ReadFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly owner: number;
  readonly mode: number;
  readonly isEmpty: boolean;
}

type Opened =
  | {readonly kind: 'opened'; readonly tree: Tree; readonly includes: boolean; readonly start: number}
  | {readonly kind: 'failed'; readonly message: string; readonly hint: string | undefined};

/** The way to an `$include`. */
interface Way {
  /** The keys that are looked for in what is included. */
  readonly rest: readonly string[];
  /** How many files led here. */
  readonly depth: number;
}

interface ReadingParts {
  readonly problems: Problems;
  readonly surroundings: Omit<Surroundings, 'files'>;
  /** Used in place of what the file contains, as if only we could write it. */
  readonly content: Uint8Array | undefined;
}

/** How deep files may include each other. */
const DEPTH = 10;

/** How many files a configuration may have: each is read at every start. */
const MOST_FILES = 100;

/** How many values of files with `$include` are read. Includes of includes multiply. */
const MOST_VALUES = 300_000;

const INCLUDE = '$include';

const NOT_ALONE = '$include must be the only key of its mapping';

/**
 * Reads our parts of a configuration as Backstage does: later files override earlier ones, and `$include: FILE#key.key`
 * stands for a value of another file.
 * @see https://backstage.io/docs/conf/writing
 */
export class PartsReader {
  readonly #problems: Problems;
  readonly #surroundings: Omit<Surroundings, 'files'>;
  readonly #sources: Sources;
  readonly #content: Uint8Array | undefined;
  readonly #opened = new Map<string, Promise<Opened>>();
  readonly #files: ReadFile[] = [];
  #dropIns: string | undefined;
  #values = 0;

  constructor({problems, surroundings, content}: ReadingParts) {
    this.#problems = problems;
    this.#surroundings = surroundings;
    this.#content = content;
    this.#sources = new Sources({...surroundings, files: new Map()}, problems);
  }

  get files(): readonly ReadFile[] {
    return this.#files;
  }

  /** The absolute paths of all files, also of those that could not be read, and the pattern of those that may come. */
  get paths(): readonly string[] {
    return [...this.#opened.keys(), ...(this.#dropIns === undefined ? [] : [this.#dropIns])];
  }

  get variables(): ReadonlySet<string> {
    return this.#sources.variables;
  }

  /** Reads the files in this order. Returns the first that cannot be read, with the reason. */
  async read(
    paths: readonly string[],
  ): Promise<
    | {readonly kind: 'parts'; readonly parts: Parts}
    | (Extract<Opened, {kind: 'failed'}> & {readonly path: string})
  > {
    let parts: Parts = {azure: undefined, orgkey: undefined};
    for (const path of paths) {
      const opened = await this.#open(path);
      if (opened.kind === 'failed') return {...opened, path};
      const {azure, orgkey} = await this.#partsIn(opened);
      parts = {azure: merged(parts.azure, azure), orgkey: merged(parts.orgkey, orgkey)};
    }
    const directory = dropInsOf(paths);
    return {kind: 'parts', parts: directory === undefined ? parts : await this.#addDropIns(directory, parts)};
  }

  async #partsIn(opened: Extract<Opened, {kind: 'opened'}>): Promise<Parts> {
    const {strangeRoot} = opened.tree;
    if (strangeRoot !== undefined)
      this.#problems.error(strangeRoot, 'the file must be a mapping: integrations:, orgkey:');
    const azure = await this.#find(opened, ['integrations', 'azure'], 0);
    const orgkey = await this.#find(opened, ['orgkey'], 0);
    return {azure, orgkey};
  }

  /** Adds what the files of a directory have, in the order of their names. A file that is wrong spares the others. */
  async #addDropIns(directory: string, before: Parts): Promise<Parts> {
    this.#problems.spareOthers();
    let parts = before;
    for (const path of await this.#namesIn(directory)) {
      const opened = await this.#open(path);
      if (opened.kind === 'failed') this.#reject(path, opened);
      else {
        const added = await this.#partsIn(opened);
        // half of a text is not what was meant
        if (!this.#problems.isReportedFrom(opened.start)) parts = withDropIn(parts, added, this.#problems);
      }
    }
    this.#dropIns = join(directory, DROP_INS);
    return parts;
  }

  async #namesIn(directory: string): Promise<string[]> {
    try {
      const names = await readdir(directory);
      return names
        .filter((name) => isDropIn(name))
        .toSorted()
        .map((name) => join(directory, name));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#reject(directory, failed(`cannot be read: ${messageOf(error)}`));
      return [];
    }
  }

  #reject(path: string, {message, hint}: Extract<Opened, {kind: 'failed'}>): void {
    this.#problems.error(this.#problems.addText(path, ''), `the configuration ${message}`, hint);
  }

  #open(path: string): Promise<Opened> {
    const known = this.#opened.get(path);
    if (known !== undefined) return known;
    const opened = this.#read(path, this.#opened.size === 0 ? this.#content : undefined);
    this.#opened.set(path, opened);
    return opened;
  }

  async #read(path: string, content: Uint8Array | undefined): Promise<Opened> {
    const {uid} = this.#surroundings;
    if (this.#opened.size >= MOST_FILES) return failed('is one of too many');
    const read: FileRead =
      content === undefined
        ? await readProtectedFile(path, LARGEST_CONFIGURATION)
        : {kind: 'read', bytes: Buffer.from(content), owner: uid, mode: 0o600};
    if (read.kind === 'failed') return failed(read.message, read.hint);
    const unsafe = whyUnsafe({path, ...read}, {uid, holdsSecret: false});
    if (unsafe !== undefined)
      return failed(unsafe.message, unsafe.hint && `${unsafe.hint} ${shellWord(path)}`);
    const text = decode(read.bytes);
    if (text === undefined) return failed('is not UTF-8');
    this.#files.push({path, ...read, isEmpty: text.trim() === ''});
    const start = this.#problems.addText(path, text);
    const tree = await parseConfiguration(text, this.#problems, start);
    return {kind: 'opened', tree, includes: text.includes(INCLUDE), start};
  }

  /** Returns the value below these keys, with what it includes. */
  async #find(
    {tree, includes}: Extract<Opened, {kind: 'opened'}>,
    keys: readonly string[],
    depth: number,
  ): Promise<Written | undefined> {
    for (const index of keys.keys()) {
      const above = keys.slice(0, index);
      const source = tree.sourceAt(above);
      const value = source?.name === INCLUDE ? tree.at([...above, INCLUDE]) : undefined;
      if (value !== undefined)
        return this.#includeAlone(source?.isOnly, value, {rest: keys.slice(index), depth});
      // other programs may use such keys at the root
      if (source !== undefined && index > 0) reportSource(source.name, source.at, this.#problems);
    }
    const written = tree.at(keys);
    return written !== undefined && includes ? this.#expand(written, depth) : written;
  }

  /** Replaces every `$include` in a value by what it includes. In order, so that equal files have equal offsets. */
  async #expand(written: Written, depth: number): Promise<Written> {
    if (++this.#values >= MOST_VALUES) return this.#leaveOut(written.at);
    if (written.kind === 'list') {
      const items: Written[] = [];
      for (const item of written.items) items.push(await this.#expand(item, depth));
      return {...written, items};
    }
    if (written.kind !== 'map') return written;
    const include = written.entries.get(INCLUDE)?.value;
    if (include !== undefined) {
      const found = await this.#includeAlone(written.entries.size === 1, include, {rest: [], depth});
      return found ?? {kind: 'nothing', at: include.at};
    }
    const entries = new Map<string, WrittenEntry>();
    for (const [key, {keyAt, value}] of written.entries)
      entries.set(key, {keyAt, value: await this.#expand(value, depth)});
    return {...written, entries};
  }

  /** Drops later errors about a value that was not read. */
  #leaveOut(at: number): Written {
    if (this.#values === MOST_VALUES)
      this.#problems.error(at, `files include each other more often than ${MOST_VALUES} values allow`);
    this.#problems.leaveOpen(at, undefined);
    return {kind: 'nothing', at};
  }

  async #includeAlone(isOnly: boolean | undefined, value: Written, way: Way): Promise<Written | undefined> {
    return isOnly === true ? this.#include(value, way) : this.#problems.error(value.at, NOT_ALONE);
  }

  async #include(value: Written, {rest, depth}: Way): Promise<Written | undefined> {
    const {at} = value;
    const named = this.#fileNamed(value);
    if (named === undefined) return undefined;
    if (depth >= DEPTH)
      return this.#problems.error(at, `files include each other more than ${DEPTH} levels deep`);
    const {path, keys} = named;
    const opened = await this.#open(path);
    const name = `the file ${showablePath(path)}`;
    if (opened.kind === 'failed') return this.#problems.error(at, `${name} ${opened.message}`, opened.hint);
    const found = await this.#find(opened, [...keys, ...rest], depth + 1);
    if (found !== undefined || rest.length > 0) return found;
    return this.#problems.error(
      at,
      `${name} ${keys.length === 0 ? 'is not valid' : 'has no value with the keys after #'}`,
    );
  }

  /** Returns what `FILE#key.key` names. `undefined`: it is wrong or not known here, and that was reported. */
  #fileNamed(value: Written): {readonly path: string; readonly keys: readonly string[]} | undefined {
    const {at} = value;
    const text = value.kind === 'text' ? this.#sources.substituted(value.text, at) : '';
    if (text === undefined || this.#problems.isOpen(at)) return undefined;
    const [path = '', ...fragments] = text.split('#');
    if (!/^\.(?:ya?ml|json)$/.test(extname(path)))
      return this.#problems.error(at, '$include must name a file: NAME.yaml, NAME.yml or NAME.json');
    const {home} = this.#surroundings;
    const directory = dirname(this.#problems.fileAt(at));
    const fragment = fragments.join('#');
    return {
      path: absolutePath(path, {directory, home}),
      keys: fragment === '' ? [] : fragment.split('.'),
    };
  }
}

function failed(message: string, hint?: string): Extract<Opened, {kind: 'failed'}> {
  return {kind: 'failed', message, hint};
}

/** Returns `undefined` if the bytes are not UTF-8. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
  } catch {
    return undefined;
  }
}
