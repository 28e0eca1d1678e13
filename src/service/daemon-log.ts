import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
} from 'node:fs';
import {join} from 'node:path';

/** Where a daemon that nobody supervises writes what it says. */
export function daemonLog(stateDirectory: string): string {
  return join(stateDirectory, 'daemon.log');
}

/** In bytes. */
export const daemonLogLimit = 1024 * 1024;

/**
 * Opens the log to append to, for us alone. A log that has grown over the limit becomes `daemon.log.1`, in the
 * place of the one before. The caller closes it.
 *
 * @throws {Error} where the state directory cannot be made or the log is a symbolic link.
 */
export function openDaemonLog(stateDirectory: string, limit = daemonLogLimit): number {
  mkdirSync(stateDirectory, {recursive: true, mode: 0o700});
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
 * Empties the log once it has grown over the limit: a daemon that runs for months calls this now and then with
 * its standard error. Does nothing where that is no regular file. Whoever writes appends, so no hole is left.
 */
export function boundLog(descriptor: number, limit = daemonLogLimit): void {
  const status = fstatSync(descriptor);
  if (status.isFile() && status.size > limit) ftruncateSync(descriptor, 0);
}

/** What was written since `offset`, at most 64 KiB of it. */
export function readSince(descriptor: number, offset: number): string {
  const buffer = Buffer.alloc(64 * 1024);
  const length = readSync(descriptor, buffer, 0, buffer.length, offset);
  return buffer.toString('utf8', 0, length);
}
