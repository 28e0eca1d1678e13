import type {Identity} from '../../identity/identity.ts';
import type {Secret} from '../../secret/secret.ts';

/** Where the refresh tokens of signed-in people outlive the daemon, each under a name. */
export interface RefreshTokens {
  /** `undefined`: nobody signed in yet. Who calls it owns the secret. */
  read(name: string): Promise<Secret | undefined>;
  /** Resolves once it is safe on disk. The secret stays the caller's. */
  write(name: string, secret: Secret): Promise<void>;
  remove(name: string): Promise<void>;
}

/**
 * Under which name the refresh token of an identity is kept: whom it is good for, and for what. Not the identity's
 * key, which is another one after each start.
 */
export function refreshTokenName({
  issuer,
  clientId,
  scopes,
}: Pick<Extract<Identity, {kind: 'sign-in'}>, 'issuer' | 'clientId' | 'scopes'>): string {
  return [issuer, clientId, ...scopes.toSorted()].join(' ');
}
