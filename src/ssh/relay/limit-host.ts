import type {Duplex} from 'node:stream';

import type {Client} from 'ssh2';
import {memberOf} from './member-of.ts';

/** In bytes; a handshake takes about 4 KiB. */
const MOST_BEFORE_AUTHENTICATION = 256 * 1024;

/**
 * What we offer, best first. Without group exchange, in which the host chooses a group: Node tests whether its number is
 * prime, which can take seconds, on the thread that answers git.
 */
export const KEY_EXCHANGES = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group15-sha512',
  'diffie-hellman-group14-sha256',
] as const;

/**
 * Bounds what a host makes us do before it proved its key: ssh2 computes on the thread that answers git. Reads each chunk
 * before ssh2 does, and erases it if it is rejected.
 * @returns a function that ends this
 */
export function limitHandshake(stream: Duplex, reject: (reason: string) => void): () => void {
  let received = 0;
  let rejected = false;
  const check = (chunk: Buffer) => {
    received += chunk.length;
    if (received <= MOST_BEFORE_AUTHENTICATION) return;
    chunk.fill(0);
    // what was read before the stream ended may still come
    if (!rejected)
      reject(`it sent more than ${MOST_BEFORE_AUTHENTICATION / 1024} KiB before the end of the handshake`);
    rejected = true;
  };
  // a listener for data would start the stream before ssh2 listens: ours is added together with that of ssh2
  const join = (event: string | symbol) => {
    if (event !== 'data') return;
    stream.off('newListener', join);
    stream.on('data', check);
  };
  stream.on('newListener', join);
  return () => stream.off('newListener', join).off('data', check);
}

/** Far more than the keepalive requests of a host. */
const MOST_REQUESTS = 100;

/**
 * Bounds the requests that a host may send after the handshake, for which ssh2 has no limit. `count` restarts from 0 when
 * the returned function is called.
 *
 * Writes private fields of ssh2 1.17.0, as `hastenDecryption` does. Returns `undefined`, and changes nothing, if another
 * version has no such fields.
 */
export function limitRequests(client: Client): (() => void) | undefined {
  const handlers = memberOf(memberOf(client, '_protocol'), '_handlers');
  let count = 0;
  for (const name of ['GLOBAL_REQUEST', 'CHANNEL_OPEN']) {
    const handle = memberOf(handlers, name);
    if (typeof handlers !== 'object' || handlers === null || typeof handle !== 'function') return undefined;
    Reflect.set(handlers, name, (...args: unknown[]) => {
      count += 1;
      // ssh2 reports it as an error of the connection
      if (count > MOST_REQUESTS) throw new Error(`more than ${MOST_REQUESTS} requests at once`);
      Reflect.apply(handle, handlers, args);
    });
  }
  return () => {
    count = 0;
  };
}
