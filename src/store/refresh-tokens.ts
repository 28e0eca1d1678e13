import type {Secret} from '../token/secret.ts';
import type {SecretStore} from './secret-store.ts';

/** The refresh tokens among a store's secrets, by the keys of their identities. */
export function refreshTokensIn(store: SecretStore) {
  const nameOf = (key: string) => `refresh-token ${key}`;
  return {
    read: (key: string): Promise<Secret | undefined> => store.read(nameOf(key)),
    write: (key: string, secret: Secret): Promise<void> => store.write(nameOf(key), secret),
    remove: (key: string): Promise<void> => store.remove(nameOf(key)),
  };
}
