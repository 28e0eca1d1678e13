import {createHash, randomBytes} from 'node:crypto';
import {join, resolve} from 'node:path';
import {printable} from '../text/printable.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {Secret} from '../secret/secret.ts';
import {decodeEntry, encodeEntry, isSealed, StoreKey, type Entry} from './entry-format.ts';
import {StoreError, storeErrorFrom, systemCodeOf} from './store-error.ts';
import {SHORTEST_KEY} from './store-key.ts';
import {diskFiles, type Facts, type StoreFiles} from './store-files.ts';

export interface SecretStoreParts {
  /** Absolute. It is made if it is missing; else it must be ours alone, and no link. */
  readonly directory: string;
  /** At least 32 bytes; taken over. `undefined`: entries are plain, protected by the modes of their files only. */
  readonly key: Secret | undefined;
  /** Ours. */
  readonly uid: number;
  readonly files?: StoreFiles;
}

/** An entry that can't be read, for status. */
export interface StoreTrouble {
  readonly path: string;
  readonly error: StoreError;
}

/** How an entry may be called, in bytes of UTF-8. */
export const LONGEST_NAME = 4096;

/** In bytes. */
export const LARGEST_SECRET = 1024 * 1024;

/**
 * Opens the store and clears away what a process that was killed left behind. With a key, entries that are still
 * plain are encrypted.
 * @throws {StoreError} `ERR_STORE_DIRECTORY`, or where the disk can't be used at all.
 */
export async function openSecretStore(parts: SecretStoreParts): Promise<SecretStore> {
  const {uid, files = diskFiles} = parts;
  // a slash at the end would have a link followed
  const directory = resolve(parts.directory);
  if (parts.key !== undefined && parts.key.length < SHORTEST_KEY)
    throw new StoreError('ERR_STORE_REFUSED', `the key has less than ${SHORTEST_KEY} bytes`);
  await claimDirectory(directory, uid, files);
  const key = parts.key && new StoreKey(parts.key);
  parts.key?.erase();
  const store = new SecretStore({directory, key, uid, files});
  await store.tidy();
  return store;
}

/** Whether there is an entry that can't be read without a key. `false` where there is no store yet, or none that can be read. */
export async function holdsEncrypted(directory: string, files: StoreFiles): Promise<boolean> {
  const entries = await files.list(directory).catch(() => []);
  for (const file of entries.filter((name) => ENTRY.test(name))) {
    const read = await files.read(join(directory, file), LARGEST_FILE).catch(() => undefined);
    const sealed = read !== undefined && isSealed(read.bytes);
    read?.bytes.fill(0);
    if (sealed) return true;
  }
  return false;
}

/**
 * Secrets on a disk: refresh tokens, logins, ssh keys. One file for each, so that a write costs what it changes, and
 * a damaged one costs no other. A file is written beside its place and renamed into it: after a loss of power or a
 * kill at any moment the old one is there or the new one, never a part. Mode 0600 in a directory of mode 0700.
 *
 * For one process: two that write at once keep the files whole, but the last one wins.
 */
export class SecretStore {
  readonly #directory: string;
  readonly #key: StoreKey | undefined;
  readonly #uid: number;
  readonly #files: StoreFiles;
  /** Changes go one after the other, or the first could overtake the second. */
  #last: Promise<unknown> = Promise.resolve();
  #locked = false;
  #untidy: StoreError | undefined;

  constructor({directory, key, uid, files}: Opened) {
    this.#directory = directory;
    this.#key = key;
    this.#uid = uid;
    this.#files = files;
  }

  /**
   * `undefined`: there is no such entry. The caller erases what it gets.
   * @throws {StoreError}
   */
  async read(name: string): Promise<Secret | undefined> {
    const file = fileOf(name);
    const entry = await this.#readFile(file);
    if (entry === undefined) return undefined;
    if (entry.kind === 'entry' && entry.name === name) return entry.secret;
    throw this.#troubleOf(entry, file);
  }

  /**
   * Once it is done, the entry outlives a loss of power. The secret stays the caller's.
   * @throws {StoreError} The old entry is still there, unless the very last step failed: then the new one is.
   */
  async write(name: string, secret: Secret): Promise<void> {
    const file = fileOf(name);
    if (secret.erased || secret.length > LARGEST_SECRET)
      throw new StoreError('ERR_STORE_REFUSED', 'the secret is erased, or larger than 1 MiB');
    // plain ones beside encrypted ones would be weaker than what was promised
    if (this.#locked && this.#key === undefined) throw this.#lockedError(this.#directory);
    const bytes = encodeEntry(name, secret, this.#key);
    await this.#next(async () => this.#replace(file, bytes)).finally(() => bytes.fill(0));
  }

  /**
   * Once it is done, the entry stays removed. One that is not there is no error.
   * @throws {StoreError}
   */
  async remove(name: string): Promise<void> {
    const file = fileOf(name);
    await this.#next(async () => {
      try {
        await this.#files.remove(join(this.#directory, file));
      } catch (error) {
        if (systemCodeOf(error) === 'ENOENT') return;
        throw this.#failed('remove from', error);
      }
      await this.#sync();
    });
  }

  /** The part of the store whose names begin so; its own names are without that beginning. */
  section(prefix: string): SecretSection {
    return {
      read: (name) => this.read(prefix + name),
      write: (name, secret) => this.write(prefix + name, secret),
      remove: (name) => this.remove(prefix + name),
      names: async () => (await this.names(prefix)).map((name) => name.slice(prefix.length)),
    };
  }

  /**
   * The names of the entries that can be read, sorted; those that begin with `prefix`.
   * @throws {StoreError} where the directory can't be read.
   */
  async names(prefix = ''): Promise<string[]> {
    const names: string[] = [];
    for (const file of await this.#entries()) {
      const entry = await this.#readFile(file).catch(() => undefined);
      if (entry?.kind !== 'entry') continue;
      entry.secret.erase();
      if (fileOf(entry.name) === file && entry.name.startsWith(prefix)) names.push(entry.name);
    }
    return names.toSorted();
  }

  /**
   * What can't be read, or could not be put in order, for status and doctor.
   * @throws {StoreError} where the directory can't be read.
   */
  async troubles(): Promise<StoreTrouble[]> {
    const troubles: StoreTrouble[] =
      this.#untidy === undefined ? [] : [{path: this.#directory, error: this.#untidy}];
    for (const file of await this.#entries()) {
      const path = join(this.#directory, file);
      try {
        const entry = await this.#readFile(file);
        if (entry?.kind === 'entry') entry.secret.erase();
        if (entry === undefined || (entry.kind === 'entry' && fileOf(entry.name) === file)) continue;
        troubles.push({path, error: this.#troubleOf(entry, file)});
      } catch (error) {
        troubles.push({path, error: storeErrorFrom(error, `read ${path}`)});
      }
    }
    return troubles;
  }

  /** Waits for what is under way, and erases the key. */
  async close(): Promise<void> {
    await this.#last;
    this.#key?.erase();
  }

  /** Sweeps what a killed process left, encrypts what is still plain. A disk that can't be written is no reason to fail. */
  async tidy(): Promise<void> {
    let swept = false;
    for (const file of await this.#list()) {
      try {
        if (isLeftover(file)) {
          await this.#files.remove(join(this.#directory, file));
          swept = true;
        } else if (ENTRY.test(file)) await this.#tidyEntry(file);
      } catch (error) {
        this.#untidy = this.#failed('tidy', error);
      }
    }
    if (swept) await this.#sync().catch(() => undefined);
  }

  async #tidyEntry(file: string): Promise<void> {
    // one that can't be read is told by `troubles`
    const read = await this.#files.read(join(this.#directory, file), LARGEST_FILE).catch(() => undefined);
    if (read === undefined) return;
    const {bytes, facts} = read;
    const sealed = isSealed(bytes);
    if (sealed) this.#locked = true;
    const entry =
      sealed || this.#key === undefined || !this.#isPrivate(facts)
        ? undefined
        : decodeEntry(bytes, this.#key);
    bytes.fill(0);
    if (entry?.kind !== 'entry') return;
    try {
      if (fileOf(entry.name) === file) await this.write(entry.name, entry.secret);
    } finally {
      entry.secret.erase();
    }
  }

  async #readFile(file: string): Promise<Entry | undefined> {
    const path = join(this.#directory, file);
    try {
      const read = await this.#files.read(path, LARGEST_FILE);
      if (read === undefined) return undefined;
      if (!this.#isPrivate(read.facts))
        throw new StoreError('ERR_STORE_DAMAGED', `${path} is not ours alone`, {
          hint: `if nobody else could have written it: chown ${this.#uid} ${shellWord(path)} && chmod 600 ${shellWord(path)}`,
        });
      const entry = decodeEntry(read.bytes, this.#key);
      read.bytes.fill(0);
      return entry;
    } catch (error) {
      throw storeErrorFrom(error, `read ${path}`);
    }
  }

  #isPrivate({kind, owner, mode}: Facts): boolean {
    return kind === 'file' && owner === this.#uid && (mode & 0o077) === 0;
  }

  async #replace(file: string, bytes: Uint8Array): Promise<void> {
    const place = join(this.#directory, file);
    const beside = join(this.#directory, `${file}.${randomBytes(6).toString('hex')}${LEFTOVER}`);
    try {
      await this.#writeWhole(beside, bytes);
      await this.#files.rename(beside, place);
    } catch (error) {
      // what can't be removed now is swept at the next start
      await this.#files.remove(beside).catch(() => undefined);
      throw this.#failed('write to', error);
    }
    await this.#sync();
  }

  async #writeWhole(path: string, bytes: Uint8Array): Promise<void> {
    const file = await this.#files.create(path);
    try {
      for (let at = 0; at < bytes.length;) {
        const taken = await file.write(bytes.subarray(at));
        if (taken === 0)
          throw new StoreError('ERR_STORE_FULL', `cannot write to ${path}: nothing more is taken`);
        at += taken;
      }
      await file.sync();
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
    // a file system over a network may tell only now that the disk is full
    await file.close();
  }

  async #sync(): Promise<void> {
    try {
      await this.#files.syncDirectory(this.#directory);
    } catch (error) {
      throw this.#failed('be sure of what was written to', error);
    }
  }

  async #entries(): Promise<string[]> {
    return (await this.#list()).filter((file) => ENTRY.test(file));
  }

  async #list(): Promise<string[]> {
    try {
      return await this.#files.list(this.#directory);
    } catch (error) {
      throw this.#failed('list', error);
    }
  }

  async #next<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(change);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #failed(doing: string, error: unknown): StoreError {
    return storeErrorFrom(error, `${doing} ${printable(this.#directory)}`);
  }

  #troubleOf(entry: Entry, file: string): StoreError {
    const path = join(this.#directory, file);
    if (entry.kind === 'locked') return this.#lockedError(path);
    return new StoreError('ERR_STORE_DAMAGED', `${path} is not as it was written`, {
      hint: `it can't be mended: rm ${shellWord(path)}, then sign in or add it again`,
    });
  }

  #lockedError(path: string): StoreError {
    const why = this.#key === undefined ? 'the key is not at hand' : 'with another key';
    return new StoreError('ERR_STORE_LOCKED', `${path} is encrypted, ${why}`, {
      hint: `bring the key back; if it is lost: rm -r ${shellWord(this.#directory)}, then sign in again`,
    });
  }
}

/** What one part of the program keeps in the store. */
export type SecretSection = Pick<SecretStore, 'read' | 'write' | 'remove'> & {names(): Promise<string[]>};

interface Opened {
  readonly directory: string;
  readonly key: StoreKey | undefined;
  readonly uid: number;
  readonly files: StoreFiles;
}

const LARGEST_FILE = LARGEST_SECRET + LONGEST_NAME + 1024;
const ENTRY = /^[0-9a-f]{64}\.secret$/;
const LEFTOVER = '.new';

function isLeftover(file: string): boolean {
  return file.endsWith(LEFTOVER) && ENTRY.test(file.slice(0, 64 + '.secret'.length));
}

/** A hash: no name can lead out of the directory, be too long for it, or differ by case only. */
function fileOf(name: string): string {
  if (name === '' || !name.isWellFormed() || Buffer.byteLength(name) > LONGEST_NAME)
    throw new StoreError('ERR_STORE_REFUSED', 'the name is empty, too long, or no text');
  return `${createHash('sha256').update(name).digest('hex')}.secret`;
}

async function claimDirectory(directory: string, uid: number, files: StoreFiles): Promise<void> {
  const shown = printable(directory);
  let facts: Facts;
  try {
    facts = await files.facts(directory).catch(async (error: unknown) => {
      if (systemCodeOf(error) !== 'ENOENT') throw error;
      await files.makeDirectory(directory);
      return files.facts(directory);
    });
  } catch (error) {
    throw storeErrorFrom(error, `open ${shown}`);
  }
  if (facts.kind !== 'directory') throw refusal(`${shown} is a link, or no directory`);
  if (facts.owner !== uid) throw refusal(`${shown} belongs to another user (uid ${facts.owner})`);
  if ((facts.mode & 0o077) !== 0)
    throw refusal(`${shown} is open to others`, `chmod 700 ${shellWord(directory)}`);
}

function refusal(message: string, hint?: string): StoreError {
  return new StoreError('ERR_STORE_DIRECTORY', message, hint === undefined ? {} : {hint});
}
