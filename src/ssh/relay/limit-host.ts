import type {Duplex} from 'node:stream';

import type {Client} from 'ssh2';

import {WireReader} from './wire.ts';

/** In bytes; a handshake takes about 4 KiB. */
const MOST_BEFORE_AUTHENTICATION = 256 * 1024;
/** In bits; a larger group costs half a second of computing. */
const LARGEST_GROUP = 4096;
/** In bytes; ssh2 rejects longer ones. */
const LONGEST_PACKET = 36_000;

/** What we offer, best first. Only old hosts have nothing but the last, in which the host chooses the group. */
export const KEY_EXCHANGES = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group15-sha512',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group-exchange-sha256',
] as const;

/**
 * Bounds what a host makes us do before it proved its key: ssh2 computes on the thread that answers git. Reads each chunk
 * before ssh2 does, and erases it if it is rejected.
 * @returns a function that ends this
 */
export function limitHandshake(stream: Duplex, reject: (reason: string) => void): () => void {
  const packets = new PlainPackets();
  let received = 0;
  let rejected = false;
  const check = (chunk: Buffer) => {
    received += chunk.length;
    // what was read before the stream ended may still come
    if (rejected) return void chunk.fill(0);
    const reason =
      received > MOST_BEFORE_AUTHENTICATION
        ? `it sent more than ${MOST_BEFORE_AUTHENTICATION / 1024} KiB before the end of the handshake`
        : packets.read(chunk);
    if (reason === undefined) return;
    rejected = true;
    chunk.fill(0);
    reject(reason);
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

const KEXINIT = 20;
const NEWKEYS = 21;
/** The group in a group exchange; in other key exchanges the same number is the reply. */
const GROUP = 31;

/** Reads the host's packets up to its first encrypted one. */
class PlainPackets {
  #phase: 'banner' | 'packets' | 'encrypted' = 'banner';
  #lineStart = '';
  #parts: Buffer[] = [];
  #held = 0;
  /** Of the current packet. */
  #total: number | undefined;
  #isGroupExchange = false;

  /** Returns why a chunk must not reach ssh2. */
  read(chunk: Buffer): string | undefined {
    let rest = chunk;
    while (rest.length > 0 && this.#phase !== 'encrypted') {
      if (this.#phase === 'banner') {
        rest = this.#readLine(rest);
        continue;
      }
      const wanted = (this.#total ?? 4) - this.#held;
      this.#parts.push(Buffer.from(rest.subarray(0, wanted)));
      this.#held += Math.min(wanted, rest.length);
      rest = rest.subarray(wanted);
      const reason = this.#advance();
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  #readLine(bytes: Buffer): Buffer {
    const end = bytes.indexOf(0x0a);
    const line = end === -1 ? bytes : bytes.subarray(0, end);
    this.#lineStart = (this.#lineStart + line.toString('latin1', 0, 4)).slice(0, 4);
    if (end === -1) return Buffer.alloc(0);
    if (this.#lineStart === 'SSH-') this.#phase = 'packets';
    this.#lineStart = '';
    return bytes.subarray(end + 1);
  }

  #advance(): string | undefined {
    if (this.#total === undefined) {
      if (this.#held < 4) return undefined;
      this.#total = 4 + Buffer.concat(this.#parts).readUInt32BE(0);
      return this.#total < 8 || this.#total > LONGEST_PACKET
        ? 'a packet has an impossible length'
        : undefined;
    }
    if (this.#held < this.#total) return undefined;
    const payload = Buffer.concat(this.#parts).subarray(5);
    this.#parts = [];
    this.#held = 0;
    this.#total = undefined;
    return this.#check(payload);
  }

  #check(payload: Buffer): string | undefined {
    switch (payload[0]) {
      case KEXINIT:
        this.#isGroupExchange = choiceOf(payload)?.includes('group-exchange') === true;
        return undefined;
      case NEWKEYS:
        this.#phase = 'encrypted';
        return undefined;
      case GROUP: {
        if (!this.#isGroupExchange) return undefined;
        const bits = (payload.length < 5 ? 0 : payload.readUInt32BE(1)) * 8;
        // a number may have a leading zero byte
        return bits > LARGEST_GROUP + 8 ? `its group has more than ${LARGEST_GROUP} bits` : undefined;
      }
      default:
        return undefined;
    }
  }
}

/** Returns the key exchange on which we and the host agree: our first one that it also has. */
function choiceOf(payload: Buffer): string | undefined {
  try {
    // after the number of the message and a cookie
    const theirs = new WireReader(payload.subarray(17)).text().split(',');
    return KEY_EXCHANGES.find((name) => theirs.includes(name));
  } catch {
    return undefined;
  }
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

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
