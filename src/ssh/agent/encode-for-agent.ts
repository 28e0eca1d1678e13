import {createPrivateKey, type KeyObject} from 'node:crypto';

import {Secret} from '../../secret/secret.ts';
import {
  NOT_WHOLE,
  UNUSED_KIND,
  publicHalfOf,
  refuseHalf,
  refuseText,
  type KeyRefusal,
  type PublicHalf,
} from '../key/private-key.ts';
import {readPem} from './read-pem.ts';
import {WireReader, string, uint32} from '../relay/wire.ts';

/** A private key as it is handed to an ssh-agent. */
export interface EncodedKey {
  readonly half: PublicHalf;
  /** Type, numbers and comment, as the agent's protocol has them. Who gets it erases it. */
  readonly encoded: Secret;
}

export type KeyEncoding = {readonly kind: 'encoded'; readonly key: EncodedKey} | KeyRefusal;

/**
 * Reads a private key on its way to an agent, in the same three forms as `readPrivateKey`. An RSA key, and any in
 * OpenSSH's form, becomes no string and no object of the crypto library: those stay in memory until they are
 * collected, while each buffer here is overwritten. Whether the numbers fit each other is not checked: the agent's
 * first signature shows it.
 */
export function encodeForAgent(secret: Secret, host: string): KeyEncoding {
  const text = Buffer.alloc(secret.length);
  secret.copyTo(text, 0);
  try {
    const {head, label, body} = readPem(text);
    const unfit = refuseText(head);
    if (unfit !== undefined) return unfit;
    if (body === undefined) return NOT_WHOLE;
    const key = decode(label, body);
    if (key === undefined) return UNUSED_KIND;
    const misfit = refuseHalf(key.half, host);
    if (misfit === undefined) return {kind: 'encoded', key};
    key.encoded.erase();
    return misfit;
  } catch {
    // whatever is said of it could quote the key
    return NOT_WHOLE;
  } finally {
    text.fill(0);
  }
}

/** Overwrites the bytes. `undefined`: a key of another kind. */
function decode(label: string, bytes: Buffer): EncodedKey | undefined {
  try {
    if (label === 'OPENSSH PRIVATE KEY') return fromOpenSsh(bytes);
    if (label === 'RSA PRIVATE KEY') return fromPkcs1(bytes);
    if (label === 'EC PRIVATE KEY')
      return fromObject(createPrivateKey({key: bytes, format: 'der', type: 'sec1'}));
    if (label !== 'PRIVATE KEY') return undefined;
    const rsa = rsaInPkcs8(bytes);
    return rsa === undefined
      ? fromObject(createPrivateKey({key: bytes, format: 'der', type: 'pkcs8'}))
      : fromPkcs1(rsa);
  } finally {
    bytes.fill(0);
  }
}

/** How many numbers each type has, as OpenSSH writes them: the agent takes the same. */
const FIELDS: ReadonlyMap<string, number> = new Map([
  ['ssh-rsa', 6],
  ['ssh-ed25519', 2],
  ['ecdsa-sha2-nistp256', 3],
  ['ecdsa-sha2-nistp384', 3],
  ['ecdsa-sha2-nistp521', 3],
]);

/** @see https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key */
function fromOpenSsh(bytes: Buffer): EncodedKey | undefined {
  const reader = new WireReader(bytes.subarray(MAGIC.length));
  const [cipher, derivation] = [reader.text(), reader.text()];
  reader.string();
  const keys = reader.uint32();
  reader.string();
  const inner = new WireReader(reader.string());
  const sound =
    bytes.subarray(0, MAGIC.length).equals(MAGIC) && cipher === 'none' && derivation === 'none' && keys === 1;
  if (!sound || inner.uint32() !== inner.uint32()) throw new Error('not a whole key');
  const type = inner.text();
  const count = FIELDS.get(type);
  if (count === undefined) return undefined;
  const fields = Array.from({length: count}, () => inner.string());
  const [first = EMPTY, second = EMPTY] = fields;
  switch (type) {
    case 'ssh-rsa':
      return rsaKey(fields);
    case 'ssh-ed25519':
      return {
        half: {type, size: 256, blob: join(string(type), string(first))},
        encoded: encode(type, fields),
      };
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return {
        half: {
          type,
          size: Number(type.slice(-3)),
          blob: join(string(type), string(first), string(second)),
        },
        encoded: encode(type, fields),
      };
    default:
      return undefined;
  }
}

const MAGIC = Buffer.from('openssh-key-v1\0');
const EMPTY = Buffer.alloc(0);

/** @see https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1.2 */
function fromPkcs1(bytes: Buffer): EncodedKey {
  const reader = new DerReader(new DerReader(bytes).value(SEQUENCE));
  reader.value(INTEGER);
  // DER's numbers are written as SSH's are
  const [n, e, d, p, q, , , inverse] = Array.from({length: 8}, () => reader.value(INTEGER));
  if (!n || !e || !d || !p || !q || !inverse) throw new Error('not a whole key');
  return rsaKey([n, e, d, inverse, p, q]);
}

/** In SSH's order: n, e, d, the inverse of q, p, q. */
function rsaKey(fields: readonly Buffer[]): EncodedKey {
  const [n = EMPTY, e = EMPTY] = fields;
  const type = 'ssh-rsa';
  return {
    half: {type, size: bitsIn(n), blob: join(string(type), string(e), string(n))},
    encoded: encode(type, fields),
  };
}

/** The RSA key in it; `undefined` where it is of another kind. @see https://www.rfc-editor.org/rfc/rfc5208#section-5 */
function rsaInPkcs8(bytes: Buffer): Buffer | undefined {
  const reader = new DerReader(new DerReader(bytes).value(SEQUENCE));
  reader.value(INTEGER);
  const algorithm = new DerReader(reader.value(SEQUENCE)).value(OBJECT_IDENTIFIER);
  return algorithm.equals(RSA_ENCRYPTION) ? reader.value(OCTETS) : undefined;
}

/** Of the kinds that only servers of one's own take. */
function fromObject(key: KeyObject): EncodedKey | undefined {
  const half = publicHalfOf(key);
  if (half === undefined || half.type === 'ssh-rsa') return undefined;
  const reader = new WireReader(half.blob);
  reader.string();
  const first = reader.string();
  if (half.type === 'ssh-ed25519') {
    const der = key.export({type: 'pkcs8', format: 'der'});
    const pair = join(der.subarray(-32), first);
    const encoded = encode(half.type, [first, pair]);
    der.fill(0);
    pair.fill(0);
    return {half, encoded};
  }
  const der = key.export({type: 'sec1', format: 'der'});
  const inner = new DerReader(new DerReader(der).value(SEQUENCE));
  inner.value(INTEGER);
  // a zero in front says that it is no negative number
  const number = join(Buffer.of(0), inner.value(OCTETS));
  const encoded = encode(half.type, [first, reader.string(), number]);
  der.fill(0);
  number.fill(0);
  return {half, encoded};
}

/** In one buffer, so that nothing is left behind. */
function encode(type: string, fields: readonly Uint8Array[]): Secret {
  const parts = [Buffer.from(type), ...fields, Buffer.from('orgkey')];
  const encoded = Buffer.alloc(parts.reduce((sum, {length}) => sum + 4 + length, 0));
  let at = 0;
  for (const part of parts) {
    encoded.set(uint32(part.length), at);
    encoded.set(part, at + 4);
    at += 4 + part.length;
  }
  return new Secret(encoded);
}

/** Not from the pool, whose bytes could be seen by others. */
function join(...parts: Uint8Array[]): Buffer {
  const joined = Buffer.alloc(parts.reduce((sum, {length}) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function bitsIn(number: Buffer): number {
  const start = number.findIndex((digit) => digit !== 0);
  return start === -1 ? 0 : (number.length - start) * 8 - Math.clz32(number[start] ?? 0) + 24;
}

/** The few forms of DER that private keys have. */
class DerReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** A view. @throws {Error} where the next value has another tag, or is cut short. */
  value(tag: number): Buffer {
    if (this.#byte() !== tag) throw new Error('another tag');
    const first = this.#byte();
    let length = first;
    if (first > 0x80) {
      length = 0;
      for (let count = first & 0x7f; count > 0; count -= 1) length = length * 256 + this.#byte();
    }
    const value = this.#bytes.subarray(this.#at, this.#at + length);
    if (first === 0x80 || value.length !== length) throw new Error('cut short');
    this.#at += length;
    return value;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new Error('cut short');
    this.#at += 1;
    return byte;
  }
}

const INTEGER = 0x02;
const OCTETS = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const SEQUENCE = 0x30;
const RSA_ENCRYPTION = Buffer.from('2a864886f70d010101', 'hex');
