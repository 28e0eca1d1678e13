import {createHash, randomBytes, timingSafeEqual} from 'node:crypto';

/** What opens one gateway for a client that cannot reach its socket: a password of 256 random bits. */
export interface Capability {
  readonly password: string;
  /** Milliseconds since epoch. */
  readonly expiresAt: number;
}

/** The capabilities of one gateway. They die with the process, and open nothing else. */
export class Capabilities {
  readonly #now: () => number;
  /** By digest: what is kept opens nothing. */
  #live: readonly {readonly digest: Buffer; readonly expiresAt: number}[] = [];

  /** `now`: milliseconds since epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Makes a capability that lasts an hour. */
  issue(): Capability {
    const password = randomBytes(32).toString('base64url');
    const now = this.#now();
    const expiresAt = now + LIFE;
    const live = this.#live.filter((one) => one.expiresAt > now).slice(-MAX_LIVE + 1);
    this.#live = [...live, {digest: digestOf(password), expiresAt}];
    return {password, expiresAt};
  }

  /** Returns whether a header `Authorization` carries a living capability. */
  accepts(authorization: string | undefined): boolean {
    const encoded = /^Basic ([\w+/=-]{1,400})$/i.exec(authorization ?? '')?.[1];
    if (encoded === undefined) return false;
    const pair = Buffer.from(encoded, 'base64').toString('latin1');
    const digest = digestOf(pair.slice(pair.indexOf(':') + 1));
    const now = this.#now();
    let isFound = false;
    // looks at all of them, for as long
    for (const one of this.#live)
      if (timingSafeEqual(one.digest, digest) && one.expiresAt > now) isFound = true;
    return isFound;
  }
}

function digestOf(password: string): Buffer {
  return createHash('sha256').update(password).digest();
}

/** In milliseconds. */
const LIFE = 60 * 60_000;
/** The oldest goes where more are wanted. */
const MAX_LIVE = 1000;
