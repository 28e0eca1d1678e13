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
    const end = bytes.indexOf(LF, start);
    if (end === -1) throw new RequestError('the last line does not end');
    // a blank line ends the request, whatever follows
    if (end === start) break;
    const attribute = parseLine(bytes.subarray(start, end));
    if (count(attribute.key, seen) <= MAX_VALUES) attributes.push(attribute);
    start = end + 1;
  }
  return attributes;
}

function parseLine(line: Uint8Array): Attribute {
  if (line.includes(NUL)) throw new RequestError('a line has a NUL');
  if (line.includes(CR)) throw new RequestError('a line has a carriage return');
  const equals = line.indexOf(EQUALS);
  if (equals === -1) throw new RequestError('a line has no equals sign');
  const key = String.fromCharCode(...line.subarray(0, Math.min(equals, MAX_KEY + 1)));
  if (!/^[a-z][a-z0-9_]*(?:\[\])?$/.test(key) || key.length > MAX_KEY)
    throw new RequestError('a key has an invalid character');
  // git would read the URL again, and replace the parts that we checked
  if (key === 'url') throw new RequestError('url is not supported, only its parts');
  return {key, value: line.subarray(equals + 1)};
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
