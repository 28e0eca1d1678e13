import {randomBytes} from 'node:crypto';
import {join} from 'node:path';
import {whyUnsafe, readProtectedFile} from '../files/read-protected-file.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {Secret} from '../secret/secret.ts';
import type {Keyring} from './keyring.ts';
import {StoreError} from './store-error.ts';

type FoundKey =
  | {readonly source: 'systemd credential' | 'keyring'; readonly key: Secret}
  /** Without a key, entries are plain. `reason` is half a sentence. */
  | {readonly source: 'none'; readonly key: undefined; readonly reason: string};

interface StoreKeyParts {
  /** `$CREDENTIALS_DIRECTORY`. */
  readonly credentials: string | undefined;
  readonly keyring: Keyring | undefined;
  /** Our user. */
  readonly uid: number;
  /** Whether a key may be made if the keyring has none. It may not if there are encrypted entries. */
  readonly mayMake: boolean;
}

/** The name of the key, as a systemd credential and in the keyring. */
const STORE_KEY = 'orgkey-store-key';

/** In bytes. */
export const SHORTEST_KEY = 32;

/**
 * Finds the key: systemd's credential, or else that of the keyring, which gets a new key the first time. A keyring that
 * cannot be asked counts as missing.
 * @throws {StoreError} `ERR_STORE_KEY` if there is a credential that cannot be used: the user expects encryption.
 */
export async function findStoreKey({credentials, keyring, uid, mayMake}: StoreKeyParts): Promise<FoundKey> {
  const given = credentials ? await readCredential(join(credentials, STORE_KEY), uid) : undefined;
  if (given !== undefined) return {source: 'systemd credential', key: given};
  if (keyring === undefined) return none('this machine has no keyring, and systemd passed no credential');
  try {
    const kept = await keyring.read(STORE_KEY);
    if (kept !== undefined && kept.length >= SHORTEST_KEY) return {source: 'keyring', key: kept};
    if (!mayMake) return none('the keyring no longer has the key');
    return {source: 'keyring', key: await makeKey(keyring)};
  } catch {
    return none('the keyring cannot be asked, it may be locked');
  }
}

/** Makes a key, and reads it back: some keyrings forget it at the end of the session, or at once. */
async function makeKey(keyring: Keyring): Promise<Secret> {
  const random = randomBytes(32);
  // a keyring holds text
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
  const unsafe = whyUnsafe({path, owner: file.owner, mode: file.mode}, {uid, holdsSecret: true});
  const key = new Secret(new Uint8Array(file.bytes));
  file.bytes.fill(0);
  if (unsafe?.severity === 'error')
    throw new StoreError('ERR_STORE_KEY', `the credential ${STORE_KEY} ${unsafe.message}`, {
      ...(unsafe.hint !== undefined && {hint: `${unsafe.hint} ${shellWord(path)}`}),
    });
  if (key.length < SHORTEST_KEY)
    throw new StoreError(
      'ERR_STORE_KEY',
      `the credential ${STORE_KEY} is shorter than ${SHORTEST_KEY} bytes`,
      {
        hint: 'make one: head -c 32 /dev/urandom',
      },
    );
  return key;
}

function none(reason: string): FoundKey {
  return {source: 'none', key: undefined, reason};
}
