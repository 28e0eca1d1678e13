import {constants} from 'node:fs';
import {lstat, mkdir, open, readdir, rename, unlink} from 'node:fs/promises';
import {dirname} from 'node:path';
import {codeOf} from '../text/orgkey-error.ts';

/** Each step that the store takes on a disk. Tests let each of them fail. */
export interface StoreFiles {
  /** Makes the directory and its missing parents, durably and for us alone. */
  makeDirectory(path: string): Promise<void>;
  /** Describes the path itself: links are not followed. */
  facts(path: string): Promise<Facts>;
  list(directory: string): Promise<string[]>;
  /** Reads at most `limit` bytes. Links are not followed. `undefined`: the file does not exist. */
  read(path: string, limit: number): Promise<{readonly bytes: Uint8Array; readonly facts: Facts} | undefined>;
  /** Makes a file with mode 0600. Rejects if it exists. */
  create(path: string): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes renames and removals in a directory outlive a power loss. */
  syncDirectory(path: string): Promise<void>;
}

interface WritableFile {
  /** Returns how many bytes were written, which may be fewer than given. */
  write(bytes: Uint8Array): Promise<number>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface Facts {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  /** The owner's uid. */
  readonly owner: number;
  /** Permission bits. */
  readonly mode: number;
}

export const diskFiles: StoreFiles = {
  async makeDirectory(path) {
    const first = await mkdir(path, {recursive: true, mode: 0o700});
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made))
      await syncDirectory(dirname(made));
  },

  async facts(path) {
    return factsOf(await lstat(path));
  },

  list: (directory) => readdir(directory),

  async read(path, limit) {
    try {
      await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const stats = await file.stat();
      // one buffer for all: others would keep parts of a secret
      const bytes = new Uint8Array(stats.isFile() ? Math.min(stats.size, limit) : 0);
      let end = 0;
      while (end < bytes.length) {
        const {bytesRead} = await file.read(bytes, end, bytes.length - end, end);
        if (bytesRead === 0) break;
        end += bytesRead;
      }
      return {bytes: bytes.subarray(0, end), facts: factsOf(stats)};
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT') return undefined;
      if (code === 'ELOOP') return {bytes: new Uint8Array(), facts: {kind: 'link', owner: 0, mode: 0}};
      throw error;
    }
  },

  async create(path) {
    const file = await open(path, 'wx', 0o600);
    return {
      write: async (bytes) => (await file.write(bytes)).bytesWritten,
      sync: () => file.sync(),
      close: () => file.close(),
    };
  },

  rename: (from, to) => rename(from, to),
  remove: (path) => unlink(path),
  syncDirectory,
};

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } catch (error) {
    // some file systems cannot do this
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(error) ?? '')) throw error;
  }
}

interface Stats {
  readonly uid: number;
  readonly mode: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

function factsOf(stats: Stats): Facts {
  return {kind: kindOf(stats), owner: stats.uid, mode: stats.mode & 0o7777};
}

function kindOf(stats: Stats): Facts['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'link' : 'other';
}
