import {isRecord, parseRecord} from '../text/record.ts';

/**
 * What the daemon and an acquirer write to each other: one line of JSON, the head, which never holds a secret, and
 * after it the secrets as raw bytes in the order that the head names them. So no secret becomes a string in the
 * daemon, where strings stay until they are collected, and every buffer that held one can be overwritten.
 */
export interface Message {
  readonly head: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, Uint8Array>>;
}

/** The caller overwrites what it gets, once it was written. */
export function encodeMessage({head, secrets}: Message): Buffer {
  const names = Object.keys(secrets);
  const lengths = Object.fromEntries(names.map((name) => [name, secrets[name]?.length ?? 0]));
  const line = Buffer.from(`${JSON.stringify({...head, secrets: lengths})}\n`);
  // not from Node's pool: what is overwritten must be all that there is
  const bytes = Buffer.alloc(line.length + Object.values(lengths).reduce((sum, length) => sum + length, 0));
  bytes.set(line);
  let offset = line.length;
  for (const name of names) {
    bytes.set(secrets[name] ?? new Uint8Array(), offset);
    offset += lengths[name] ?? 0;
  }
  return bytes;
}

/**
 * The secrets are copies, `bytes` can be overwritten.
 *
 * @returns `undefined` where the bytes are no whole message.
 */
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
