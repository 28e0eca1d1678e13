import {constants} from 'node:fs';
import {lstat, open, readFile} from 'node:fs/promises';
import {dirname, join, normalize} from 'node:path';
import {machineDirectory} from '../places/paths.ts';
import {codeOf} from '../text/orgkey-error.ts';
import {repairUnreadable} from './why-unreadable.ts';

/** What a file contains and who may use it. Links are followed: these are the facts of their target. */
export type FileRead =
  | {
      readonly kind: 'read';
      readonly bytes: Buffer;
      /** The owner's uid; 0 if `HIDDEN` can only mean root. */
      readonly owner: number;
      /** Permission bits. */
      readonly mode: number;
    }
  /** The message continues `the file … `. */
  | {readonly kind: 'failed'; readonly message: string; readonly hint?: string};

/** The largest configuration that is read, in bytes. */
export const LARGEST_CONFIGURATION = 64 * 1024 * 1024;

/** The largest secret that is read, in bytes. */
export const LARGEST_SECRET = 1024 * 1024;

/** Reads a regular file of at most `limit` bytes. Never waits: pipes and devices are not read. */
export async function readProtectedFile(path: string, limit: number): Promise<FileRead> {
  try {
    // a pipe would keep us waiting for its other end
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await file.stat();
    if (!facts.isFile()) return {kind: 'failed', message: 'is not a regular file'};
    if (facts.size > limit) return {kind: 'failed', message: `is larger than ${limit / 1024 / 1024} MiB`};
    const bytes = await file.readFile();
    const owner = facts.uid === HIDDEN && (await isRootHidden(path)) ? 0 : facts.uid;
    return {kind: 'read', bytes, owner, mode: facts.mode & 0o7777};
  } catch (error) {
    const message = reasonOf(error);
    return message === UNREADABLE
      ? {kind: 'failed', message, hint: await repairUnreadable(path)}
      : {kind: 'failed', message};
  }
}

/**
 * Whether a file whose owner is hidden, as with PrivateUsers=yes, belongs to root. True if this user namespace has no
 * root, the file itself and not a link is in /etc/orgkey or its config.d, and only the hidden owner of that directory and of /etc can
 * write there. Nothing else tells root from another hidden user.
 */
async function isRootHidden(path: string): Promise<boolean> {
  const dropIns = join(machineDirectory, 'config.d');
  if (dirname(path) !== machineDirectory && dirname(path) !== dropIns) return false;
  try {
    const map = await readFile('/proc/self/uid_map', 'utf8');
    if (/^\s*0\s/m.test(map)) return false;
    const above = await Promise.all(
      ['/', dirname(machineDirectory), machineDirectory, dirname(path)].map((one) => lstat(one)),
    );
    const hidden = above.every((one) => one.isDirectory() && one.uid === HIDDEN && (one.mode & 0o022) === 0);
    return hidden && (await lstat(path)).isFile();
  } catch {
    return false;
  }
}

/** The uid shown for owners outside this user namespace (the overflow uid). */
const HIDDEN = 65_534;

/** Why a file cannot be trusted, or cannot hold a secret. */
interface Unsafe {
  readonly severity: 'error' | 'warning';
  /** Continues `the file … `. */
  readonly message: string;
  /** A command that the path completes, or `undefined`. */
  readonly hint: string | undefined;
}

/**
 * Returns why a file is unsafe. Only we and root may write it, because the configuration names programs to run. A
 * secret of our own may be read by no other user. A secret of root may be read by a group, and below /run, where
 * systemd, Docker and Kubernetes put secrets, by all.
 */
export function whyUnsafe(
  file: {readonly path: string; readonly owner: number; readonly mode: number},
  {uid, holdsSecret}: {readonly uid: number; readonly holdsSecret: boolean},
): Unsafe | undefined {
  const {owner, mode} = file;
  if (owner !== uid && owner !== 0) {
    return owner === HIDDEN
      ? unsafe('error', 'belongs to a user who is hidden from us', HIDDEN_HINT)
      : unsafe('error', `belongs to another user (uid ${owner})`, `chown ${uid}`);
  }
  if ((mode & 0o022) !== 0) return unsafe('error', 'can be written by others', 'chmod go-w');
  if (!holdsSecret) return undefined;
  if (owner === 0 && isBelowRun(file.path)) {
    return (mode & 0o004) === 0 ? undefined : unsafe('warning', 'holds a secret and can be read by others');
  }
  const readable = owner === 0 ? mode & 0o004 : mode & 0o044;
  return readable === 0
    ? undefined
    : unsafe('error', 'holds a secret and can be read by others', 'chmod go-r');
}

/** The path of the file follows. */
const HIDDEN_HINT =
  'with PrivateUsers=yes, files of root are recognized in /etc/orgkey only: put it there, or make it yours:';

function unsafe(severity: Unsafe['severity'], message: string, hint?: string): Unsafe {
  return {severity, message, hint};
}

const UNREADABLE = 'cannot be read by us';

function isBelowRun(path: string): boolean {
  return /^\/(?:var\/)?run\//.test(normalize(path));
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'does not exist';
    case 'EACCES':
    case 'EPERM':
      return UNREADABLE;
    case 'ELOOP':
      return 'is a link that leads nowhere';
    case 'ENXIO':
      return 'is not a regular file';
    default:
      return `cannot be read (${code ?? 'unknown error'})`;
  }
}
