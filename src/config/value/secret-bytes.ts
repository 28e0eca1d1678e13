import type {Secret} from '../../secret/secret.ts';

/** A secret on one line, or a text that has lines, as PEM. */
export type SecretForm = 'line' | 'lines';

/**
 * Returns a copy without blanks at either end, and without the byte order mark that some editors write. A copy, because
 * the bytes that were read are overwritten later.
 */
export function trimmedBytes(bytes: Uint8Array): Uint8Array {
  let start = BYTE_ORDER_MARK.every((byte, at) => bytes[at] === byte) ? BYTE_ORDER_MARK.length : 0;
  let end = bytes.length;
  while (start < end && isBlank(bytes[start])) start += 1;
  while (end > start && isBlank(bytes[end - 1])) end -= 1;
  return Uint8Array.from(bytes.subarray(start, end));
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}

/**
 * Returns why a secret cannot be used: git's protocol and HTTP headers cannot carry control characters.
 * `what`: how the reason names it.
 */
export function whyUnusable(secret: Secret, form: SecretForm, what = 'the secret'): string | undefined {
  if (secret.length === 0) return `${what} is empty`;
  const isUsable = secret.use((bytes) =>
    bytes.every((byte) => (byte >= 0x20 && byte !== 0x7f) || (form === 'lines' && isBlank(byte))),
  );
  if (isUsable) return undefined;
  return form === 'line'
    ? `${what} has a line break or a control character in it`
    : `${what} has a control character in it`;
}
