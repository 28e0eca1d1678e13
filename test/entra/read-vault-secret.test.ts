import test from 'ava';
import {readVaultSecret} from '../../src/entra/read-vault-secret.ts';
import {OrgkeyError} from '../../src/text/orgkey-error.ts';
import {acquiringFrom} from '../helpers/acquiring.ts';
import {cloudForFile} from '../helpers/cloud-for.ts';

const cloud = await cloudForFile();

const tenant = cloud.addTenant();
const machine = cloud.addManagedIdentity({tenant, kind: 'system-assigned'});
cloud.addVault('contoso', {secrets: {'deploy-pat': 'PAT-VALUE'}, readers: [machine]});
cloud.addVault('closed', {secrets: {'deploy-pat': 'PAT-VALUE'}});

function read(vault: string, secret: string) {
  const {pool, variables} = acquiringFrom(cloud);
  return readVaultSecret({vault, secret}, {pool, environment: variables});
}

for (const vault of ['contoso', 'contoso.vault.azure.net', 'https://contoso.vault.azure.net/']) {
  test.serial(`a secret of ${vault}`, async (t) => {
    const secret = await read(vault, 'deploy-pat');
    t.is(secret.revealText(), 'PAT-VALUE');
  });
}

for (const [title, vault, secret, code, message, hint] of [
  [
    'a secret that is not there',
    'contoso',
    'other',
    'ERR_SECRETNOTFOUND',
    'other in the vault contoso: the vault has no such secret',
    'Check vault and secret; names are compared without case.',
  ],
  [
    'a vault that does not let us in',
    'closed',
    'deploy-pat',
    'ERR_FORBIDDEN',
    "deploy-pat in the vault closed: the vault rejects the machine's managed identity (HTTP 403: Caller is not authorized to perform action on resource)",
    "Give the identity the role 'Key Vault Secrets User' on the vault, and let the machine's network in.",
  ],
  [
    'an invalid vault name',
    'evil.example/x?',
    'deploy-pat',
    'ERR_VAULT_NAME',
    'deploy-pat in the vault evil.example/x?: the vault name is not valid',
    'Give its name or its URL: https://contoso.vault.azure.net',
  ],
  [
    'a vault that does not exist',
    'evil.example',
    'deploy-pat',
    'ERR_VAULT_NAME',
    'deploy-pat in the vault evil.example: the vault name is not valid',
    'Give its name or its URL: https://contoso.vault.azure.net',
  ],
] as const) {
  test.serial(title, async (t) => {
    await t.throwsAsync(read(vault, secret), {instanceOf: OrgkeyError, code, message});
    const error: unknown = await read(vault, secret).catch((reason: unknown) => reason);
    t.is(error instanceof OrgkeyError ? error.hint : undefined, hint);
  });
}

test.serial('a vault that asks for a rest gets one from the identity', async (t) => {
  cloud.fault({endpoint: 'key-vault', status: 429, headers: {'retry-after': '60'}, body: {}});
  const {acquire} = acquiringFrom(cloud, {readSecret: async () => read('contoso', 'deploy-pat')});
  const personalAccessToken = {from: 'key-vault', vault: 'contoso', secret: 'deploy-pat'} as const;
  const acquired = await acquire({kind: 'pat', personalAccessToken});
  cloud.clearFaults();
  t.like(acquired, {kind: 'failed', failure: {code: 'ERR_THROTTLED', retryAfter: 60_000}});
});

test.serial('a machine without identity', async (t) => {
  cloud.fault({
    endpoint: 'imds',
    status: 400,
    times: 'always',
    body: {error: 'invalid_request', error_description: 'Identity not found'},
  });
  await t.throwsAsync(read('contoso', 'deploy-pat'), {code: 'ERR_NO_SUCH_IDENTITY'});
  cloud.clearFaults();
});
