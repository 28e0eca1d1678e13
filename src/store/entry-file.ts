import {createHash, randomBytes} from 'node:crypto';
import {StoreError} from './store-error.ts';
import type {StoreFiles} from './store-files.ts';

/** The longest name of an entry, in bytes of UTF-8. */
const LONGEST_NAME = 4096;

/** In bytes. */
export const LARGEST_SECRET = 1024 * 1024;

export const LARGEST_FILE = LARGEST_SECRET + LONGEST_NAME + 1024;

const ENTRY = /^[0-9a-f]{64}\.secret$/;
const LEFTOVER = '.new';

/**
 * Returns the file of an entry. It is a hash: no name can lead out of the directory, be too long for it, or differ in
 * case only.
 * @throws {StoreError} `ERR_STORE_REFUSED`
 */
export function fileOf(name: string): string {
  if (name === '' || !name.isWellFormed() || Buffer.byteLength(name) > LONGEST_NAME)
    throw new StoreError('ERR_STORE_REFUSED', 'the name is empty, too long, or not text');
  return `${createHash('sha256').update(name).digest('hex')}.secret`;
}

export function isEntry(file: string): boolean {
  return ENTRY.test(file);
}

/** Whether a process that was killed left this file. */
export function isLeftover(file: string): boolean {
  return file.endsWith(LEFTOVER) && isEntry(file.slice(0, 64 + '.secret'.length));
}

/** Replaces the file at `path`. A process that is killed at any moment leaves the old content or the new one. */
export async function replaceFile(files: StoreFiles, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}${LEFTOVER}`;
  try {
    await writeWhole(files, temporary, bytes);
    await files.rename(temporary, path);
  } catch (error) {
    // if this fails too, the next start removes the file
    await files.remove(temporary).catch(() => undefined);
    throw error;
  }
}

async function writeWhole(files: StoreFiles, path: string, bytes: Uint8Array): Promise<void> {
  const file = await files.create(path);
  try {
    for (let at = 0; at < bytes.length;) {
      const taken = await file.write(bytes.subarray(at));
      if (taken === 0)
        throw new StoreError('ERR_STORE_FULL', `cannot write to ${path}: the disk takes no more`);
      at += taken;
    }
    await file.sync();
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  // a network file system may report a full disk only now
  await file.close();
}
