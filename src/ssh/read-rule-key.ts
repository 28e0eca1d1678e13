import type {SubmoduleSettings} from '../config/configuration.ts';
import {readSecret, SecretError} from '../config/value/read-secret.ts';
import {readPrivateKey, type KeyFailure} from './key/private-key.ts';
import type {SigningKey} from './key/signing-key.ts';
import type {Environment} from '../text/environment.ts';

/**
 * Reads the key of a rule in a process that is not the daemon. `elsewhere`: a program, the keyring or a vault has it,
 * which only the daemon asks.
 */
export async function readRuleKey(
  {privateKey, host}: Pick<SubmoduleSettings, 'privateKey' | 'host'>,
  environment: Environment,
): Promise<{readonly kind: 'key'; readonly key: SigningKey} | KeyFailure | {readonly kind: 'elsewhere'}> {
  if (privateKey.from === 'ssh-agent') {
    const {findAgentKey} = await import('./key/agent-key.ts');
    return findAgentKey(privateKey, host);
  }
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
    return {
      kind: 'failed',
      isUnread: true,
      reason: error.message,
      hint: error.hint ?? 'check that it exists and who owns it',
    };
  }
}

/** Never called: the source is not a vault. */
function noVault(): Promise<never> {
  return Promise.reject(new Error('no vault'));
}
