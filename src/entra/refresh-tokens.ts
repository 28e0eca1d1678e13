import type {Secret} from '../token/secret.ts';

/** Where the refresh tokens of signed-in people outlive the daemon, each under its identity's key. */
export interface RefreshTokens {
  /** `undefined`: nobody signed in yet. Who calls it owns the secret. */
  read(key: string): Promise<Secret | undefined>;
  /** Resolves once it is safe on disk. The secret stays the caller's. */
  write(key: string, secret: Secret): Promise<void>;
  remove(key: string): Promise<void>;
}
