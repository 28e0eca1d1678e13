import {closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, renameSync} from 'node:fs';
import {join} from 'node:path';
import {makeDirectory, STATE_NAMING} from '../places/make-directory.ts';

/** Returns the path of the log of a daemon without a supervisor. */
export function daemonLog(stateDirectory: string): string {
  return join(stateDirectory, 'daemon.log');
}

/** In bytes. */
const daemonLogLimit = 1024 * 1024;

/**
 * Opens the log for appending, readable for us only. A log over the limit becomes `daemon.log.1` and replaces the
 * former one. The caller closes the descriptor.
 *
 * @throws {Error} if the state directory cannot be made or the log is a symbolic link.
 */
export function openDaemonLog(stateDirectory: string, limit = daemonLogLimit): number {
  makeDirectory(stateDirectory, 0o700, STATE_NAMING);
  const path = daemonLog(stateDirectory);
  const descriptor = openAppending(path);
  if (fstatSync(descriptor).size <= limit) return descriptor;
  closeSync(descriptor);
  renameSync(path, `${path}.1`);
  return openAppending(path);
}

function openAppending(path: string): number {
  const {O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR} = constants;
  return openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_RDWR, 0o600);
}

/**
 * Empties a log over the limit. A daemon that runs for months calls this now and then with its standard error. Does
 * nothing unless that is a regular file. All writers append, so truncation leaves no hole.
 */
export function boundLog(descriptor: number, limit = daemonLogLimit): void {
  const status = fstatSync(descriptor);
  if (status.isFile() && status.size > limit) ftruncateSync(descriptor, 0);
}

/** Returns what was written since `offset`, at most 64 KiB. */
export function readSince(descriptor: number, offset: number): string {
  const buffer = Buffer.alloc(64 * 1024);
  const length = readSync(descriptor, buffer, 0, buffer.length, offset);
  return buffer.toString('utf8', 0, length);
}
