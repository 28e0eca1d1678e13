import {randomBytes} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {Secret} from '../token/secret.ts';

/** The operating system's keyring, as far as the store uses it. Both may reject. */
export interface Keyring {
  read(name: string): Promise<Secret | undefined>;
  write(name: string, secret: Secret): Promise<void>;
}

export type StoreKey =
  | {readonly kind: 'key'; readonly material: Secret; readonly from: 'systemd credential' | 'keyring'}
  /** Secrets are then protected by the file's mode alone; `reason` says why, for people. */
  | {readonly kind: 'none'; readonly reason: string};

/** Under this name the key lies in systemd's credentials and in the keyring. */
export const STORE_KEY_NAME = 'orgkey-store-key';

/** Shorter ones can be guessed, in bytes. */
const LEAST_LENGTH = 16;

/**
 * The key that the store is sealed with: systemd's credential if there is one, else the keyring's, where it is made
 * at the first time.
 *
 * @param credentialsDirectory systemd's `$CREDENTIALS_DIRECTORY`.
 */
export async function findStoreKey({
  credentialsDirectory,
  keyring,
}: {
  readonly credentialsDirectory: string | undefined;
  readonly keyring: Keyring | undefined;
}): Promise<StoreKey> {
  const credential = await readCredential(credentialsDirectory);
  if (credential !== undefined) return accepted(credential, 'systemd credential');
  if (keyring === undefined)
    return {kind: 'none', reason: 'there is neither a systemd credential nor a keyring'};
  try {
    return accepted((await keyring.read(STORE_KEY_NAME)) ?? (await makeKey(keyring)), 'keyring');
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return {kind: 'none', reason: `the keyring cannot be used: ${detail}`};
  }
}

async function readCredential(directory: string | undefined): Promise<Secret | undefined> {
  if (directory === undefined || directory === '') return undefined;
  const bytes = await readFile(join(directory, STORE_KEY_NAME)).catch(() => undefined);
  return bytes === undefined ? undefined : new Secret(bytes);
}

/** What the keyring does not give back is worth nothing: some forget at the end of the session. */
async function makeKey(keyring: Keyring): Promise<Secret> {
  const text = randomBytes(32).toString('base64url');
  await keyring.write(STORE_KEY_NAME, Secret.fromText(text));
  const kept = await keyring.read(STORE_KEY_NAME);
  if (kept === undefined || !kept.equals(new TextEncoder().encode(text)))
    throw new Error('it does not give back what it was given');
  return kept;
}

function accepted(material: Secret, from: 'systemd credential' | 'keyring'): StoreKey {
  return material.length < LEAST_LENGTH
    ? {kind: 'none', reason: `the ${from} ${STORE_KEY_NAME} is shorter than ${LEAST_LENGTH} bytes`}
    : {kind: 'key', material, from};
}
