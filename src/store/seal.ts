import {createCipheriv, createDecipheriv, hkdfSync, randomBytes} from 'node:crypto';
import type {Secret} from '../token/secret.ts';

/** The first line of every file, which tells how the rest is to be read. */
const SEALED = Buffer.from('orgkey secret 1 aes-256-gcm\n');
const PLAIN = Buffer.from('orgkey secret 1 plain\n');

const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

/** A secret and its name, as a file holds them. */
export interface Named {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export type Opened =
  | {readonly kind: 'open'; readonly named: Named; readonly isSealed: boolean}
  /** It is sealed, and there is no key. */
  | {readonly kind: 'locked'}
  /** It was sealed with another key, or is not what was written. */
  | {readonly kind: 'damaged'};

/** 32 bytes for this purpose alone, from a key of any length. */
export function deriveKey(material: Secret): Buffer {
  const bytes = new Uint8Array(material.length);
  material.copyTo(bytes, 0);
  const key = Buffer.from(hkdfSync('sha256', bytes, new Uint8Array(), 'orgkey secret store', 32));
  bytes.fill(0);
  return key;
}

/** The bytes of a file. `key` has 32 bytes; without one anybody who can read the file can read the secret. */
export function seal({name, bytes}: Named, key: Uint8Array | undefined): Buffer {
  const content = contentOf(name, bytes);
  if (key === undefined) return Buffer.concat([PLAIN, content]);
  const nonce = randomBytes(NONCE_LENGTH);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(SEALED);
  const sealed = Buffer.concat([SEALED, nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  content.fill(0);
  return sealed;
}

export function unseal(file: Buffer, key: Uint8Array | undefined): Opened {
  if (startsWith(file, PLAIN)) return opened(file.subarray(PLAIN.length), false);
  if (!startsWith(file, SEALED)) return {kind: 'damaged'};
  if (key === undefined) return {kind: 'locked'};
  const rest = file.subarray(SEALED.length);
  if (rest.length < NONCE_LENGTH + TAG_LENGTH) return {kind: 'damaged'};
  const decipher = createDecipheriv('aes-256-gcm', key, rest.subarray(0, NONCE_LENGTH), {
    authTagLength: TAG_LENGTH,
  });
  decipher.setAAD(SEALED);
  decipher.setAuthTag(rest.subarray(-TAG_LENGTH));
  try {
    const content = Buffer.concat([
      decipher.update(rest.subarray(NONCE_LENGTH, -TAG_LENGTH)),
      decipher.final(),
    ]);
    return opened(content, true);
  } catch {
    return {kind: 'damaged'};
  }
}

/** The length of the name in two bytes, the name, the secret. */
function contentOf(name: string, bytes: Uint8Array): Buffer {
  const nameBytes = Buffer.from(name);
  const content = Buffer.alloc(2 + nameBytes.length + bytes.length);
  content.writeUInt16BE(nameBytes.length);
  content.set(nameBytes, 2);
  content.set(bytes, 2 + nameBytes.length);
  return content;
}

function opened(content: Buffer, isSealed: boolean): Opened {
  if (content.length < 2) return {kind: 'damaged'};
  const end = 2 + content.readUInt16BE();
  if (content.length < end) return {kind: 'damaged'};
  const named = {name: content.toString('utf8', 2, end), bytes: Uint8Array.from(content.subarray(end))};
  content.fill(0);
  return {kind: 'open', named, isSealed};
}

function startsWith(file: Buffer, line: Buffer): boolean {
  return file.subarray(0, line.length).equals(line);
}
