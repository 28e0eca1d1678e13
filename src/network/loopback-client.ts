import {readFileSync} from 'node:fs';
import type {Socket} from 'node:net';
import {release} from 'node:os';

/**
 * Whose process is at the other end of a loopback connection. `unknown`: the system does not say, or the process is on
 * another side of a relay, as a browser of Windows is for WSL.
 */
export type LoopbackClient = 'ours' | 'another-user' | 'unknown';

type Addresses = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>;

/**
 * Returns whose process opened a connection to a loopback address. Only Linux says so, in a table of all connections:
 * the client's end has the owner of the process. Root counts as ours.
 */
export function clientOf(
  connection: Addresses,
  uid = process.getuid?.(),
  tables = readTables(),
): LoopbackClient {
  const {remoteAddress, remotePort, localAddress, localPort} = connection;
  const from = endpoint(remoteAddress, remotePort);
  const to = endpoint(localAddress, localPort);
  if (from === undefined || to === undefined || uid === undefined) return 'unknown';
  const owner = ownerOf(from, to, tables);
  if (owner === undefined) return 'unknown';
  // a closed socket has neither owner nor inode: this client does not wait for an answer, as a browser would
  if (owner.inode === 0) return 'another-user';
  if (owner.uid === uid || owner.uid === 0) return 'ours';
  // the relay to Windows runs as root, which the sandbox of a unit may not know
  return owner.uid === OVERFLOW_UID && isWindowsBehind() ? 'unknown' : 'another-user';
}

/** Stands for every user that our namespace does not know. */
const OVERFLOW_UID = 65_534;

/** Whether this is WSL. */
function isWindowsBehind(): boolean {
  return /microsoft/i.test(release());
}

interface Owner {
  readonly uid: number;
  readonly inode: number;
}

/** Finds the client's end: its own address comes first there. */
function ownerOf(from: string, to: string, tables: readonly string[]): Owner | undefined {
  for (const line of tables) {
    const [, local = '', remote = '', , , , , uid, , inode] = line.trim().split(/\s+/);
    if (withoutMapping(local) === from && withoutMapping(remote) === to)
      return {uid: Number(uid), inode: Number(inode)};
  }
  return undefined;
}

function readTables(): string[] {
  return ['/proc/self/net/tcp', '/proc/self/net/tcp6'].flatMap((path) => {
    try {
      return readFileSync(path, 'latin1').split('\n');
    } catch {
      // not Linux, or hidden
      return [];
    }
  });
}

/** Returns an end of a connection as the kernel's table has it. `undefined`: it is not a loopback address. */
function endpoint(address: string | undefined, port: number | undefined): string | undefined {
  const host = address === '::1' ? IPV6_LOOPBACK : ipv4(address ?? '');
  return host === undefined || port === undefined ? undefined : `${host}:${hex(port, 4)}`;
}

function ipv4(address: string): string | undefined {
  const [, ...bytes] = /^(?:::ffff:)?(127)\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address) ?? [];
  return bytes.length === 0
    ? undefined
    : bytes
        .toReversed()
        .map((byte) => hex(Number(byte), 2))
        .join('');
}

/** A client may use an IPv6 socket for an IPv4 address. */
function withoutMapping(end: string): string {
  return end.startsWith(IPV4_MAPPED) ? end.slice(IPV4_MAPPED.length) : end;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

/** The kernel writes each word of four bytes in the order of the machine, which is little-endian wherever Node runs. */
const IPV6_LOOPBACK = '00000000000000000000000001000000';
const IPV4_MAPPED = '0000000000000000FFFF0000';
