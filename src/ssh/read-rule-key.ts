import type {SubmoduleSettings} from '../config/configuration.ts';
import {readSecret, SecretError} from '../config/value/read-secret.ts';
import {readPrivateKey, type KeyReading} from './key/private-key.ts';

/** The key of a rule, read from here. `elsewhere`: a program, keyring or vault has it, which only the daemon asks. */
export async function readRuleKey(
  {privateKey, host}: Pick<SubmoduleSettings, 'privateKey' | 'host'>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<KeyReading | {readonly kind: 'elsewhere'}> {
  if (privateKey.from !== 'held' && privateKey.from !== 'file') return {kind: 'elsewhere'};
  try {
    const secret = await readSecret(privateKey, {environment, readVault: noVault});
    try {
      return await readPrivateKey(secret, host);
    } finally {
      secret.erase();
    }
  } catch (error) {
    if (!(error instanceof SecretError)) throw error;
    return {kind: 'refused', reason: error.message, hint: error.hint ?? 'see that it is there, and yours'};
  }
}

/** Only other sources ask one. */
function noVault(): Promise<never> {
  return Promise.reject(new Error('no vault'));
}
