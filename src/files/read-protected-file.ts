import {constants} from 'node:fs';
import {lstat, open, readFile} from 'node:fs/promises';
import {dirname, normalize} from 'node:path';
import {machineDirectory} from '../places/machine-configuration.ts';
import {repairUnreadable} from './why-unreadable.ts';

/** What a file held and who may touch it. Links are followed: these are the facts of their target. */
export type FileRead =
  | {
      readonly kind: 'read';
      readonly bytes: Buffer;
      /** The owner's uid; root's where only he can be hidden behind `HIDDEN`. */
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

/** `limit` is in bytes. Never waits: what is no regular file is not read. */
export async function readProtectedFile(path: string, limit: number): Promise<FileRead> {
  try {
    // a pipe would keep us waiting for its other end
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await file.stat();
    if (!facts.isFile()) return {kind: 'failed', message: 'is no regular file'};
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
 * Whose file it is that belongs to nobody in this user namespace, as under PrivateUsers=yes: root's, if the namespace
 * has no root, and the file itself, no link to it, lies in /etc/orgkey, and whoever owns that directory and /etc alone
 * writes there. Nothing else could tell root from another user who is hidden like him.
 */
async function isRootHidden(path: string): Promise<boolean> {
  if (dirname(path) !== machineDirectory) return false;
  try {
    const map = await readFile('/proc/self/uid_map', 'utf8');
    if (/^\s*0\s/m.test(map)) return false;
    const above = await Promise.all(
      ['/', dirname(machineDirectory), machineDirectory].map((one) => lstat(one)),
    );
    const hidden = above.every((one) => one.isDirectory() && one.uid === HIDDEN && (one.mode & 0o022) === 0);
    return hidden && (await lstat(path)).isFile();
  } catch {
    return false;
  }
}

/** Who owns what belongs to nobody that this user namespace knows. */
const HIDDEN = 65_534;

/** What speaks against trusting a file, or against keeping a secret in it. */
interface Objection {
  readonly severity: 'error' | 'warning';
  /** Continues `the file … `. */
  readonly message: string;
  readonly hint: string | undefined;
}

/**
 * Nobody but us and root may write it: what the configuration says is run. A secret of ours nobody else may read;
 * root gives secrets to a group, and systemd, Docker and Kubernetes put root's secrets below /run for all to read.
 */
export function objectionTo(
  file: {readonly path: string; readonly owner: number; readonly mode: number},
  {uid, holdsSecret}: {readonly uid: number; readonly holdsSecret: boolean},
): Objection | undefined {
  const {owner, mode} = file;
  if (owner !== uid && owner !== 0) {
    return owner === HIDDEN
      ? objection('error', 'belongs to a user who is hidden from us', HIDDEN_HINT)
      : objection('error', `belongs to another user (uid ${owner})`, `chown ${uid}`);
  }
  if ((mode & 0o022) !== 0) return objection('error', 'can be written by others', 'chmod go-w');
  if (!holdsSecret) return undefined;
  if (owner === 0 && isBelowRun(file.path)) {
    return (mode & 0o004) === 0
      ? undefined
      : objection('warning', 'holds a secret and can be read by others');
  }
  const readable = owner === 0 ? mode & 0o004 : mode & 0o044;
  return readable === 0
    ? undefined
    : objection('error', 'holds a secret and can be read by others', 'chmod go-r');
}

/** The file's path follows it. */
const HIDDEN_HINT =
  'root’s files are known as his only in /etc/orgkey where the service has PrivateUsers=yes; put it there, or make it yours:';

function objection(severity: Objection['severity'], message: string, hint?: string): Objection {
  return {severity, message, hint};
}

const UNREADABLE = 'may not be read by us';

function isBelowRun(path: string): boolean {
  return /^\/(?:var\/)?run\//.test(normalize(path));
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
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
      return 'is no regular file';
    default:
      return `cannot be read (${typeof code === 'string' ? code : 'unknown error'})`;
  }
}
