import {createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes} from 'node:crypto';
import {Secret} from '../secret/secret.ts';

/** What one file of the store holds. */
export type Entry =
  | {readonly kind: 'entry'; readonly name: string; readonly secret: Secret}
  /** It is encrypted, and the key is missing or another one. */
  | {readonly kind: 'locked'}
  | {readonly kind: 'damaged'};

/** Encrypts entries. It is derived from a secret of at least 32 bytes, which stays the caller's. */
export class StoreKey {
  /** Distinguishes entries of another key from damaged ones. */
  readonly id: Uint8Array;
  readonly #key: Secret;

  constructor(secret: Secret) {
    const derive = (use: string, length: number) =>
      new Uint8Array(
        secret.use((material) => hkdfSync('sha256', material, '', `orgkey store 1: ${use}`, length)),
      );
    this.#key = new Secret(derive('key', 32));
    this.id = derive('id', KEY_ID);
  }

  /** Calls `act` with the bytes of the key. */
  use<T>(act: (key: Uint8Array) => T): T {
    return this.#key.use(act);
  }

  erase(): void {
    this.#key.erase();
  }
}

/**
 * Returns the bytes of a file. With a key: a header, the id of the key, a nonce, the tag and the encrypted text; all of
 * it is authenticated. Without: a header, a checksum and the text. The text holds the name and the secret, so that a
 * file which was moved to the place of another is noticed.
 */
export function encodeEntry(name: string, secret: Secret, key: StoreKey | undefined): Uint8Array {
  const text = textOf(name, secret);
  try {
    return key === undefined ? encodePlain(text) : encodeSealed(text, key);
  } finally {
    text.fill(0);
  }
}

/** Returns what a file holds. The caller erases the secret. */
export function decodeEntry(bytes: Uint8Array, key: StoreKey | undefined): Entry {
  if (startsWith(bytes, PLAIN)) return decodePlain(bytes);
  if (!startsWith(bytes, SEALED)) return {kind: 'damaged'};
  return decodeSealed(bytes, key);
}

/** Whether a file is encrypted. Decrypts nothing. */
export function isSealed(bytes: Uint8Array): boolean {
  return startsWith(bytes, SEALED);
}

function encodePlain(text: Uint8Array): Uint8Array {
  return joined(PLAIN, createHash('sha256').update(text).digest(), text);
}

function decodePlain(bytes: Uint8Array): Entry {
  const sum = bytes.subarray(PLAIN.length, PLAIN.length + SUM);
  const text = bytes.subarray(PLAIN.length + SUM);
  if (!createHash('sha256').update(text).digest().equals(sum)) return {kind: 'damaged'};
  return entryFrom(text);
}

function encodeSealed(text: Uint8Array, key: StoreKey): Uint8Array {
  const nonce = randomBytes(NONCE);
  const head = joined(SEALED, key.id, nonce);
  return key.use((bytes) => {
    const cipher = createCipheriv('aes-256-gcm', bytes, nonce).setAAD(head);
    const sealed = [cipher.update(text), cipher.final()];
    return joined(head, cipher.getAuthTag(), ...sealed);
  });
}

function decodeSealed(bytes: Uint8Array, key: StoreKey | undefined): Entry {
  const tagAt = SEALED.length + KEY_ID + NONCE;
  const head = bytes.subarray(0, tagAt);
  const tag = bytes.subarray(tagAt, tagAt + TAG);
  if (tag.length !== TAG) return {kind: 'damaged'};
  const id = head.subarray(SEALED.length, SEALED.length + KEY_ID);
  if (key === undefined || !key.id.every((byte, at) => byte === id[at])) return {kind: 'locked'};
  return key.use((keyBytes) => {
    const decipher = createDecipheriv('aes-256-gcm', keyBytes, head.subarray(-NONCE), {authTagLength: TAG});
    decipher.setAAD(head).setAuthTag(tag);
    const text = decipher.update(bytes.subarray(tagAt + TAG));
    try {
      // throws if a single bit has changed
      decipher.final();
      return entryFrom(text);
    } catch {
      return {kind: 'damaged'};
    } finally {
      text.fill(0);
    }
  });
}

function textOf(name: string, secret: Secret): Uint8Array {
  const encoded = new TextEncoder().encode(name);
  const text = new Uint8Array(LENGTH + encoded.length + secret.length);
  new DataView(text.buffer).setUint32(0, encoded.length);
  text.set(encoded, LENGTH);
  secret.use((bytes) => text.set(bytes, LENGTH + encoded.length));
  return text;
}

function entryFrom(text: Uint8Array): Entry {
  if (text.length < LENGTH) return {kind: 'damaged'};
  const end = LENGTH + new DataView(text.buffer, text.byteOffset).getUint32(0);
  if (end > text.length) return {kind: 'damaged'};
  return {
    kind: 'entry',
    name: new TextDecoder().decode(text.subarray(LENGTH, end)),
    // a copy: the buffer is overwritten
    secret: new Secret(new Uint8Array(text.subarray(end))),
  };
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function startsWith(bytes: Uint8Array, head: Uint8Array): boolean {
  return head.every((byte, at) => byte === bytes[at]);
}

const PLAIN = new TextEncoder().encode('orgkey secret 1 plain\n');
const SEALED = new TextEncoder().encode('orgkey secret 1 aes-256-gcm\n');
/** Lengths, in bytes. */
const KEY_ID = 8;
const NONCE = 12;
const TAG = 16;
const SUM = 32;
const LENGTH = 4;
