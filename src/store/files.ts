import {constants} from 'node:fs';
import {lstat, mkdir, open, readdir, rename, unlink} from 'node:fs/promises';

/** What a store does to its files, one system call each: tests put failures in between. */
export interface Files {
  /** Makes a file that nobody else can read and that did not exist. */
  create(path: string): Promise<OpenFile>;
  /** Opens a file to read it; a symbolic link is no file of ours. */
  open(path: string): Promise<OpenFile>;
  openDirectory(path: string): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  list(directory: string): Promise<readonly string[]>;
  /** Makes it, 0700, with what is missing above. */
  makeDirectory(path: string): Promise<void>;
  /** Owner and permission bits, of the link itself if it is one. */
  describe(
    path: string,
  ): Promise<{readonly isDirectory: boolean; readonly owner: number; readonly mode: number}>;
}

export interface OpenFile {
  /** @returns how many bytes were taken, which may be fewer than given. */
  write(bytes: Uint8Array, offset: number): Promise<number>;
  /** @returns how many bytes were read; 0 at the end. */
  read(target: Uint8Array, offset: number): Promise<number>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const diskFiles: Files = {
  create: async (path) => openFile(await open(path, 'wx', 0o600)),
  open: async (path) => openFile(await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)),
  openDirectory: async (path) => openFile(await open(path, constants.O_RDONLY | constants.O_DIRECTORY)),
  rename,
  remove: unlink,
  list: (directory) => readdir(directory),
  makeDirectory: async (path) => {
    await mkdir(path, {recursive: true, mode: 0o700});
  },
  describe: async (path) => {
    const status = await lstat(path);
    return {isDirectory: status.isDirectory(), owner: status.uid, mode: status.mode & 0o777};
  },
};

function openFile(handle: Awaited<ReturnType<typeof open>>): OpenFile {
  return {
    write: async (bytes, offset) => (await handle.write(bytes, offset)).bytesWritten,
    read: async (target, offset) => (await handle.read(target, offset, target.length - offset)).bytesRead,
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}
