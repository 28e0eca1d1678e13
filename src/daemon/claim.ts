import {chmodSync, lstatSync, mkdirSync, statSync, type Stats, unlinkSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {otherServes} from '../service/other-serves.ts';
import {askSocket, isOurs} from '../places/ask-socket.ts';
import {fileIdentity} from './git/listener.ts';

/** Why a directory or a path can't be ours. */
export class ClaimError extends Error {
  override readonly name = 'ClaimError';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** What to do about whatever went wrong at a path. */
export function hintFor(error: unknown, path: string): string {
  return error instanceof ClaimError ? error.hint : `look what is there: ls -la ${dirname(path)}`;
}

/** The system's word for it, as EACCES. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** In such a directory git's own cache daemon refuses to start, for root too, and we can still pass through. */
const PASSAGE = 0o711;
const PRIVATE = 0o700;

/** `sun_path` holds this many bytes, the closing NUL included. */
const LONGEST_PATH = process.platform === 'darwin' ? 104 : 108;

/**
 * Makes a directory, or checks the one that is there: whoever could make it first would be sent every `store`.
 * `named` says that the person named it, so that a link is what he wants.
 * @throws {ClaimError}
 */
export function claimDirectory(
  path: string,
  mode: typeof PASSAGE | typeof PRIVATE,
  {named}: {readonly named: boolean},
): void {
  const stats = makeDirectory(path, {named});
  if (stats.isSymbolicLink())
    throw new ClaimError(
      `${path} is a symbolic link`,
      'remove it, or name another directory in ORGKEY_RUNTIME_DIR',
    );
  if (!stats.isDirectory())
    throw new ClaimError(`${path} is no directory`, 'remove it, or name another one in ORGKEY_RUNTIME_DIR');
  const uid = process.geteuid?.() ?? 0;
  if (stats.uid !== uid && stats.uid !== 0) {
    throw new ClaimError(
      `${path} belongs to user ${stats.uid}, not to us`,
      'remove it, or name another directory in ORGKEY_RUNTIME_DIR',
    );
  }
  // root's own directory (/run/orgkey) is root's to set up
  if (stats.uid === uid && (stats.mode & 0o777) !== mode) chmodSync(path, mode);
}

/** @throws {ClaimError} */
function makeDirectory(path: string, {named}: {readonly named: boolean}): Stats {
  try {
    mkdirSync(path, {recursive: true, mode: PRIVATE});
    return named ? statSync(path) : lstatSync(path);
  } catch (error) {
    throw new ClaimError(
      `${path} cannot be made or entered (${codeOf(error)})`,
      `look what is there: ls -ld ${path}`,
    );
  }
}

export function claimPassage(path: string, options: {readonly named: boolean}): void {
  claimDirectory(path, PASSAGE, options);
}

export function claimPrivate(path: string): void {
  claimDirectory(path, PRIVATE, {named: false});
}

/**
 * Takes the lock of a runtime directory, for as long as the process lives: a lock of the kernel's on a file that only we
 * can reach, which goes with its process however that ends. Node takes such locks for its databases, and nowhere else.
 * @throws {ClaimError} where another daemon holds it.
 */
export async function lockDirectory(directory: string): Promise<void> {
  const path = join(directory, 'control', 'lock');
  try {
    const {DatabaseSync} = await import('node:sqlite');
    const lock = new DatabaseSync(path);
    // a transaction that writes nothing and does not end; what holds the lock must not be collected
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    process.once('exit', () => lock.close());
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY)
      throw new ClaimError(
        otherServes(directory),
        'run: orgkey service status, or set ORGKEY_RUNTIME_DIR for a second one',
      );
    const why = error instanceof Error ? error.message : String(error);
    throw new ClaimError(
      `${path} cannot be locked (${why})`,
      `look what is there, and remove it: ls -l ${path}`,
    );
  }
}

const SQLITE_BUSY = 5;

/**
 * Frees the path of a socket: removes one that nobody listens on, asks git's own daemon to leave, and touches
 * nothing else. The directory's lock must be held.
 * @throws {ClaimError}
 */
export async function claimPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) >= LONGEST_PATH) {
    throw new ClaimError(
      `the path ${path} is longer than ${LONGEST_PATH - 1} bytes`,
      'name a shorter directory in ORGKEY_RUNTIME_DIR',
    );
  }
  const stats = lstatSync(path, {throwIfNoEntry: false});
  if (stats === undefined) return;
  if (!stats.isSocket())
    throw new ClaimError(`${path} is there and is no socket`, 'look what it is, and remove it');
  const before = fileIdentity(path);
  const answer = await askSocket(path, 'action=hello\ntimeout=0\n');
  if (answer.kind === 'refused') return unlinkIfStill(path, before);
  if (isOurs(answer)) throw new ClaimError(otherServes(path), 'run: orgkey service status');
  // git's cache daemon ends at this word, and removes its socket as it goes: never before it is gone is ours put there
  await askSocket(path, 'action=exit\ntimeout=0\n');
  const after = await askSocket(path, 'action=hello\ntimeout=0\n');
  if (after.kind !== 'refused')
    throw new ClaimError(`another program listens on ${path}`, `find it with: ss -xlp | grep ${path}`);
  unlinkIfStill(path, before);
}

function unlinkIfStill(path: string, identity: string | undefined): void {
  if (identity !== undefined && fileIdentity(path) === identity) unlinkSync(path);
}
