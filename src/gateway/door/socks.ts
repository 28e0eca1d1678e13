/** What git may name as host: the real one with this suffix, which no resolver ever answers (RFC 6761). */
const SUFFIX = '.orgkey.invalid';

/** In bytes, of the whole handshake. */
export const MAX_HANDSHAKE = 512;

/** A step of the handshake. `used` bytes of what was received belong to it; what follows is HTTP. */
type SocksStep =
  | {readonly kind: 'more'}
  | {readonly kind: 'reply'; readonly used: number; readonly bytes: Uint8Array}
  | {readonly kind: 'connected'; readonly used: number; readonly bytes: Uint8Array; readonly host: string}
  | {readonly kind: 'denied'; readonly bytes: Uint8Array};

/**
 * Reads the first message: version 5, and among the methods "no authentication".
 * @see https://www.rfc-editor.org/rfc/rfc1928#section-3
 */
export function readGreeting(bytes: Uint8Array): SocksStep {
  const [version, count] = bytes;
  if (version !== undefined && version !== 5) return DENIED;
  if (count === undefined) return MORE;
  if (count === 0) return NO_METHOD;
  if (bytes.length < 2 + count) return MORE;
  return bytes.subarray(2, 2 + count).includes(0)
    ? {kind: 'reply', used: 2 + count, bytes: Uint8Array.of(5, 0)}
    : NO_METHOD;
}

/**
 * Reads the second message: CONNECT to a domain name at port 80 that ends in `SUFFIX`, in front of which is a host that
 * `isServed`. Everything else is denied with reply code 2.
 * @see https://www.rfc-editor.org/rfc/rfc1928#section-4
 */
export function readConnect(bytes: Uint8Array, isServed: (host: string) => boolean): SocksStep {
  for (const [at, wanted] of [5, 1, 0, 3].entries()) {
    if (bytes[at] === undefined) return MORE;
    if (bytes[at] !== wanted) return DENIED;
  }
  const length = bytes[4];
  if (length === undefined || bytes.length < 7 + length) return MORE;
  const name = new TextDecoder('latin1').decode(bytes.subarray(5, 5 + length)).toLowerCase();
  const port = ((bytes[5 + length] ?? 0) << 8) | (bytes[6 + length] ?? 0);
  const host = realHost(name);
  if (port !== 80 || host === undefined || !isServed(host)) return DENIED;
  return {kind: 'connected', used: 7 + length, bytes: reply(0), host};
}

/**
 * Returns the real host, in lower case, of a name that ends in `SUFFIX`. A port other than 443 is part of the name:
 * `tfs.example.com_8443.orgkey.invalid`.
 */
export function realHost(name: string): string | undefined {
  const lowered = name.toLowerCase();
  if (!lowered.endsWith(SUFFIX)) return undefined;
  const [, host, port] =
    /^([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?:_([1-9][0-9]{0,4}))?$/.exec(lowered.slice(0, -SUFFIX.length)) ?? [];
  if (host === undefined) return undefined;
  return port === undefined || port === '443' ? host : `${host}:${port}`;
}

/** Returns the name under which a client reaches a real host. */
export function gatewayName(host: string): string {
  return `${host.replace(':', '_')}${SUFFIX}`;
}

function reply(code: number): Uint8Array {
  return Uint8Array.of(5, code, 0, 1, 0, 0, 0, 0, 0, 0);
}

const MORE: SocksStep = {kind: 'more'};
/** "Connection not allowed by ruleset". */
const DENIED: SocksStep = {kind: 'denied', bytes: reply(2)};
const NO_METHOD: SocksStep = {kind: 'denied', bytes: Uint8Array.of(5, 0xff)};
