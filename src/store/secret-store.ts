import {join, resolve} from 'node:path';
import type {Secret} from '../secret/secret.ts';
import {codeOf} from '../text/orgkey-error.ts';
import {printable} from '../text/printable.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {Turns} from '../turns.ts';
import {decodeEntry, encodeEntry, isSealed, StoreKey, type Entry} from './entry-format.ts';
import {fileOf, isEntry, isLeftover, LARGEST_FILE, LARGEST_SECRET, replaceFile} from './entry-file.ts';
import {claimDirectory} from './store-directory.ts';
import {StoreError, storeErrorFrom} from './store-error.ts';
import {diskFiles, type Facts, type StoreFiles} from './store-files.ts';
import {SHORTEST_KEY} from './store-key.ts';

interface SecretStoreParts {
  /** Absolute. It is made if it is missing. Otherwise it must be ours alone, and not a link. */
  readonly directory: string;
  /** At least 32 bytes. The store erases it. `undefined`: entries are plain, protected by file modes only. */
  readonly key: Secret | undefined;
  /** Our user. */
  readonly uid: number;
  readonly files?: StoreFiles;
}

/** An entry that cannot be read, or the directory if it could not be tidied. */
export interface UnreadableEntry {
  readonly path: string;
  readonly error: StoreError;
}

/**
 * Opens the store, and removes what a killed process left. With a key, it encrypts entries that are still plain.
 * @throws {StoreError} `ERR_STORE_DIRECTORY`, or if the disk cannot be used.
 */
export async function openSecretStore(parts: SecretStoreParts): Promise<SecretStore> {
  const {uid, files = diskFiles} = parts;
  // a trailing slash would follow a link
  const directory = resolve(parts.directory);
  if (parts.key !== undefined && parts.key.length < SHORTEST_KEY)
    throw new StoreError('ERR_STORE_REFUSED', `the key is shorter than ${SHORTEST_KEY} bytes`);
  await claimDirectory(directory, uid, files);
  const key = parts.key && new StoreKey(parts.key);
  parts.key?.erase();
  const store = new SecretStore({directory, key, uid, files});
  await store.tidy();
  return store;
}

/**
 * Keeps secrets on the disk: refresh tokens, logins, ssh keys. Each has a file of its own, so that a write costs little,
 * and a damaged file affects no other. A new file replaces the old one by a rename: after a power loss or a kill, one of
 * the two is there in full. Files have mode 0600, in a directory of mode 0700.
 *
 * The store is for one process. If two write at once, files stay whole, but the last write wins.
 */
export class SecretStore {
  readonly #directory: string;
  readonly #key: StoreKey | undefined;
  readonly #uid: number;
  readonly #files: StoreFiles;
  /** Changes must not overtake each other. */
  readonly #changes = new Turns();
  #hasEncrypted = false;
  #untidy: StoreError | undefined;

  constructor({directory, key, uid, files}: Opened) {
    this.#directory = directory;
    this.#key = key;
    this.#uid = uid;
    this.#files = files;
  }

  /**
   * Returns the secret of an entry, which the caller erases. `undefined`: the entry does not exist.
   * @throws {StoreError}
   */
  async read(name: string): Promise<Secret | undefined> {
    const file = fileOf(name);
    const entry = await this.#readFile(file);
    if (entry === undefined) return undefined;
    if (entry.kind === 'entry' && entry.name === name) return entry.secret;
    throw this.#errorFor(entry, file);
  }

  /**
   * Writes an entry, which then outlives a power loss. The caller keeps the secret.
   * @throws {StoreError} The old entry is still there, unless the last step failed: then the new one is.
   */
  async write(name: string, secret: Secret): Promise<void> {
    const file = fileOf(name);
    if (secret.erased || secret.length > LARGEST_SECRET)
      throw new StoreError('ERR_STORE_REFUSED', 'the secret is erased, or larger than 1 MiB');
    // the user expects encryption: no plain entries next to encrypted ones
    if (this.#hasEncrypted && this.#key === undefined) throw this.#lockedError(this.#directory);
    const bytes = encodeEntry(name, secret, this.#key);
    await this.#changes.take(() => this.#replace(file, bytes)).finally(() => bytes.fill(0));
  }

  /**
   * Removes an entry, durably. Succeeds if it does not exist.
   * @throws {StoreError}
   */
  async remove(name: string): Promise<void> {
    const file = fileOf(name);
    await this.#changes.take(async () => {
      try {
        await this.#files.remove(join(this.#directory, file));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return;
        throw this.#failed('remove from', error);
      }
      await this.#sync();
    });
  }

  /** Returns the part of the store whose names begin with `prefix`. Its own names omit the prefix. */
  section(prefix: string): SecretSection {
    return {
      read: (name) => this.read(prefix + name),
      write: (name, secret) => this.write(prefix + name, secret),
      remove: (name) => this.remove(prefix + name),
      names: async () => (await this.names(prefix)).map((name) => name.slice(prefix.length)),
    };
  }

  /**
   * Returns the sorted names of the readable entries that begin with `prefix`.
   * @throws {StoreError} if the directory cannot be read.
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
   * Returns what cannot be read or tidied.
   * @throws {StoreError} if the directory cannot be read.
   */
  async unreadable(): Promise<UnreadableEntry[]> {
    const found: UnreadableEntry[] =
      this.#untidy === undefined ? [] : [{path: this.#directory, error: this.#untidy}];
    for (const file of await this.#entries()) {
      const path = join(this.#directory, file);
      try {
        const entry = await this.#readFile(file);
        if (entry?.kind === 'entry') entry.secret.erase();
        if (entry === undefined || (entry.kind === 'entry' && fileOf(entry.name) === file)) continue;
        found.push({path, error: this.#errorFor(entry, file)});
      } catch (error) {
        found.push({path, error: storeErrorFrom(error, `read ${path}`)});
      }
    }
    return found;
  }

  /** Waits for changes under way, and erases the key. */
  async close(): Promise<void> {
    await this.#changes.idle();
    this.#key?.erase();
  }

  /** Removes what a killed process left, and encrypts plain entries. Never fails: `unreadable` returns the errors. */
  async tidy(): Promise<void> {
    let hasRemoved = false;
    for (const file of await this.#list()) {
      try {
        if (isLeftover(file)) {
          await this.#files.remove(join(this.#directory, file));
          hasRemoved = true;
        } else if (isEntry(file)) await this.#tidyEntry(file);
      } catch (error) {
        this.#untidy = this.#failed('tidy', error);
      }
    }
    if (hasRemoved) await this.#sync().catch(() => undefined);
  }

  async #tidyEntry(file: string): Promise<void> {
    // `unreadable` reports entries that cannot be read
    const read = await this.#files.read(join(this.#directory, file), LARGEST_FILE).catch(() => undefined);
    if (read === undefined) return;
    const {bytes, facts} = read;
    const isEncrypted = isSealed(bytes);
    if (isEncrypted) this.#hasEncrypted = true;
    const mayEncrypt = !isEncrypted && this.#key !== undefined && this.#isPrivate(facts);
    const entry = mayEncrypt ? decodeEntry(bytes, this.#key) : undefined;
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
      if (!this.#isPrivate(read.facts)) throw this.#notPrivateError(path);
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
    try {
      await replaceFile(this.#files, join(this.#directory, file), bytes);
    } catch (error) {
      throw this.#failed('write to', error);
    }
    await this.#sync();
  }

  async #sync(): Promise<void> {
    try {
      await this.#files.syncDirectory(this.#directory);
    } catch (error) {
      throw this.#failed('be sure of what was written to', error);
    }
  }

  async #entries(): Promise<string[]> {
    return (await this.#list()).filter(isEntry);
  }

  async #list(): Promise<string[]> {
    try {
      return await this.#files.list(this.#directory);
    } catch (error) {
      throw this.#failed('list', error);
    }
  }

  #failed(doing: string, error: unknown): StoreError {
    return storeErrorFrom(error, `${doing} ${printable(this.#directory)}`);
  }

  #errorFor(entry: Entry, file: string): StoreError {
    const path = join(this.#directory, file);
    if (entry.kind === 'locked') return this.#lockedError(path);
    return new StoreError('ERR_STORE_DAMAGED', `${path} is damaged`, {
      hint: `it cannot be repaired: rm ${shellWord(path)}, then sign in or add it again`,
    });
  }

  #notPrivateError(path: string): StoreError {
    const shown = shellWord(path);
    return new StoreError('ERR_STORE_DAMAGED', `${path} is not ours alone`, {
      hint: `if no other user can have changed it: chown ${this.#uid} ${shown} && chmod 600 ${shown}`,
    });
  }

  #lockedError(path: string): StoreError {
    const why = this.#key === undefined ? 'and the key is missing' : 'with another key';
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
