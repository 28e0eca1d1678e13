import {openKeyring, type KeyringParts} from './keyring.ts';
import {openSecretStore, type SecretStore} from './secret-store.ts';
import {holdsEncrypted} from './store-directory.ts';
import {diskFiles} from './store-files.ts';
import {findStoreKey} from './store-key.ts';

interface OpenStoreParts extends KeyringParts {
  /** Absolute. */
  readonly directory: string;
  /** Our user. */
  readonly uid: number;
}

export interface OpenedStore {
  readonly store: SecretStore;
  /** What status warns of, if anything. */
  readonly warning:
    | {
        readonly message: string;
        readonly hint: string;
        /** Whether the secrets are unencrypted, which the user may accept. */
        readonly isPlain: boolean;
      }
    | undefined;
}

/**
 * Opens the store of this machine, with the best key that the machine has.
 * @throws {StoreError} if that is not possible. Secrets are then kept in memory only.
 */
export async function openStore(parts: OpenStoreParts): Promise<OpenedStore> {
  const {directory, uid, environment} = parts;
  const encrypted = await holdsEncrypted(directory, diskFiles);
  const found = await findStoreKey({
    credentials: environment['CREDENTIALS_DIRECTORY'],
    keyring: await openKeyring(parts),
    uid,
    mayMake: !encrypted,
  });
  const store = await openSecretStore({directory, key: found.key, uid});
  if (found.source !== 'none') return {store, warning: undefined};
  const message = encrypted
    ? `the secrets in ${directory} are encrypted and cannot be read: ${found.reason}`
    : `the secrets in ${directory} are unencrypted, protected by file permissions only: ${found.reason}`;
  const hint = encrypted
    ? 'unlock the keyring, or bring the credential back, then restart orgkey'
    : 'to accept that, set orgkey: {plainStore: accept} in the configuration; to encrypt them, see docs/recipes/people.md';
  return {store, warning: {message, hint, isPlain: !encrypted}};
}
