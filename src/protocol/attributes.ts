/** One `key=value` line. Values stay bytes: some are secrets, and not all are text. */
export interface Attribute {
  readonly key: string;
  readonly value: Uint8Array;
}

/** A request that is not read, and why. The reason never quotes a value. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
}

/** In bytes; git's own credentials have no limit, ours are some kilobytes. */
export const MAX_REQUEST = 64 * 1024;

const MAX_KEYS = 64;

/** Of a list; those behind are dropped. They come from servers and other helpers: git must not go without for them. */
const MAX_VALUES = 32;

/**
 * Reads the lines of a request as git's credential protocol has them. Nothing is guessed: whatever two readers
 * could read differently is refused.
 * @throws {RequestError} where a line is no attribute, or there are too many keys.
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
    throw new RequestError('a key has other characters than keys have');
  // git would read the URL again and let it overrule the parts that were checked
  if (key === 'url') throw new RequestError('a url is not read, only its parts are');
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
