import type {Identity} from '../../identity/identity.ts';
import type {Secret} from '../../secret/secret.ts';

/** Stores the refresh tokens of users who signed in, each under a name, beyond the daemon's life. */
export interface RefreshTokens {
  /** `undefined`: no user has signed in. The caller owns the secret. */
  read(name: string): Promise<Secret | undefined>;
  /** Resolves once it is safe on disk. The secret stays the caller's. */
  write(name: string, secret: Secret): Promise<void>;
  remove(name: string): Promise<void>;
}

/**
 * Returns the name under which an identity's refresh token is stored: what it is valid for. Not the identity's key, which
 * changes with each start.
 */
export function refreshTokenName({
  issuer,
  clientId,
  scopes,
}: Pick<Extract<Identity, {kind: 'sign-in'}>, 'issuer' | 'clientId' | 'scopes'>): string {
  return [issuer, clientId, ...scopes.toSorted()].join(' ');
}
