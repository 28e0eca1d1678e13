import type {Secret} from '../secret/secret.ts';

/** What git is handed as its password: an access token of Entra's, or a personal access token. */
export interface Token {
  readonly kind: 'access-token' | 'pat';
  readonly secret: Secret;
  /** 16 hex digits of a keyed hash of the secret: names it in states, logs and audit lines. */
  readonly fingerprint: string;
  /** When it was had: wall clock, milliseconds since epoch. */
  readonly acquiredAt: number;
  /** The same moment on the clock that nobody can set, in milliseconds since boot, suspend included. */
  readonly acquiredUptime: number;
  /** Milliseconds since epoch. `undefined`: the issuer did not say (a personal access token). */
  readonly expiresAt: number | undefined;
  /** When the issuer wants it refreshed, milliseconds since epoch, if it said. */
  readonly refreshAt: number | undefined;
}

/** Two clocks, both in milliseconds: one that people can set, and one that only goes on. */
export interface Clock {
  /** Since epoch. */
  wall(): number;
  /** Since boot, suspend included. */
  uptime(): number;
}
