import {dirname, join} from 'node:path';
import type {Files, OpenFile} from './files.ts';

/** Ends the name of a file that is not whole yet. */
export const UNFINISHED = '.unfinished';

/**
 * Puts a whole file in the place of another, or leaves everything as it was, whenever the machine stops. Resolves
 * once it outlives a loss of power. `random` makes the name of the unfinished file unique.
 *
 * @throws the file system's error; the old file is then still there.
 */
export async function writeFile(
  path: string,
  bytes: Uint8Array,
  {files, random}: {readonly files: Files; readonly random: string},
): Promise<void> {
  const unfinished = join(dirname(path), `.${random}${UNFINISHED}`);
  const file = await files.create(unfinished);
  try {
    await fill(file, bytes);
    await files.rename(unfinished, path);
  } catch (error) {
    // a disk that is full lets us remove still; where not, the next start does
    await files.remove(unfinished).catch(() => {});
    throw error;
  }
  // without this the name may point to the old file again after a loss of power
  const directory = await files.openDirectory(dirname(path));
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function fill(file: OpenFile, bytes: Uint8Array): Promise<void> {
  try {
    for (let written = 0; written < bytes.length;) {
      const count = await file.write(bytes, written);
      if (count <= 0) throw new Error('the file system takes no more bytes and does not say why');
      written += count;
    }
    await file.sync();
  } finally {
    await file.close();
  }
}
