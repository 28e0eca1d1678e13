import type {Secret} from '../secret/secret.ts';

/** The password for git: an access token of Entra, or a personal access token. */
export interface Token {
  readonly kind: 'access-token' | 'pat';
  readonly secret: Secret;
  /** 16 hex digits of a keyed hash of the secret: names it in states, logs and audit lines. */
  readonly fingerprint: string;
  /** When it was acquired, on the wall clock, in milliseconds since epoch. */
  readonly acquiredAt: number;
  /** The same moment on the monotonic clock, in milliseconds since boot, suspend included. */
  readonly acquiredUptime: number;
  /** Milliseconds since epoch. `undefined`: unknown (a personal access token). */
  readonly expiresAt: number | undefined;
  /** When the issuer wants it refreshed, in milliseconds since epoch, if it named a time. */
  readonly refreshAt: number | undefined;
  /** The `client-request-id` under which the issuer was asked. */
  readonly issuerRequest?: string | undefined;
  /** When the certificate with which it was acquired ends, in milliseconds since epoch. */
  readonly credentialExpiresAt?: number | undefined;
}

/** Two clocks, both in milliseconds: one that can be set, and a monotonic one. */
export interface Clock {
  /** Since epoch. */
  wall(): number;
  /** Since boot, suspend included. */
  uptime(): number;
}
