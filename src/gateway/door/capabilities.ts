import {createHash, randomBytes} from 'node:crypto';
import {Secret} from '../../secret/secret.ts';

/** What opens one gateway for a client that cannot reach its socket: a password of 256 random bits. */
export interface Capability {
  readonly password: Secret;
  /** Names it in the audit, and opens nothing. */
  readonly fingerprint: string;
  /** Milliseconds since epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** The capabilities of one gateway. They die with the process, and open nothing else. */
export class Capabilities {
  readonly #now: () => number;
  /** When each one expires, by its digest, the oldest first. A digest opens nothing. */
  readonly #live = new Map<string, number>();

  /** `now`: milliseconds since epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Makes a capability that lasts an hour. */
  issue(): Capability {
    const text = randomBytes(32).toString('base64url');
    const issuedAt = this.#now();
    const expiresAt = issuedAt + LIFE;
    for (const [digest, end] of this.#live)
      if (end <= issuedAt || this.#live.size >= MAX_LIVE) this.#live.delete(digest);
    const digest = digestOf(text);
    this.#live.set(digest, expiresAt);
    return {password: Secret.fromText(text), fingerprint: digest.slice(0, 16), issuedAt, expiresAt};
  }

  /** Returns whether a header `Authorization` carries a living capability. */
  accepts(authorization: string | undefined): boolean {
    const encoded = /^Basic ([\w+/=-]{1,400})$/i.exec(authorization ?? '')?.[1];
    if (encoded === undefined) return false;
    const pair = Buffer.from(encoded, 'base64').toString('latin1');
    // the time of a lookup by digest says nothing about the password
    return (this.#live.get(digestOf(pair.slice(pair.indexOf(':') + 1))) ?? 0) > this.#now();
  }
}

function digestOf(password: string): string {
  return createHash('sha256').update(password).digest('hex');
}

/** In milliseconds. */
const LIFE = 60 * 60_000;
/** Each git process gets one. The oldest is dropped if more are wanted. */
const MAX_LIVE = 100_000;
