import type {Identity, OidcRequest, SecretSource} from '../identity/identity.ts';
import {isSecretSource} from '../identity/held-secrets.ts';
import type {Secret} from '../secret/secret.ts';
import {AZURE_DEVOPS_SCOPE, type Wanted} from '../token/acquire.ts';
import type {Errand} from './child/acquirer-pool.ts';
import {cliEnvironment, managedIdentityVariables, secretVariables} from './child-environment.ts';
import type {Job, Task} from './job.ts';
import {refreshTokenName, type RefreshTokens} from './sign-in/refresh-tokens.ts';
import {internalFailure, localFailure} from './failure.ts';
import type {Environment} from '../text/environment.ts';

/** Reads a secret that is not held. The caller owns it, and erases it. */
type ReadSecret = (source: SecretSource) => Promise<Secret>;

/** Which Entra. */
interface Authority {
  /** `https://login.microsoftonline.com`. */
  readonly authorityHost: string;
  readonly disableInstanceDiscovery: boolean;
}

export interface ErrandParts {
  readonly readSecret: ReadSecret;
  /** The daemon's environment, from which some kinds take something. */
  readonly environment: Environment;
  readonly authority: Authority;
  readonly refreshTokens: RefreshTokens;
}

/**
 * Returns the errand that gets the wanted token.
 * @throws {AcquirerError} if something is missing.
 * @throws {OrgkeyError} from `readSecret`.
 */
export async function errandFor({identity, scope}: Wanted, parts: ErrandParts): Promise<Errand> {
  switch (identity.kind) {
    case 'managed-identity':
      return metadataErrand('managed-identity', {scope, clientId: identity.clientId}, parts);
    case 'managed-identity-assertion':
      return entraErrand(identity, scope, parts, metadataVariables(parts.environment));
    case 'github-actions':
      return pipelineErrand(identity, scope, parts, github);
    case 'azure-pipelines':
      return pipelineErrand(identity, scope, parts, pipelines);
    case 'azure-cli': {
      const fields = {scope, ...(identity.tenantId === undefined ? {} : {tenantId: identity.tenantId})};
      return {
        job: jobOf('azure-cli', fields, {}),
        endpoint: 'azure-cli',
        environment: cliEnvironment(parts.environment),
      };
    }
    case 'sign-in':
      return refreshErrand(identity, scope, parts);
    case 'pat':
    case 'stored':
    case 'unusable':
      throw internalFailure(`a ${identity.kind} credential needs no acquirer`);
    default:
      return entraErrand(identity, scope, parts);
  }
}

/** Returns the errand that reads a secret of Key Vault with the machine's managed identity. */
export function vaultErrand(
  vault: string,
  secret: string,
  {environment}: Pick<ErrandParts, 'environment'>,
): Errand {
  const url = vaultUrlOf(vault);
  const scope = `https://${url.hostname.split('.').slice(1).join('.')}/.default`;
  const fields = {
    scope,
    clientId: 'system-assigned',
    url: new URL(`secrets/${encodeURIComponent(secret)}`, url).href,
  };
  const errand = metadataErrand('vault-secret', fields, {environment});
  return {...errand, endpoint: url.host};
}

interface Additions {
  readonly fields?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, Uint8Array>>;
}

/**
 * For the kinds in which an app authenticates to Entra. The task is named after the kind, and gets what the identity
 * has: text as fields, secrets as secrets.
 */
async function entraErrand(
  identity: Extract<Identity, {clientId: string; tenantId: string}>,
  scope: string,
  parts: ErrandParts,
  additions: Additions = {},
): Promise<Errand> {
  const {authorityHost, disableInstanceDiscovery} = parts.authority;
  const fields: Record<string, string> = {
    scope,
    authorityHost,
    disableInstanceDiscovery: String(disableInstanceDiscovery),
    ...additions.fields,
  };
  const secrets: Record<string, Uint8Array> = {...additions.secrets};
  const {kind, key: _, ...own} = identity;
  for (const [name, value] of Object.entries<unknown>(own)) {
    if (typeof value === 'string') fields[name] = value;
    if (isSecretSource(value)) secrets[name] = await bytesFrom(value, parts);
  }
  return {job: jobOf(kind, fields, secrets), endpoint: new URL(authorityHost).host};
}

function metadataErrand(
  task: Task,
  fields: Readonly<Record<string, string>>,
  {environment}: Pick<ErrandParts, 'environment'>,
): Errand {
  const machine = metadataVariables(environment);
  return {job: jobOf(task, {...fields, ...machine.fields}, machine.secrets), endpoint: 'managed-identity'};
}

/** Returns the variables of managed identity endpoints; two of them are secrets. */
function metadataVariables(environment: Environment): Required<Additions> {
  const fields: Record<string, string> = {};
  const secrets: Record<string, Uint8Array> = {};
  for (const [name, value] of Object.entries(managedIdentityVariables(environment))) {
    if (/_(?:ENDPOINT|HOST)$/.test(name) && !URL.canParse(value))
      throw localFailure(
        'ERR_METADATA_ADDRESS',
        `the variable ${name} is not the address of a metadata service`,
        `Correct ${name} in the environment of the service.`,
      );
    if (secretVariables.has(name)) secrets[`variable:${name}`] = Buffer.from(value);
    else fields[`variable:${name}`] = value;
  }
  return {fields, secrets};
}

async function refreshErrand(
  identity: Extract<Identity, {kind: 'sign-in'}>,
  scope: string,
  parts: ErrandParts,
): Promise<Errand> {
  const refreshToken = await parts.refreshTokens.read(refreshTokenName(identity));
  if (refreshToken === undefined)
    throw localFailure(
      'ERR_NOT_SIGNED_IN',
      'no user has signed in yet',
      'Run orgkey login for the organization.',
    );
  const secrets = {refreshToken: takeBytes(refreshToken), ...(await clientSecretOf(identity, parts))};
  return {
    job: jobOf('refresh', signInFields(identity, scope), secrets),
    endpoint: new URL(identity.issuer).host,
  };
}

/** Returns the fields that every step of a sign-in needs. */
export function signInFields(
  {issuer, clientId, scopes}: Extract<Identity, {kind: 'sign-in'}>,
  scope: string,
): Record<string, string> {
  // the configured scopes are those of Azure DevOps
  const configured = scope === AZURE_DEVOPS_SCOPE ? scopes.map(inFull).join(' ') : '';
  return {issuer, clientId, scope: configured === '' ? scope : configured};
}

/** `vso.code` is a scope of Azure DevOps; any other name is taken as it is. Fact 70. */
function inFull(scope: string): string {
  return scope.startsWith('vso.') ? AZURE_DEVOPS_SCOPE.replace('.default', scope) : scope;
}

export async function clientSecretOf(
  {clientSecret}: Extract<Identity, {kind: 'sign-in'}>,
  parts: Pick<ErrandParts, 'readSecret'>,
): Promise<Record<string, Uint8Array>> {
  return clientSecret === undefined ? {} : {clientSecret: await bytesFrom(clientSecret, parts)};
}

/** For a job of a pipeline, which gets its assertion from the platform. */
async function pipelineErrand(
  identity: Extract<Identity, {kind: 'github-actions' | 'azure-pipelines'}>,
  scope: string,
  parts: ErrandParts,
  platform: RequestVariables,
): Promise<Errand> {
  const {url, token} = await requestOf(identity.request, platform, parts);
  return entraErrand(identity, scope, parts, {fields: {requestUrl: url}, secrets: {requestToken: token}});
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
  parts: ErrandParts,
): Promise<{readonly url: string; readonly token: Uint8Array}> {
  const url = request?.url ?? parts.environment[urlName];
  const given = parts.environment[tokenName];
  if (url === undefined || url === '' || (request === undefined && !given))
    throw localFailure(
      'ERR_NO_OIDC_REQUEST',
      `this is not ${what}: ${url ? tokenName : urlName} is not set`,
      hint,
    );
  if (!URL.canParse(url)) throw localFailure('ERR_NO_OIDC_REQUEST', `${urlName} is not a URL`, hint);
  return {
    url,
    token: request === undefined ? Buffer.from(given ?? '') : await bytesFrom(request.token, parts),
  };
}

/** Returns a copy that the pool overwrites. A secret that was read for this errand is erased. */
async function bytesFrom(
  source: SecretSource,
  {readSecret}: Pick<ErrandParts, 'readSecret'>,
): Promise<Uint8Array> {
  if (source.from !== 'held') return takeBytes(await readSecret(source));
  return source.secret.use((bytes) => Uint8Array.from(bytes));
}

function takeBytes(secret: Secret): Uint8Array {
  const bytes = secret.use((held) => Uint8Array.from(held));
  secret.erase();
  return bytes;
}

function jobOf(task: Task, fields: Job['fields'], secrets: Job['secrets']): Job {
  return {task, fields, secrets};
}

/** Takes `contoso`, `contoso.vault.azure.net` or its URL. Only Microsoft's vaults may get a token. */
function vaultUrlOf(vault: string): URL {
  const host = vault.replace(/^https:\/\//, '').replace(/\/+$/, '');
  const full = host.includes('.') ? host : `${host}.vault.azure.net`;
  if (vaultHost.test(full)) return new URL(`https://${full}/`);
  throw localFailure(
    'ERR_VAULT_NAME',
    'the vault name is not valid',
    'Give its name or its URL: https://contoso.vault.azure.net',
  );
}

/** @see https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates */
const vaultHost =
  /^[a-z][a-z0-9-]{1,22}[a-z0-9]\.(?:vault\.azure\.net|vault\.azure\.cn|vault\.usgovcloudapi\.net|vault\.microsoftazure\.de)$/i;
