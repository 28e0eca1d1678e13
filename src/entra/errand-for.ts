import type {Identity, OidcRequest, SecretSource} from '../identity/identity.ts';
import type {Secret} from '../secret/secret.ts';
import {AZURE_DEVOPS_SCOPE, type Wanted} from '../token/acquire.ts';
import type {AcquireParts} from './acquire.ts';
import {METADATA_GATE, type Errand} from './child/acquirer-pool.ts';
import {
  cliEnvironment,
  managedIdentityVariables,
  secretVariables,
  type Variables,
} from './child-environment.ts';
import type {Job, Task} from './job.ts';
import {refreshTokenName} from './sign-in/refresh-tokens.ts';
import {internalFailure, localFailure} from './failure.ts';

type Parts = Pick<AcquireParts, 'readSecret' | 'environment' | 'authority' | 'refreshTokens'>;

/**
 * What an acquirer must be told to get the wanted token.
 *
 * @throws {AcquirerError} where something is missing; whatever `readSecret` throws.
 */
export async function errandFor({identity, scope}: Wanted, parts: Parts): Promise<Errand> {
  switch (identity.kind) {
    case 'client-secret':
      return entraErrand(identity, scope, parts, {
        secrets: {clientSecret: await bytesFrom(identity.clientSecret, parts)},
      });
    case 'client-certificate': {
      const {clientCertificate, clientCertificatePassword: password} = identity;
      return entraErrand(identity, scope, parts, {
        secrets: {
          clientCertificate: await bytesFrom(clientCertificate, parts),
          ...(password === undefined ? {} : {clientCertificatePassword: await bytesFrom(password, parts)}),
        },
      });
    }
    case 'managed-identity':
      return metadataErrand('managed-identity', {scope, clientId: identity.clientId}, parts);
    case 'managed-identity-assertion': {
      const machine = metadataVariables(parts.environment);
      const {managedIdentityClientId} = identity;
      const errand = entraErrand(identity, scope, parts, {
        fields: {managedIdentityClientId, ...machine.fields},
        secrets: machine.secrets,
      });
      return {...errand, gates: {...errand.gates, ...metadataGates}};
    }
    case 'federated-token-file': {
      const {federatedTokenFile} = identity;
      return entraErrand(identity, scope, parts, {fields: {federatedTokenFile}});
    }
    case 'federated-token':
      return entraErrand(identity, scope, parts, {
        secrets: {assertion: await bytesFrom(identity.assertion, parts)},
      });
    case 'github-actions': {
      const {url, token} = await requestOf(identity.request, github, parts);
      const errand = entraErrand(identity, scope, parts, {
        fields: {requestUrl: url},
        secrets: {requestToken: token},
      });
      return {...errand, gates: {...errand.gates, 'github-actions': new URL(url).host}};
    }
    case 'azure-pipelines': {
      const {url, token} = await requestOf(identity.request, pipelines, parts);
      const {serviceConnectionId} = identity;
      const errand = entraErrand(identity, scope, parts, {
        fields: {requestUrl: url, serviceConnectionId},
        secrets: {requestToken: token},
      });
      return {...errand, gates: {...errand.gates, 'azure-pipelines': new URL(url).host}};
    }
    case 'azure-cli': {
      const fields = {scope, ...(identity.tenantId === undefined ? {} : {tenantId: identity.tenantId})};
      return {
        job: jobOf('azure-cli', fields, {}),
        endpoint: 'azure-cli',
        gates: {},
        environment: cliEnvironment(parts.environment),
      };
    }
    case 'sign-in':
      return refreshErrand(identity, scope, parts);
    case 'pat':
    case 'stored':
      throw internalFailure(`nobody needs to be asked for a ${identity.kind}`);
  }
}

/** A secret of Key Vault's, read with the machine's managed identity. */
export function vaultErrand(
  vault: string,
  secret: string,
  {environment}: Pick<Parts, 'environment'>,
): Errand {
  const url = vaultUrlOf(vault);
  const scope = `https://${url.hostname.split('.').slice(1).join('.')}/.default`;
  const fields = {
    scope,
    clientId: 'system-assigned',
    url: new URL(`secrets/${encodeURIComponent(secret)}`, url).href,
  };
  const errand = metadataErrand('vault-secret', fields, {environment});
  return {...errand, endpoint: url.host, gates: {...metadataGates, 'key-vault': url.host}};
}

const metadataGates = {'managed-identity': METADATA_GATE};

interface Additions {
  readonly fields?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, Uint8Array>>;
}

/** For the kinds in which an app shows something to Entra; the task has the kind's name. */
function entraErrand(
  {kind, clientId, tenantId}: Extract<Identity, {clientId: string; tenantId: string}>,
  scope: string,
  {authority}: Parts,
  {fields = {}, secrets = {}}: Additions,
): Errand {
  const {authorityHost, disableInstanceDiscovery} = authority;
  const all = {
    clientId,
    tenantId,
    scope,
    authorityHost,
    disableInstanceDiscovery: String(disableInstanceDiscovery),
    ...fields,
  };
  const {host} = new URL(authorityHost);
  return {
    job: jobOf(kind, all, secrets),
    endpoint: host,
    gates: {entra: `${host}/${tenantId.toLowerCase()}`},
  };
}

function metadataErrand(
  task: Task,
  fields: Readonly<Record<string, string>>,
  {environment}: Pick<Parts, 'environment'>,
): Errand {
  const machine = metadataVariables(environment);
  return {
    job: jobOf(task, {...fields, ...machine.fields}, machine.secrets),
    endpoint: METADATA_GATE,
    gates: metadataGates,
  };
}

/** Where the machine's identity is asked for; two of the variables are secrets and travel as such. */
function metadataVariables(environment: Variables): Required<Additions> {
  const fields: Record<string, string> = {};
  const secrets: Record<string, Uint8Array> = {};
  for (const [name, value] of Object.entries(managedIdentityVariables(environment))) {
    if (secretVariables.has(name)) secrets[`variable:${name}`] = Buffer.from(value);
    else fields[`variable:${name}`] = value;
  }
  return {fields, secrets};
}

async function refreshErrand(
  identity: Extract<Identity, {kind: 'sign-in'}>,
  scope: string,
  parts: Parts,
): Promise<Errand> {
  const refreshToken = await parts.refreshTokens.read(refreshTokenName(identity));
  if (refreshToken === undefined)
    throw localFailure(
      'ERR_NOT_SIGNED_IN',
      'nobody has signed in yet',
      'Run orgkey login for the organization.',
    );
  const secrets = {refreshToken: takeBytes(refreshToken), ...(await clientSecretOf(identity, parts))};
  const {host, pathname} = new URL(identity.issuer);
  const gate = `${host}${pathname}`;
  return {
    job: jobOf('refresh', signInFields(identity, scope), secrets),
    endpoint: host,
    // an issuer of its own kind may lead to Entra
    gates: {entra: gate, issuer: gate},
  };
}

/** What every step of a person's sign-in needs. */
export function signInFields(
  {issuer, clientId, scopes}: Extract<Identity, {kind: 'sign-in'}>,
  scope: string,
): Record<string, string> {
  // the configured scopes are those of Azure DevOps
  const configured = scope === AZURE_DEVOPS_SCOPE ? scopes.map(inFull).join(' ') : '';
  return {issuer, clientId, scope: configured === '' ? scope : configured};
}

/** `vso.code` is a scope of Azure DevOps; any other name is taken as it is. */
function inFull(scope: string): string {
  return scope.startsWith('vso.') ? AZURE_DEVOPS_SCOPE.replace('.default', scope) : scope;
}

export async function clientSecretOf(
  {clientSecret}: Extract<Identity, {kind: 'sign-in'}>,
  parts: Pick<Parts, 'readSecret'>,
): Promise<Record<string, Uint8Array>> {
  return clientSecret === undefined ? {} : {clientSecret: await bytesFrom(clientSecret, parts)};
}

interface RequestVariables {
  readonly what: string;
  readonly url: string;
  readonly token: string;
  readonly hint: string;
}

const github: RequestVariables = {
  what: 'a GitHub Actions job',
  url: 'ACTIONS_ID_TOKEN_REQUEST_URL',
  token: 'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  hint: 'Give the job the permission (permissions: {id-token: write}), and start the daemon inside the job.',
};

const pipelines: RequestVariables = {
  what: 'an Azure Pipelines job',
  url: 'SYSTEM_OIDCREQUESTURI',
  token: 'SYSTEM_ACCESSTOKEN',
  hint: 'Pass System.AccessToken to the step that starts the daemon: env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}.',
};

async function requestOf(
  request: OidcRequest | undefined,
  {what, url: urlName, token: tokenName, hint}: RequestVariables,
  parts: Parts,
): Promise<{readonly url: string; readonly token: Uint8Array}> {
  const url = request?.url ?? parts.environment[urlName];
  const given = parts.environment[tokenName];
  if (url === undefined || url === '' || (request === undefined && !given))
    throw localFailure(
      'ERR_NO_OIDC_REQUEST',
      `this is not ${what}: ${url ? tokenName : urlName} is not set`,
      hint,
    );
  if (!URL.canParse(url))
    throw localFailure('ERR_NO_OIDC_REQUEST', `the address in ${urlName} is none`, hint);
  return {
    url,
    token: request === undefined ? Buffer.from(given ?? '') : await bytesFrom(request.token, parts),
  };
}

/** A copy that the pool overwrites; what was read for this purpose alone is erased. */
async function bytesFrom(source: SecretSource, {readSecret}: Pick<Parts, 'readSecret'>): Promise<Uint8Array> {
  if (source.from !== 'held') return takeBytes(await readSecret(source));
  const bytes = new Uint8Array(source.secret.length);
  source.secret.copyTo(bytes, 0);
  return bytes;
}

function takeBytes(secret: Secret): Uint8Array {
  const bytes = new Uint8Array(secret.length);
  secret.copyTo(bytes, 0);
  secret.erase();
  return bytes;
}

function jobOf(task: Task, fields: Job['fields'], secrets: Job['secrets']): Job {
  return {task, fields, secrets};
}

/** `contoso`, `contoso.vault.azure.net` or its URL; a token for vaults goes to Microsoft's vaults only. */
function vaultUrlOf(vault: string): URL {
  const host = vault.replace(/^https:\/\//, '').replace(/\/+$/, '');
  const full = host.includes('.') ? host : `${host}.vault.azure.net`;
  if (vaultHost.test(full)) return new URL(`https://${full}/`);
  throw localFailure(
    'ERR_VAULT_NAME',
    'the name of the vault is none',
    'Give its name or its URL: https://contoso.vault.azure.net',
  );
}

/** @see https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates */
const vaultHost =
  /^[a-z][a-z0-9-]{1,22}[a-z0-9]\.(?:vault\.azure\.net|vault\.azure\.cn|vault\.usgovcloudapi\.net|vault\.microsoftazure\.de)$/i;
