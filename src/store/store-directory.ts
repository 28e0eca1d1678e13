import {join} from 'node:path';
import {codeOf} from '../text/orgkey-error.ts';
import {printable} from '../text/printable.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {isSealed} from './entry-format.ts';
import {isEntry, LARGEST_FILE} from './entry-file.ts';
import {StoreError, storeErrorFrom} from './store-error.ts';
import type {Facts, StoreFiles} from './store-files.ts';

/** Makes the directory of a store, or checks that the existing one is ours alone. @throws {StoreError} */
export async function claimDirectory(directory: string, uid: number, files: StoreFiles): Promise<void> {
  const shown = printable(directory);
  const {kind, owner, mode} = await factsOf(directory, files);
  if (kind !== 'directory')
    throw new StoreError('ERR_STORE_DIRECTORY', `${shown} is a link, or not a directory`);
  if (owner !== uid)
    throw new StoreError('ERR_STORE_DIRECTORY', `${shown} belongs to another user (uid ${owner})`);
  if ((mode & 0o077) !== 0)
    throw new StoreError('ERR_STORE_DIRECTORY', `${shown} is open to other users`, {
      hint: `chmod 700 ${shellWord(directory)}`,
    });
}

async function factsOf(directory: string, files: StoreFiles): Promise<Facts> {
  try {
    return await files.facts(directory).catch(async (error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
      await files.makeDirectory(directory);
      return files.facts(directory);
    });
  } catch (error) {
    throw storeErrorFrom(error, `open ${printable(directory)}`);
  }
}

/** Whether some entry is encrypted. `false`: the store does not exist or cannot be read. */
export async function holdsEncrypted(directory: string, files: StoreFiles): Promise<boolean> {
  const names = await files.list(directory).catch(() => []);
  for (const file of names.filter(isEntry)) {
    const read = await files.read(join(directory, file), LARGEST_FILE).catch(() => undefined);
    const sealed = read !== undefined && isSealed(read.bytes);
    read?.bytes.fill(0);
    if (sealed) return true;
  }
  return false;
}
