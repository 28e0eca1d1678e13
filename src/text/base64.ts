/**
 * Encodes by RFC 4648, section 4, with padding. Not by the platform's functions: their strings cannot be overwritten.
 */
export function encodeBase64(bytes: Uint8Array): Uint8Array {
  const encoded = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(PADDING);
  let out = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    const left = Math.min(3, bytes.length - at);
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let digit = 0; digit <= left; digit++)
      encoded[out + digit] = ALPHABET[(group >> (18 - 6 * digit)) & 63] ?? PADDING;
    out += 4;
  }
  return encoded;
}

/** Decodes base64 with padding. `undefined`: the text is not what `encodeBase64` would return. */
export function decodeBase64(text: Uint8Array): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const end =
    text.at(-1) !== PADDING ? text.length : text.at(-2) === PADDING ? text.length - 2 : text.length - 1;
  const decoded = new Uint8Array(Math.floor((end * 3) / 4));
  let bits = 0;
  let group = 0;
  let out = 0;
  for (const digit of text.subarray(0, end)) {
    const value = ALPHABET.indexOf(digit);
    if (value === -1) return erased(decoded);
    group = ((group << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    decoded[out] = (group >> bits) & 0xff;
    out += 1;
  }
  return (group & ((1 << bits) - 1)) === 0 ? decoded : erased(decoded);
}

/** Overwrites a part of what may be a secret. */
function erased(bytes: Uint8Array): undefined {
  bytes.fill(0);
}

const ALPHABET = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = 0x3d;
