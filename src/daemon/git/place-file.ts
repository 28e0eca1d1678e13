import {chmodSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {codeOf} from '../../text/orgkey-error.ts';

/**
 * Writes a file that clients may read, in one step. If root owns the directory, root also made the file for us, and we
 * can only write into it.
 */
export function placeFile(path: string, text: string, mode: 0o644 | 0o755): void {
  const fresh = `${path}.new`;
  try {
    rmSync(fresh, {force: true});
    writeFileSync(fresh, text, {mode, flag: 'wx'});
    chmodSync(fresh, mode);
    renameSync(fresh, path);
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes(codeOf(error) ?? '')) throw error;
    writeFileSync(path, text);
  }
}
