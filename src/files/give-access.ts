import {chmodSync, chownSync, closeSync, constants, fstatSync, openSync} from 'node:fs';
import {OrgkeyError} from '../text/orgkey-error.ts';

/** Of Linux: opens what is at a path without reading it, sockets and links too. Node does not name it. */
const O_PATH = 0o10_000_000;

interface Access {
  /** Permission bits. */
  readonly mode: number;
  /** `undefined`: it stays. */
  readonly group: number | undefined;
}

/**
 * Sets group and mode of a socket that we made. It follows no link: a container that may write to the directory of its
 * socket could put one there, and so open our files to others.
 * @throws {Error} if another file is there by now.
 */
export function giveAccess(path: string, {mode, group}: Access): void {
  // other systems have no containers that share our directories
  if (process.platform !== 'linux') return setBoth(path, {mode, group});
  const held = openSync(path, O_PATH | constants.O_NOFOLLOW);
  try {
    if (!fstatSync(held).isSocket())
      throw new OrgkeyError('ERR_CLAIM', `${path} was replaced by another file`);
    setBoth(`/proc/self/fd/${held}`, {mode, group});
  } finally {
    closeSync(held);
  }
}

/** The mode is last: until then, the umask keeps other users out. */
function setBoth(path: string, {mode, group}: Access): void {
  if (group !== undefined) chownSync(path, -1, group);
  chmodSync(path, mode);
}
