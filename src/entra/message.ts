import {isRecord, parseRecord} from '../text/record.ts';

/**
 * A message between the daemon and an acquirer: one line of JSON, the head, which never holds a secret, then the secrets
 * as raw bytes in the order of the head. So no secret becomes a string in the daemon, which could not be overwritten.
 */
export interface Message {
  readonly head: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, Uint8Array>>;
}

/** Returns the bytes of a message. The caller overwrites them after writing. */
export function encodeMessage({head, secrets}: Message): Buffer {
  const names = Object.keys(secrets);
  const lengths = Object.fromEntries(names.map((name) => [name, secrets[name]?.length ?? 0]));
  const line = Buffer.from(`${JSON.stringify({...head, secrets: lengths})}\n`);
  // not from Node's pool: there must be one copy to overwrite
  const bytes = Buffer.alloc(line.length + Object.values(lengths).reduce((sum, length) => sum + length, 0));
  bytes.set(line);
  let offset = line.length;
  for (const name of names) {
    bytes.set(secrets[name] ?? new Uint8Array(), offset);
    offset += lengths[name] ?? 0;
  }
  return bytes;
}

/** Reads a message. The secrets are copies. Returns `undefined` if the bytes are not one whole message. */
export function decodeMessage(bytes: Uint8Array): Message | undefined {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return undefined;
  const parsed = parseRecord(new TextDecoder().decode(bytes.subarray(0, end)));
  if (parsed === undefined) return undefined;
  const {secrets: lengths, ...head} = parsed;
  if (!isRecord(lengths)) return undefined;
  const secrets: [name: string, secret: Uint8Array][] = [];
  let offset = end + 1;
  for (const [name, length] of Object.entries(lengths)) {
    if (typeof length !== 'number' || !Number.isInteger(length) || length < 0) return undefined;
    if (offset + length > bytes.length) return undefined;
    secrets.push([name, Uint8Array.from(bytes.subarray(offset, offset + length))]);
    offset += length;
  }
  return offset === bytes.length ? {head, secrets: Object.fromEntries(secrets)} : undefined;
}
