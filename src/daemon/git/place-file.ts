import {closeSync, constants, fchmodSync, openSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {codeOf} from '../../text/orgkey-error.ts';

/**
 * Writes a file in one step, whatever is at its path. If root owns the directory, root also made the file for us, and we
 * can only write into it.
 */
export function placeFile(path: string, text: string, mode: 0o600 | 0o644 | 0o755): void {
  const fresh = `${path}.new`;
  try {
    rmSync(fresh, {force: true});
    // the umask takes bits of the mode
    writeTo(openSync(fresh, 'wx', mode), text, mode);
    renameSync(fresh, path);
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes(codeOf(error) ?? '')) throw error;
    // a container that may write there could put a link to our files
    writeTo(
      openSync(path, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW | constants.O_NONBLOCK),
      text,
    );
  }
}

function writeTo(file: number, text: string, mode?: number): void {
  try {
    if (mode !== undefined) fchmodSync(file, mode);
    writeFileSync(file, text);
  } finally {
    closeSync(file);
  }
}
