import {Secret} from '../secret/secret.ts';
import type {AcquirerPool, Outcome} from './child/acquirer-pool.ts';
import {advise} from './advice.ts';
import type {Variables} from './child-environment.ts';
import {vaultErrand} from './errand-for.ts';
import {TroubleError} from './trouble.ts';

/** A secret of Azure Key Vault's could not be had. */
export class VaultError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint: string | undefined) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/**
 * Reads the newest version of a secret with the machine's own managed identity. Who calls it owns the secret.
 * `vault` is a name or a URL.
 *
 * @throws {VaultError}
 */
export async function readVaultSecret(
  {vault, secret}: {readonly vault: string; readonly secret: string},
  {pool, environment}: {readonly pool: Pick<AcquirerPool, 'run'>; readonly environment: Variables},
): Promise<Secret> {
  const outcome = await run(vault, secret, {pool, environment});
  if (outcome.kind === 'done') return new Secret(outcome.message.secrets['value'] ?? new Uint8Array());
  const {code, message, hint} = advise(outcome.trouble, {kind: 'managed-identity'});
  throw new VaultError(code, `${secret} in the vault ${vault}: ${message}`, hint);
}

async function run(
  vault: string,
  secret: string,
  {pool, environment}: {readonly pool: Pick<AcquirerPool, 'run'>; readonly environment: Variables},
): Promise<Outcome> {
  try {
    return await pool.run(vaultErrand(vault, secret, {environment}));
  } catch (error) {
    if (error instanceof TroubleError) return {kind: 'failed', trouble: error.trouble};
    throw error;
  }
}
