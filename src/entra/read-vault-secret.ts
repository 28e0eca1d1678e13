import {Secret} from '../secret/secret.ts';
import type {AcquirerPool, Outcome} from './child/acquirer-pool.ts';
import {advise} from './advice.ts';
import {OrgkeyError} from '../text/orgkey-error.ts';
import {vaultErrand} from './errand-for.ts';
import {AcquirerError} from './failure.ts';
import type {Environment} from '../text/environment.ts';

/**
 * Reads the newest version of a secret with the machine's own managed identity. The caller owns the secret.
 * `vault` is a name or a URL.
 * @throws {OrgkeyError}
 */
export async function readVaultSecret(
  {vault, secret}: {readonly vault: string; readonly secret: string},
  {pool, environment}: {readonly pool: Pick<AcquirerPool, 'run'>; readonly environment: Environment},
): Promise<Secret> {
  const outcome = await run(vault, secret, {pool, environment});
  if (outcome.kind === 'done') return new Secret(outcome.message.secrets['value'] ?? new Uint8Array());
  const {code, message, hint} = advise(outcome.failure, {kind: 'managed-identity'});
  const cause = new AcquirerError(outcome.failure);
  throw new OrgkeyError(code, `${secret} in the vault ${vault}: ${message}`, {hint, cause});
}

async function run(
  vault: string,
  secret: string,
  {pool, environment}: {readonly pool: Pick<AcquirerPool, 'run'>; readonly environment: Environment},
): Promise<Outcome> {
  try {
    return await pool.run(vaultErrand(vault, secret, {environment}));
  } catch (error) {
    if (error instanceof AcquirerError) return {kind: 'failed', failure: error.failure};
    throw error;
  }
}
