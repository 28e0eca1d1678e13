import {writeFile} from 'node:fs/promises';
import {codeOf} from '../text/orgkey-error.ts';

/** Writes a file that only we can read. Returns whether it was written: a file that exists is left alone. */
export async function writeNew(path: string, content: string | Uint8Array): Promise<boolean> {
  try {
    await writeFile(path, content, {mode: 0o600, flag: 'wx'});
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}
