import {resolve} from 'node:path';
import {organizationFrom} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {readHost} from '../value/read-host.ts';
import type {Surroundings} from '../value/value-source.ts';
import {decodeOnce} from '../../text/decode-once.ts';
import type {Environment} from '../../text/environment.ts';

export type EnvironmentSurroundings = Pick<Surroundings, 'environment' | 'uid' | 'files'> & {
  /** Relative paths begin there. */
  readonly directory: string;
};

/**
 * The variables that Terraform's azuredevops provider reads. In each row the first variable that is set wins; an empty
 * one counts as not set.
 * Fact 34.
 * @see https://registry.terraform.io/providers/microsoft/azuredevops/latest/docs
 */
export const NAMES = {
  personalAccessToken: ['AZDO_PERSONAL_ACCESS_TOKEN'],
  organizationUrl: ['AZDO_ORG_SERVICE_URL'],
  clientId: ['ARM_CLIENT_ID', 'AZURE_CLIENT_ID'],
  clientIdFile: ['ARM_CLIENT_ID_FILE_PATH'],
  tenantId: ['ARM_TENANT_ID', 'AZURE_TENANT_ID'],
  clientSecret: ['ARM_CLIENT_SECRET', 'AZURE_CLIENT_SECRET'],
  clientSecretFile: ['ARM_CLIENT_SECRET_PATH', 'ARM_CLIENT_SECRET_FILE_PATH'],
  certificateFile: ['ARM_CLIENT_CERTIFICATE_PATH'],
  certificate: ['ARM_CLIENT_CERTIFICATE'],
  certificatePassword: ['ARM_CLIENT_CERTIFICATE_PASSWORD'],
  oidcToken: ['ARM_OIDC_TOKEN'],
  oidcTokenFile: ['ARM_OIDC_TOKEN_FILE_PATH', 'AZURE_FEDERATED_TOKEN_FILE'],
  oidcRequestToken: ['ARM_OIDC_REQUEST_TOKEN', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'SYSTEM_ACCESSTOKEN'],
  oidcRequestUrl: ['ARM_OIDC_REQUEST_URL', 'ACTIONS_ID_TOKEN_REQUEST_URL', 'SYSTEM_OIDCREQUESTURI'],
  serviceConnectionId: [
    'ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID',
    'ARM_OIDC_AZURE_SERVICE_CONNECTION_ID',
    'AZURESUBSCRIPTION_SERVICE_CONNECTION_ID',
  ],
  useOidc: ['ARM_USE_OIDC'],
  useCli: ['ARM_USE_CLI'],
  useMsi: ['ARM_USE_MSI'],
} as const;

export type VariableNames = Partial<Readonly<Record<keyof typeof NAMES, readonly string[]>>>;

/**
 * The variables that `DefaultAzureCredential` reads, by which Backstage signs in where no credentials are configured.
 * @see https://learn.microsoft.com/javascript/api/@azure/identity/environmentcredential
 */
export const AZURE_NAMES: VariableNames = {
  clientId: ['AZURE_CLIENT_ID'],
  tenantId: ['AZURE_TENANT_ID'],
  clientSecret: ['AZURE_CLIENT_SECRET'],
  certificateFile: ['AZURE_CLIENT_CERTIFICATE_PATH'],
  certificatePassword: ['AZURE_CLIENT_CERTIFICATE_PASSWORD'],
  oidcTokenFile: ['AZURE_FEDERATED_TOKEN_FILE'],
};

/** Restricts what `DefaultAzureCredential` looks at: `dev`, `prod`, or the name of one credential. */
export const AZURE_CHOICE = 'AZURE_TOKEN_CREDENTIALS';

export const TERRAFORM_VARIABLES: readonly string[] = Object.values(NAMES).flat();

/** Variables that platforms set in every job or pod: they do not show that a user wants this identity. */
export const AMBIENT: ReadonlySet<string> = new Set([
  'AZURE_FEDERATED_TOKEN_FILE',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  'ACTIONS_ID_TOKEN_REQUEST_URL',
  'SYSTEM_ACCESSTOKEN',
  'SYSTEM_OIDCREQUESTURI',
  'AZURESUBSCRIPTION_SERVICE_CONNECTION_ID',
]);

export function hasTerraformEnvironment(environment: Environment): boolean {
  return setVariables(environment).length > 0;
}

/** Returns the variables that a user set on purpose. A switch that is off does not count. */
export function setVariables(environment: Environment): readonly string[] {
  return TERRAFORM_VARIABLES.filter((name) => {
    const value = valueOf(environment, name);
    if (value === undefined || AMBIENT.has(name)) return false;
    return !name.startsWith('ARM_USE_') || booleanFrom(value) !== false;
  });
}

/** Returns the absolute paths of the files that the variables name, so that they can be read beforehand. */
export function terraformFiles(environment: Environment, directory: string): string[] {
  const named = [
    NAMES.clientIdFile,
    NAMES.clientSecretFile,
    NAMES.certificateFile,
    AZURE_NAMES.certificateFile ?? [],
  ];
  return named.flatMap((names) => {
    const path = firstSet(environment, names)?.value;
    return path === undefined ? [] : [resolve(directory, path)];
  });
}

/** What the identity of the variables is for. `organization` is `undefined` if no variable names one. */
type TerraformTarget =
  | {readonly kind: 'target'; readonly host: string; readonly organization: string | undefined}
  | {readonly kind: 'failed'; readonly message: string; readonly hint: string | undefined};

/** Reads `AZDO_ORG_SERVICE_URL`: `https://dev.azure.com/contoso`, or a server's collection. */
export function terraformTarget(environment: Environment): TerraformTarget {
  const set = firstSet(environment, NAMES.organizationUrl);
  if (set === undefined) return {kind: 'target', host: SERVICES_HOST, organization: undefined};
  const failed = {
    kind: 'failed',
    message: 'AZDO_ORG_SERVICE_URL is not the address of an organization',
    hint: 'write https://dev.azure.com/ORGANIZATION',
  } as const;
  const parts = /^https:\/\/([^/?#@\s]+)(?:\/([^?#\s]*))?$/i.exec(set.value);
  if (parts === null) return failed;
  const segments = (parts[2] ?? '').split('/').filter((segment) => segment !== '');
  const host = readHost(parts[1]);
  if (host.kind === 'organization')
    return {kind: 'target', host: SERVICES_HOST, organization: host.organization};
  if (host.kind === 'services') {
    const organization = organizationFrom(segments[0] ?? '');
    return organization === undefined ? failed : {kind: 'target', host: SERVICES_HOST, organization};
  }
  if (host.kind !== 'server') return failed;
  const collection = segments.pop();
  const directory = segments.join('/').toLowerCase() === 'tfs' ? [] : segments;
  const server = readHost([host.host, ...directory].join('/'));
  if (server.kind !== 'server') return failed;
  return {
    kind: 'target',
    host: server.host,
    organization: collection && decoded(collection),
  };
}

export interface SetVariable {
  readonly name: string;
  /** Trimmed, not empty. */
  readonly value: string;
}

export function firstSet(environment: Environment, names: readonly string[]): SetVariable | undefined {
  for (const name of names) {
    const value = valueOf(environment, name);
    if (value !== undefined) return {name, value};
  }
  return undefined;
}

function valueOf(environment: Environment, name: string): string | undefined {
  return environment[name]?.trim() || undefined;
}

function decoded(segment: string): string {
  return decodeOnce(segment) ?? segment;
}

/** Reads a boolean as Go's strconv.ParseBool does, which Terraform uses. */
export function booleanFrom(text: string): boolean | undefined {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(?:0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}
