import {createHash, randomBytes} from 'node:crypto';
import {join} from 'node:path';
import {Secret} from '../token/secret.ts';
import {diskFiles, type Files} from './files.ts';
import {deriveKey, seal, unseal, type Opened} from './seal.ts';
import type {StoreKey} from './store-key.ts';
import {UNFINISHED, writeFile} from './write-file.ts';

export interface SecretStoreParts {
  /** Made if it is missing; it belongs to the store alone. */
  readonly directory: string;
  readonly key: StoreKey;
  /** Who must own the directory: our effective user id. */
  readonly owner: number;
  /** Default: the disk. */
  readonly files?: Files;
}

/** A store that cannot do what it should. `code` is ours, or the file system's. */
export class StoreError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string, cause?: unknown) {
    super(message, {cause});
    this.code = code;
    this.hint = hint;
  }
}

/** Bytes; what is larger is no file of ours. */
const MAX_FILE = 128 * 1024;

const ENDING = '.secret';

/**
 * The secrets that outlive the daemon: refresh tokens, logins that people typed. A file for each, so that one that
 * is damaged takes no other with it; each is sealed, and replaced whole or not at all.
 */
export class SecretStore {
  readonly #directory: string;
  readonly #files: Files;
  readonly #key: Buffer | undefined;
  /** Why secrets lie open, protected by the files' modes alone; `undefined` where they are sealed. */
  readonly warning: string | undefined;
  /** Writes are done one after the other: the last one given is the one that stays. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor({directory, key, files = diskFiles}: SecretStoreParts) {
    this.#directory = directory;
    this.#files = files;
    this.#key = key.kind === 'key' ? deriveKey(key.material) : undefined;
    this.warning =
      key.kind === 'key'
        ? undefined
        : `secrets in ${directory} are protected by the mode of their files alone: ${key.reason}`;
  }

  /**
   * Removes what an interrupted write left, and seals what was written before there was a key.
   *
   * @throws {StoreError} where the directory is not ours alone.
   */
  static async open(parts: SecretStoreParts): Promise<SecretStore> {
    const store = new SecretStore(parts);
    await store.#checkDirectory(parts.owner);
    for (const name of await store.#files.list(parts.directory)) {
      if (name.endsWith(UNFINISHED)) await store.#files.remove(join(parts.directory, name)).catch(() => {});
      else if (name.endsWith(ENDING)) await store.#sealOpenOne(join(parts.directory, name)).catch(() => {});
    }
    return store;
  }

  /**
   * Who calls it owns the secret.
   *
   * @returns `undefined`: there is none of this name.
   * @throws {StoreError} where there is one that cannot be read.
   */
  async read(name: string): Promise<Secret | undefined> {
    await this.#last;
    const opened = await this.#open(this.#pathOf(name));
    switch (opened?.kind) {
      case undefined:
        return undefined;
      case 'open':
        if (opened.named.name === name) return new Secret(opened.named.bytes);
        throw damaged(name);
      case 'locked':
        throw locked();
      case 'damaged':
        throw damaged(name);
    }
  }

  /**
   * Resolves once the secret outlives a loss of power. It stays the caller's.
   *
   * @throws {StoreError} and nothing has changed.
   */
  write(name: string, secret: Secret): Promise<void> {
    const bytes = new Uint8Array(secret.length);
    secret.copyTo(bytes, 0);
    return this.#inTurn(async () => {
      const file = seal({name, bytes}, this.#key);
      bytes.fill(0);
      try {
        if (this.#key === undefined) await this.#refuseToUnseal();
        await this.#replace(this.#pathOf(name), file);
      } finally {
        file.fill(0);
      }
    });
  }

  /** Whether there was one or not. */
  remove(name: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.#files.remove(this.#pathOf(name)).catch((error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw failed('removed', error);
      });
    });
  }

  /** The names of all that can be read. */
  async names(): Promise<readonly string[]> {
    await this.#last;
    const names: string[] = [];
    for (const file of await this.#files.list(this.#directory)) {
      if (!file.endsWith(ENDING)) continue;
      const opened = await this.#open(join(this.#directory, file));
      if (opened?.kind !== 'open') continue;
      opened.named.bytes.fill(0);
      names.push(opened.named.name);
    }
    return names.toSorted();
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work, work);
    // whoever asked hears of a failure; the next one only waits
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #checkDirectory(owner: number): Promise<void> {
    const directory = this.#directory;
    try {
      await this.#files.makeDirectory(directory);
      const found = await this.#files.describe(directory);
      const fault = !found.isDirectory
        ? 'is no directory'
        : found.owner !== owner
          ? 'belongs to somebody else'
          : (found.mode & 0o077) !== 0
            ? `can be entered by others (mode ${found.mode.toString(8)})`
            : undefined;
      if (fault !== undefined)
        throw new StoreError(
          'ERR_STORE_DIRECTORY',
          `${directory} ${fault}`,
          `Make it ours alone: chmod 700 ${directory}, or name another with ORGKEY_STATE_DIR.`,
        );
    } catch (error) {
      throw error instanceof StoreError ? error : failed('opened', error);
    }
  }

  async #sealOpenOne(path: string): Promise<void> {
    if (this.#key === undefined) return;
    const opened = await this.#open(path);
    if (opened?.kind !== 'open') return;
    if (!opened.isSealed) await this.#replace(path, seal(opened.named, this.#key));
    opened.named.bytes.fill(0);
  }

  /** A keyring that is locked today must not lay open what was sealed yesterday. */
  async #refuseToUnseal(): Promise<void> {
    for (const file of await this.#files.list(this.#directory)) {
      if (!file.endsWith(ENDING)) continue;
      const opened = await this.#open(join(this.#directory, file));
      if (opened?.kind === 'locked') throw locked();
      if (opened?.kind === 'open') opened.named.bytes.fill(0);
    }
  }

  async #replace(path: string, bytes: Uint8Array): Promise<void> {
    const random = randomBytes(8).toString('hex');
    try {
      await writeFile(path, bytes, {files: this.#files, random});
    } catch (error) {
      throw failed('written', error);
    }
  }

  async #open(path: string): Promise<Opened | undefined> {
    const bytes = await this.#readWhole(path);
    if (bytes === undefined) return undefined;
    const opened = unseal(bytes, this.#key);
    bytes.fill(0);
    return opened;
  }

  async #readWhole(path: string): Promise<Buffer | undefined> {
    const buffer = Buffer.alloc(MAX_FILE);
    try {
      const file = await this.#files.open(path);
      try {
        let length = 0;
        while (length < MAX_FILE) {
          const count = await file.read(buffer, length);
          if (count === 0) break;
          length += count;
        }
        return buffer.subarray(0, length);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw failed('read', error);
    }
  }

  /** Names tell who signed in where: the directory shows hashes alone. */
  #pathOf(name: string): string {
    const hash = createHash('sha256').update(name).digest('hex').slice(0, 32);
    return join(this.#directory, `${hash}${ENDING}`);
  }
}

function damaged(name: string): StoreError {
  const [what = name] = name.split(' ');
  return new StoreError(
    'ERR_STORE_DAMAGED',
    `the stored ${what} is damaged, or was sealed with another key`,
    'Sign in or store it again; what is there is replaced.',
  );
}

function locked(): StoreError {
  return new StoreError(
    'ERR_STORE_LOCKED',
    'the stored secrets are sealed, and their key is not to be had',
    'Unlock the keyring, or give the service its credential orgkey-store-key again.',
  );
}

function failed(what: string, error: unknown): StoreError {
  const code = codeOf(error);
  const reason = explained.get(code) ?? (error instanceof Error ? error.message : String(error));
  return new StoreError(code, `the secret store could not be ${what}: ${reason}`, repairOf(code), error);
}

const explained = new Map([
  ['ENOSPC', 'the disk is full (ENOSPC)'],
  ['EDQUOT', 'the disk quota is used up (EDQUOT)'],
  ['EROFS', 'the file system is read-only (EROFS)'],
  ['EIO', 'the disk fails (EIO)'],
  ['EACCES', 'we may not (EACCES)'],
  ['EPERM', 'we may not (EPERM)'],
  ['ELOOP', 'a symbolic link stands in its place (ELOOP)'],
]);

function repairOf(code: string): string {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'Make room; what was there before is still good.';
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return 'Let us write there, or name another directory with ORGKEY_STATE_DIR.';
    default:
      return 'Look at the state directory and its disk; what was there before is still good.';
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'ERR_STORE';
}
