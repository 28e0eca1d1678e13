import {randomBytes} from 'node:crypto';
import {join} from 'node:path';
import {objectionTo, readProtectedFile} from '../files/read-protected-file.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {Secret} from '../secret/secret.ts';
import type {Keyring} from './keyring.ts';
import {StoreError} from './store-error.ts';

/** The key of the store, and whence. */
export type FoundKey =
  | {readonly source: 'systemd credential' | 'keyring'; readonly key: Secret}
  /** Entries are plain files. `reason` tells, in half a sentence, why. */
  | {readonly source: 'none'; readonly key: undefined; readonly reason: string};

export interface StoreKeyParts {
  /** `$CREDENTIALS_DIRECTORY`. */
  readonly credentials: string | undefined;
  readonly keyring: Keyring | undefined;
  /** Ours. */
  readonly uid: number;
  /** Whether a key may be made where the keyring has none: not where there are entries that another one encrypted. */
  readonly mayMake: boolean;
}

/** How the key is called, as systemd credential and in the keyring. */
export const STORE_KEY = 'orgkey-store-key';

/** In bytes. */
export const SHORTEST_KEY = 32;

/**
 * The first that there is: systemd's credential, the keyring, which gets a new key when it is asked for the first
 * time. A keyring that can't be asked is as good as none.
 * @throws {StoreError} `ERR_STORE_KEY`: a credential was given, and can't be used. Whoever gave it wants encryption.
 */
export async function findStoreKey({credentials, keyring, uid, mayMake}: StoreKeyParts): Promise<FoundKey> {
  const given = credentials ? await readCredential(join(credentials, STORE_KEY), uid) : undefined;
  if (given !== undefined) return {source: 'systemd credential', key: given};
  if (keyring === undefined) return none('there is no keyring, and no systemd credential');
  try {
    const kept = await keyring.read(STORE_KEY);
    if (kept !== undefined && kept.length >= SHORTEST_KEY) return {source: 'keyring', key: kept};
    if (!mayMake) return none('the keyring no longer has the key');
    return {source: 'keyring', key: await makeKey(keyring)};
  } catch {
    return none('the keyring cannot be asked, it may be locked');
  }
}

/** Only a key that can be had again is used: some keyrings forget at the end of the session, or at once. */
async function makeKey(keyring: Keyring): Promise<Secret> {
  const random = randomBytes(32);
  // keyrings keep text
  const made = Secret.fromText(random.toString('base64url'));
  random.fill(0);
  await keyring.write(STORE_KEY, made);
  made.erase();
  const kept = await keyring.read(STORE_KEY);
  if (kept === undefined || kept.length < SHORTEST_KEY) throw new Error('the keyring did not keep the key');
  return kept;
}

async function readCredential(path: string, uid: number): Promise<Secret | undefined> {
  const file = await readProtectedFile(path, 64 * 1024);
  if (file.kind === 'failed') {
    if (file.message === 'does not exist') return undefined;
    throw new StoreError('ERR_STORE_KEY', `the credential ${STORE_KEY} ${file.message}`);
  }
  const objection = objectionTo({path, owner: file.owner, mode: file.mode}, {uid, holdsSecret: true});
  const key = new Secret(new Uint8Array(file.bytes));
  file.bytes.fill(0);
  if (objection?.severity === 'error')
    throw new StoreError('ERR_STORE_KEY', `the credential ${STORE_KEY} ${objection.message}`, {
      ...(objection.hint !== undefined && {hint: `${objection.hint} ${shellWord(path)}`}),
    });
  if (key.length < SHORTEST_KEY)
    throw new StoreError('ERR_STORE_KEY', `the credential ${STORE_KEY} has less than ${SHORTEST_KEY} bytes`, {
      hint: 'make one: head -c 32 /dev/urandom',
    });
  return key;
}

function none(reason: string): FoundKey {
  return {source: 'none', key: undefined, reason};
}
