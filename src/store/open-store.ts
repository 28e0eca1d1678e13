import {openKeyring, type KeyringParts} from './keyring.ts';
import {holdsEncrypted, openSecretStore, type SecretStore} from './secret-store.ts';
import {diskFiles} from './store-files.ts';
import {findStoreKey} from './store-key.ts';

export interface OpenStoreParts extends KeyringParts {
  /** Absolute. */
  readonly directory: string;
  /** Ours. */
  readonly uid: number;
}

export interface OpenedStore {
  readonly store: SecretStore;
  /** What status warns of; `undefined` where all is well. */
  readonly warning: {readonly message: string; readonly hint: string} | undefined;
}

/**
 * The store of this machine, with the best key that it has.
 * @throws {StoreError} where there can be none, with the reason; what is kept is then kept in memory only.
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
    ? `what is kept in ${directory} is encrypted and cannot be read: ${found.reason}`
    : `secrets in ${directory} are protected by their modes only: ${found.reason}`;
  const hint = encrypted
    ? 'unlock the keyring, or bring the credential back, then restart orgkey'
    : 'install secret-tool, or give the service a credential orgkey-store-key';
  return {store, warning: {message, hint}};
}
