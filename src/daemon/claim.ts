import {chmodSync, lstatSync, statSync, type Stats, unlinkSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {otherServes} from '../service/service-result.ts';
import {cannotMake, makeDirectory, RUNTIME_NAMING, type Naming} from '../places/make-directory.ts';
import {askSocket, isOrgkey} from '../places/ask-socket.ts';
import {OrgkeyError, messageOf} from '../text/orgkey-error.ts';
import {fileIdentity} from './git/listener.ts';

/** Why a directory or a path cannot be ours. */
export class ClaimError extends OrgkeyError {
  override readonly name = 'ClaimError';
  override readonly hint: string;

  constructor(message: string, hint: string) {
    super('ERR_CLAIM', message, {hint});
    this.hint = hint;
  }
}

export function hintFor(error: unknown, path: string): string {
  return error instanceof ClaimError ? error.hint : `look at what is there: ls -la ${dirname(path)}`;
}

/** git's own cache daemon refuses to start in such a directory, even as root, and users can still pass through. */
const PASSAGE = 0o711;
const PRIVATE = 0o700;

/** What `sun_path` holds, in bytes, including the NUL at the end. */
const LONGEST_PATH = process.platform === 'darwin' ? 104 : 108;

/**
 * Makes a directory, or checks the existing one: another user who made it first would receive every `store`.
 * @throws {ClaimError}
 */
function claimDirectory(path: string, mode: typeof PASSAGE | typeof PRIVATE, {named, naming}: Claim): void {
  const stats = makeAndLook(path, {named, naming});
  const another = `or name another directory in ${naming.variable}`;
  if (stats.isSymbolicLink())
    throw new ClaimError(`${path} is a symbolic link`, `remove the link ${path}, ${another}`);
  if (!stats.isDirectory())
    throw new ClaimError(`${path} is not a directory`, `remove the file ${path}, ${another}`);
  const uid = process.geteuid?.() ?? 0;
  if (stats.uid !== uid && stats.uid !== 0) {
    throw new ClaimError(
      `${path} belongs to another user (uid ${stats.uid})`,
      `remove the directory ${path}, ${another}`,
    );
  }
  // root sets the mode of its own directory, such as /run/orgkey
  if (stats.uid === uid && (stats.mode & 0o777) !== mode) chmodSync(path, mode);
}

interface Claim {
  /** Whether the user named it, so that a symbolic link is intended. */
  readonly named: boolean;
  readonly naming: Naming;
}

/** @throws {ClaimError} */
function makeAndLook(path: string, {named, naming}: Claim): Stats {
  try {
    makeDirectory(path, PRIVATE, naming);
    return named ? statSync(path) : lstatSync(path);
  } catch (error) {
    const {message, hint = ''} = error instanceof OrgkeyError ? error : cannotMake(path, error, naming);
    throw new ClaimError(message, hint);
  }
}

/** Claims a directory that others may pass through. @throws {ClaimError} */
export function claimPassage(path: string, {named}: {readonly named: boolean}): void {
  claimDirectory(path, PASSAGE, {named, naming: RUNTIME_NAMING});
}

/** Claims a directory for us alone. @throws {ClaimError} */
export function claimPrivate(path: string, naming = RUNTIME_NAMING): void {
  claimDirectory(path, PRIVATE, {named: false, naming});
}

/**
 * Locks a runtime directory until the process ends. The lock is the kernel's, on a file that only we can reach, so it
 * goes with the process however that ends. Node takes such locks for SQLite databases only.
 * @throws {ClaimError} if another daemon holds it.
 */
export async function lockDirectory(directory: string): Promise<void> {
  const path = join(directory, 'control', 'lock');
  try {
    const {DatabaseSync} = await import('node:sqlite');
    const lock = new DatabaseSync(path);
    // a transaction that writes nothing and stays open
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    // this also keeps the lock from being garbage collected
    process.once('exit', () => lock.close());
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY)
      throw new ClaimError(
        otherServes(directory),
        'run: orgkey service status, or set ORGKEY_RUNTIME_DIR for a second daemon',
      );
    throw new ClaimError(
      `${path} cannot be locked (${messageOf(error)})`,
      `look at what is there, and remove it: ls -l ${path}`,
    );
  }
}

const SQLITE_BUSY = 5;

/**
 * Frees the path of a socket: removes a socket on which no process listens, and asks git's own cache daemon to leave.
 * Touches nothing else. The directory must be locked.
 * @throws {ClaimError}
 */
export async function claimPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) >= LONGEST_PATH) {
    throw new ClaimError(
      `the path ${path} is longer than ${LONGEST_PATH - 1} bytes`,
      'name a shorter directory in ORGKEY_RUNTIME_DIR, or with --runtime-dir',
    );
  }
  const stats = lstatSync(path, {throwIfNoEntry: false});
  if (stats === undefined) return;
  if (!stats.isSocket())
    throw new ClaimError(
      `${path} is ${kindOf(stats)}, not a socket`,
      `look at what is there, and remove it: ls -ld ${path}`,
    );
  const before = fileIdentity(path);
  const answer = await askSocket(path, 'action=hello\ntimeout=0\n');
  if (answer.kind === 'absent') return unlinkIfStill(path, before);
  if (isOrgkey(answer)) throw new ClaimError(otherServes(path), 'run: orgkey service status');
  // git's cache daemon removes its socket when it ends: ours must not be there before that
  await askSocket(path, 'action=exit\ntimeout=0\n');
  const after = await askSocket(path, 'action=hello\ntimeout=0\n');
  if (after.kind !== 'absent')
    throw new ClaimError(`another program listens on ${path}`, `find it with: ss -xlp | grep ${path}`);
  unlinkIfStill(path, before);
}

function kindOf(stats: Stats): string {
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isDirectory()) return 'a directory';
  if (stats.isSymbolicLink()) return 'a symbolic link';
  return stats.isFile() ? 'a file' : 'a device';
}

function unlinkIfStill(path: string, identity: string | undefined): void {
  if (identity !== undefined && fileIdentity(path) === identity) unlinkSync(path);
}
