import {decodeBase64} from '../../text/base64.ts';

export interface Pem {
  /** The first line, and the second one where that holds nothing of the key: what mistakes are told by. */
  readonly head: string;
  /** `RSA PRIVATE KEY`; empty where there is none. */
  readonly label: string;
  /** Decoded; who gets it erases it. `undefined` where it is no whole block. */
  readonly body: Buffer | undefined;
}

/** In bytes; the first line of a key is shorter. */
const LONGEST_HEAD = 100;

/** Reads the armor around a key byte by byte: a string could not be overwritten. */
export function readPem(text: Uint8Array): Pem {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  const start = bytes.findIndex((byte) => !isBlank(byte));
  if (start === -1) return {head: '', label: '', body: undefined};
  const first = lineAt(bytes, start);
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----\r?\n$/.exec(first.text)?.[1] ?? '';
  const second = first.end < bytes.length ? lineAt(bytes, first.end) : undefined;
  // of OpenSSH's form the first line is magic and public half
  const isPublic = label.startsWith('OPENSSH ') || bytes.subarray(first.end).indexOf('Proc-Type:') === 0;
  const head = first.text + (isPublic && second !== undefined ? second.text : '');
  const end = bytes.indexOf('-----END', first.end);
  return {
    head,
    label,
    body: label === '' || end === -1 ? undefined : decodeBody(bytes.subarray(first.end, end)),
  };
}

/** With its line break. Of what is no line of a key, the beginning. */
function lineAt(bytes: Buffer, start: number): {readonly text: string; readonly end: number} {
  const feed = bytes.indexOf(0x0a, start);
  const end = feed === -1 ? bytes.length : feed + 1;
  return {text: bytes.toString('latin1', start, Math.min(end, start + LONGEST_HEAD)), end};
}

/** Without its line breaks. `undefined` where it is no base64. */
function decodeBody(text: Uint8Array): Buffer | undefined {
  // not from the pool, whose bytes could be seen by others
  const packed = Buffer.alloc(text.length);
  let length = 0;
  for (const character of text) {
    if (isBlank(character)) continue;
    packed[length] = character;
    length += 1;
  }
  const decoded = decodeBase64(packed.subarray(0, length));
  packed.fill(0);
  return decoded && Buffer.from(decoded.buffer, decoded.byteOffset, decoded.length);
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
