import {constants} from 'node:fs';
import {open} from 'node:fs/promises';
import {normalize} from 'node:path';

/** What a file held and who may touch it. Links are followed: these are the facts of their target. */
export type FileRead =
  | {
      readonly kind: 'read';
      readonly bytes: Buffer;
      /** The owner's uid. */
      readonly owner: number;
      /** Permission bits. */
      readonly mode: number;
    }
  /** The message continues `the file … `. */
  | {readonly kind: 'failed'; readonly message: string};

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
    return {kind: 'read', bytes, owner: facts.uid, mode: facts.mode & 0o7777};
  } catch (error) {
    return {kind: 'failed', message: reasonOf(error)};
  }
}

/** What speaks against trusting a file, or against keeping a secret in it. */
export interface Objection {
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
    const hint = owner === NOBODY ? 'PrivateUsers= hides who the owner is' : `chown ${uid}`;
    return {severity: 'error', message: `belongs to another user (uid ${owner})`, hint};
  }
  if ((mode & 0o022) !== 0) return objection('error', 'can be written by others', 'chmod go-w');
  if (!holdsSecret) return undefined;
  if (owner === 0 && isBelowRun(file.path)) {
    return (mode & 0o004) === 0
      ? undefined
      : objection('warning', 'holds a secret and can be read by others');
  }
  const readable = owner === uid ? mode & 0o044 : mode & 0o004;
  return readable === 0
    ? undefined
    : objection('error', 'holds a secret and can be read by others', 'chmod go-r');
}

/** Who owns what belongs to nobody that this user namespace knows. */
const NOBODY = 65_534;

function objection(severity: Objection['severity'], message: string, hint?: string): Objection {
  return {severity, message, hint};
}

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
      return 'may not be read by us';
    case 'ELOOP':
      return 'is a link that leads nowhere';
    case 'ENXIO':
      return 'is no regular file';
    default:
      return `cannot be read (${typeof code === 'string' ? code : 'unknown error'})`;
  }
}
