import {OrgkeyError} from '../text/orgkey-error.ts';

/** One `key=value` line. Values stay bytes: some are secrets, and not all are text. */
export interface Attribute {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Why a request is not valid. The message never quotes a value. */
export class RequestError extends OrgkeyError {
  constructor(message: string) {
    super('ERR_REQUEST', message);
  }
}

/** In bytes; git has no limit, our credentials are some kilobytes. */
export const MAX_REQUEST = 64 * 1024;

const MAX_KEYS = 64;

/** Of one list; further ones are dropped. Servers and other helpers send them, so the request is still answered. */
const MAX_VALUES = 32;

/**
 * Reads the lines of a request in git's credential protocol. Rejects everything that two readers could read differently.
 * @throws {RequestError} if a line is not an attribute, or there are too many keys.
 * @see https://git-scm.com/docs/git-credential#IOFMT
 */
export function parseAttributes(bytes: Uint8Array): Attribute[] {
  if (bytes.length > MAX_REQUEST) throw new RequestError('longer than 64 KiB');
  const attributes: Attribute[] = [];
  const seen = new Map<string, number>();
  for (let start = 0; start < bytes.length;) {
    const {equals, end} = lineAt(bytes, start);
    // a blank line ends the request, whatever follows
    if (end === start) break;
    if (equals === -1) throw new RequestError('a line has no equals sign');
    const key = keyOf(bytes, start, equals);
    if (count(key, seen) <= MAX_VALUES) attributes.push({key, value: bytes.subarray(equals + 1, end)});
    start = end + 1;
  }
  return attributes;
}

/** Returns the places of the first equals sign, -1 without one, and of the line break. */
function lineAt(bytes: Uint8Array, start: number): {readonly equals: number; readonly end: number} {
  let equals = -1;
  let end = start;
  for (let byte = bytes[end]; byte !== LF; byte = bytes[++end]) {
    if (byte === EQUALS && equals === -1) equals = end;
    else if (byte === undefined || byte === NUL || byte === CR) throw malformed(byte);
  }
  return {equals, end};
}

function malformed(byte: number | undefined): RequestError {
  if (byte === undefined) return new RequestError('the last line does not end');
  return new RequestError(byte === NUL ? 'a line has a NUL' : 'a line has a carriage return');
}

function keyOf(bytes: Uint8Array, start: number, end: number): string {
  const known = USUAL.find((one) => one.length === end - start && isAt(bytes, start, one));
  if (known !== undefined) return known;
  const key = String.fromCharCode(...bytes.subarray(start, Math.min(end, start + MAX_KEY + 1)));
  if (!/^[a-z][a-z0-9_]*(?:\[\])?$/.test(key) || key.length > MAX_KEY)
    throw new RequestError('a key has an invalid character');
  // git would read the URL again, and replace the parts that we checked
  if (key === 'url') throw new RequestError('url is not supported, only its parts');
  return key;
}

/** The keys of almost every request: to compare them takes a fraction of the time that a text takes. */
const USUAL = ['action', 'timeout', 'protocol', 'host', 'path', 'capability[]', 'wwwauth[]'] as const;

function isAt(bytes: Uint8Array, start: number, key: string): boolean {
  for (let at = 0; at < key.length; at++) if (bytes[start + at] !== key.charCodeAt(at)) return false;
  return true;
}

function count(key: string, seen: Map<string, number>): number {
  const times = (seen.get(key) ?? 0) + 1;
  if (times > 1 && !key.endsWith('[]')) throw new RequestError(`${key} twice`);
  seen.set(key, times);
  if (seen.size > MAX_KEYS) throw new RequestError(`more than ${MAX_KEYS} keys`);
  return times;
}

const MAX_KEY = 64;
const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const EQUALS = 0x3d;
