import {existsSync} from 'node:fs';
import type {Socket} from 'node:net';
import {dirname, join} from 'node:path';
import type {Client} from '../../organization/socket-scope.ts';

/** Returns which process is at the other end of a Unix socket. `undefined`: the system does not say. */
export type AskPeer = (socket: Socket) => Client | undefined;

/** The constants of Linux on every processor for which Node has a release, except POWER. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const PROCESSORS: ReadonlySet<string> = new Set([
  'arm',
  'arm64',
  'ia32',
  'loong64',
  'riscv64',
  's390x',
  'x64',
]);

/** Stands for every user that our namespace does not know. */
const OVERFLOW_UID = 65_534;

/**
 * Returns how to ask the kernel, through the optional package `koffi`: Node itself cannot. Without the package, and on
 * other systems, clients have no names.
 */
export async function peerCredentials(
  importPackage: (name: string) => Promise<unknown> = importIfThere,
): Promise<AskPeer> {
  if (process.platform !== 'linux' || !PROCESSORS.has(process.arch)) return () => undefined;
  const getsockopt = await importPackage('koffi').then(functionOf, () => undefined);
  if (getsockopt === undefined) return () => undefined;
  return (socket) => {
    const fd = descriptorOf(socket);
    return fd === undefined ? undefined : credentialsOf(fd, getsockopt);
  };
}

/** Looks before it imports: an import that fails takes a cold start a millisecond. */
async function importIfThere(name: string): Promise<unknown> {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules', name))) return import(name);
    if (folder === dirname(folder)) return undefined;
  }
}

type GetSocketOption = (...args: readonly unknown[]) => unknown;

/** `undefined`: the package is another one, or does not work here. */
function functionOf(module: unknown): GetSocketOption | undefined {
  try {
    const koffi = memberOf(module, 'default') ?? module;
    const load = memberOf(koffi, 'load');
    if (typeof load !== 'function') return undefined;
    // of the C library that Node itself uses
    const library: unknown = Reflect.apply(load, koffi, [null]);
    const define = memberOf(library, 'func');
    if (typeof define !== 'function') return undefined;
    const defined: unknown = Reflect.apply(define, library, [
      'int getsockopt(int, int, int, _Out_ void *, _Inout_ void *)',
    ]);
    return typeof defined === 'function' ? (...args) => Reflect.apply(defined, undefined, args) : undefined;
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return (typeof value === 'object' || typeof value === 'function') && value !== null
    ? Reflect.get(value, name)
    : undefined;
}

function descriptorOf(socket: Socket): number | undefined {
  const fd = memberOf(memberOf(socket, '_handle'), 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

/** Reads a `struct ucred`: process, user and group at the time of the connection. */
function credentialsOf(fd: number, getsockopt: GetSocketOption): Client | undefined {
  const credentials = new Int32Array(3);
  const length = new Int32Array([credentials.byteLength]);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length) !== 0) return undefined;
  const [pid = 0, uid = 0] = credentials;
  return {uid: uid >>> 0 === OVERFLOW_UID ? undefined : uid >>> 0, pid: pid > 0 ? pid : undefined};
}
