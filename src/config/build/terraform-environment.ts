import {resolve} from 'node:path';
import type {Identity, OidcRequest, SecretSource} from '../../identity/identity.ts';
import {organizationFrom} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {Secret} from '../../secret/secret.ts';
import {certificateFault} from './certificate-fault.ts';
import type {EntraSettings} from '../configuration.ts';
import {isGuid} from '../../text/guid.ts';
import {keyMaker, type MakeKey} from './identity-key.ts';
import {readHost} from '../value/read-host.ts';
import {objectionTo} from '../../files/read-protected-file.ts';
import {secretFault, trimmedBytes, type Surroundings} from '../value/resolve-value.ts';
import {showablePath} from '../../text/showable.ts';

/**
 * What Terraform's azuredevops provider reads from its environment. In each row the first name that is set wins;
 * a variable that is set to nothing counts as not set.
 * @see https://registry.terraform.io/providers/microsoft/azuredevops/latest/docs
 */
const NAMES = {
  personalAccessToken: ['AZDO_PERSONAL_ACCESS_TOKEN'],
  organizationUrl: ['AZDO_ORG_SERVICE_URL'],
  clientId: ['ARM_CLIENT_ID', 'AZURE_CLIENT_ID'],
  clientIdFile: ['ARM_CLIENT_ID_FILE_PATH'],
  tenantId: ['ARM_TENANT_ID', 'AZURE_TENANT_ID'],
  clientSecret: ['ARM_CLIENT_SECRET', 'AZURE_CLIENT_SECRET'],
  clientSecretFile: ['ARM_CLIENT_SECRET_FILE_PATH', 'ARM_CLIENT_SECRET_PATH'],
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

/** Every variable that is read. */
export const TERRAFORM_VARIABLES: readonly string[] = Object.values(NAMES).flat();

/** Set by a platform in every job or pod: that they are there says nothing about what is wanted. */
const AMBIENT: ReadonlySet<string> = new Set([
  'AZURE_FEDERATED_TOKEN_FILE',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  'ACTIONS_ID_TOKEN_REQUEST_URL',
  'SYSTEM_ACCESSTOKEN',
  'SYSTEM_OIDCREQUESTURI',
  'AZURESUBSCRIPTION_SERVICE_CONNECTION_ID',
]);

type Environment = Surroundings['environment'];

type TerraformFound =
  | {readonly kind: 'found'; readonly identity: Identity; readonly warnings: readonly string[]}
  | {readonly kind: 'failed'; readonly message: string; readonly hint: string | undefined};

/** Whether somebody set one of the variables on purpose: a switch that is off is no wish. */
export function hasTerraformEnvironment(environment: Environment): boolean {
  return TERRAFORM_VARIABLES.some((name) => {
    const value = valueOf(environment, name);
    if (value === undefined || AMBIENT.has(name)) return false;
    return !name.startsWith('ARM_USE_') || booleanFrom(value) !== false;
  });
}

/** The absolute paths of the files that the variables name: to be read before the identity is made. */
export function terraformFiles(environment: Environment, directory: string): string[] {
  const named = [NAMES.clientIdFile, NAMES.clientSecretFile, NAMES.certificateFile];
  return named.flatMap((names) => {
    const path = firstSet(environment, names)?.value;
    return path === undefined ? [] : [resolve(directory, path)];
  });
}

/** Where the variables' identity is for. `undefined`: nothing says so. */
type TerraformTarget =
  | {readonly kind: 'target'; readonly host: string; readonly organization: string | undefined}
  | {readonly kind: 'failed'; readonly message: string; readonly hint: string | undefined};

/** From `AZDO_ORG_SERVICE_URL`: `https://dev.azure.com/contoso`, or a server's collection. */
export function terraformTarget(environment: Environment): TerraformTarget {
  const set = firstSet(environment, NAMES.organizationUrl);
  if (set === undefined) return {kind: 'target', host: SERVICES_HOST, organization: undefined};
  const failed = refused(
    'AZDO_ORG_SERVICE_URL is no address of an organization',
    'write https://dev.azure.com/ORGANIZATION',
  );
  const parts = /^https:\/\/([^/?#@\s]+)(?:\/([^?#\s]*))?$/i.exec(set.value);
  if (parts === null) return failed;
  const host = readHost(parts[1]);
  const segments = (parts[2] ?? '').split('/').filter((segment) => segment !== '');
  if (host.kind === 'organization')
    return {kind: 'target', host: SERVICES_HOST, organization: host.organization};
  if (host.kind === 'services') {
    const organization = organizationFrom(segments[0] ?? '');
    return organization === undefined ? failed : {kind: 'target', host: SERVICES_HOST, organization};
  }
  if (host.kind !== 'server') return failed;
  const collection = segments[0]?.toLowerCase() === 'tfs' ? segments[1] : segments[0];
  return {kind: 'target', host: host.host, organization: collection && decoded(collection)};
}

/**
 * A personal access token alone decides. Else the first of OIDC token, token file, OIDC request, client secret,
 * client certificate, managed identity, Azure CLI. The provider tries the next where one fails; here, where one is
 * named but can't be used, that is an error: who gets which identity must not depend on what fails.
 */
export function terraformIdentity(parts: {
  readonly surroundings: Surroundings;
  readonly entra: EntraSettings;
  readonly key: Uint8Array;
}): TerraformFound {
  try {
    return new TerraformReader(parts.surroundings, keyMaker(parts.key, parts.entra)).identity();
  } catch (error) {
    if (error instanceof Unusable) return refused(error.message, error.hint);
    throw error;
  }
}

/** A source that is named but can't be used. */
class Unusable extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

class TerraformReader {
  readonly #surroundings: Surroundings;
  readonly #makeKey: MakeKey;
  readonly #warnings: string[] = [];

  constructor(surroundings: Surroundings, makeKey: MakeKey) {
    this.#surroundings = surroundings;
    this.#makeKey = makeKey;
  }

  identity(): TerraformFound {
    const identity =
      this.#pat() ??
      this.#oidc() ??
      this.#clientSecret() ??
      this.#clientCertificate() ??
      this.#managedIdentity() ??
      this.#azureCli();
    if (identity === undefined)
      return refused(
        'the variables name no source of credentials, and ARM_USE_CLI is false',
        'set AZDO_PERSONAL_ACCESS_TOKEN, ARM_CLIENT_SECRET, ARM_USE_OIDC or ARM_USE_MSI',
      );
    return {kind: 'found', identity, warnings: this.#warnings};
  }

  #pat(): Identity | undefined {
    const set = this.#first('personalAccessToken');
    if (set === undefined) return undefined;
    const personalAccessToken = heldText(set);
    return {kind: 'pat', key: this.#makeKey('pat', [personalAccessToken]), personalAccessToken};
  }

  #oidc(): Identity | undefined {
    if (!this.#switch('useOidc', false)) {
      const unused = this.#first('oidcToken') ?? this.#first('oidcTokenFile');
      if (unused !== undefined && !AMBIENT.has(unused.name) && this.#first('useOidc') === undefined)
        throw new Unusable(`${unused.name} is set, but ARM_USE_OIDC is not`, 'set ARM_USE_OIDC=true');
      return undefined;
    }
    return this.#oidcToken() ?? this.#oidcTokenFile() ?? this.#oidcRequest();
  }

  #oidcToken(): Identity | undefined {
    const set = this.#first('oidcToken');
    if (set === undefined) return undefined;
    const {clientId, tenantId} = this.#application(set.name);
    const assertion = heldText(set);
    const key = this.#makeKey('federated-token', [clientId, tenantId, assertion]);
    this.#warnings.push(
      'ARM_OIDC_TOKEN ends within the hour and cannot be renewed: name a file or a request instead',
    );
    return {kind: 'federated-token', key, clientId, tenantId, assertion};
  }

  #oidcTokenFile(): Identity | undefined {
    const set = this.#first('oidcTokenFile');
    if (set === undefined) return undefined;
    const {clientId, tenantId} = this.#application(set.name);
    const federatedTokenFile = resolve(this.#surroundings.directory, set.value);
    const key = this.#makeKey('federated-token-file', [clientId, tenantId, federatedTokenFile]);
    return {kind: 'federated-token-file', key, clientId, tenantId, federatedTokenFile};
  }

  #oidcRequest(): Identity {
    const token = this.#first('oidcRequestToken');
    const url = this.#first('oidcRequestUrl');
    const connection = this.#first('serviceConnectionId');
    if (token === undefined && url === undefined)
      throw new Unusable(
        'ARM_USE_OIDC is set, but there is no token, no token file and nothing to request one from',
        'GitHub: permissions: id-token: write; Azure Pipelines: map SYSTEM_ACCESSTOKEN into the step',
      );
    if (token === undefined)
      throw new Unusable(`${url?.name} is set, but no token to ask it with: ARM_OIDC_REQUEST_TOKEN`);
    if (url === undefined)
      throw new Unusable(`${token.name} is set, but not where to ask: ARM_OIDC_REQUEST_URL`);
    if (!/^https:\/\/[\x21-\x7e]+$/.test(url.value) || !URL.canParse(url.value))
      throw new Unusable(`${url.name} is no https address`);
    if (
      connection === undefined &&
      (token.name === 'SYSTEM_ACCESSTOKEN' || url.name === 'SYSTEM_OIDCREQUESTURI')
    )
      throw new Unusable(
        `${token.name} is set, but not the id of the service connection`,
        'set ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID',
      );
    const {clientId, tenantId} = this.#application(token.name);
    const request: OidcRequest = {url: url.value, token: heldText(token)};
    if (connection === undefined) {
      const key = this.#makeKey('github-actions', [clientId, tenantId, request.url, request.token]);
      return {kind: 'github-actions', key, clientId, tenantId, request};
    }
    const serviceConnectionId = guidFrom(connection);
    const key = this.#makeKey('azure-pipelines', [
      clientId,
      tenantId,
      serviceConnectionId,
      request.url,
      request.token,
    ]);
    return {kind: 'azure-pipelines', key, clientId, tenantId, serviceConnectionId, request};
  }

  #clientSecret(): Identity | undefined {
    const set = this.#first('clientSecret') ?? this.#first('clientSecretFile');
    if (set === undefined) return undefined;
    const {clientId, tenantId} = this.#application(set.name);
    const isFile = set.name.endsWith('_PATH');
    const clientSecret = isFile ? held(this.#file(set, true), set.name) : heldText(set);
    const key = this.#makeKey('client-secret', [clientId, tenantId, clientSecret]);
    return {kind: 'client-secret', key, clientId, tenantId, clientSecret};
  }

  #clientCertificate(): Identity | undefined {
    const set = this.#first('certificateFile') ?? this.#first('certificate');
    if (set === undefined) return undefined;
    const {clientId, tenantId} = this.#application(set.name);
    const secret = new Secret(
      set.name === 'ARM_CLIENT_CERTIFICATE_PATH' ? trimmedBytes(this.#file(set, true)) : fromBase64(set),
    );
    const fault = certificateFault(secret);
    if (fault !== undefined) throw new Unusable(`${set.name}: ${fault.message}`, fault.hint);
    const clientCertificate: SecretSource = {from: 'held', secret};
    const password = this.#first('certificatePassword');
    const clientCertificatePassword = password && heldText(password);
    const parts = {clientId, tenantId, clientCertificate, clientCertificatePassword};
    const key = this.#makeKey('client-certificate', Object.values(parts));
    return {kind: 'client-certificate', key, ...parts};
  }

  #managedIdentity(): Identity | undefined {
    if (!this.#switch('useMsi', false)) return undefined;
    const clientId = this.#clientId() ?? 'system-assigned';
    return {kind: 'managed-identity', key: this.#makeKey('managed-identity', [clientId]), clientId};
  }

  #azureCli(): Identity | undefined {
    if (!this.#switch('useCli', true)) return undefined;
    const tenant = this.#first('tenantId');
    const tenantId = tenant && guidFrom(tenant);
    return {kind: 'azure-cli', key: this.#makeKey('azure-cli', [tenantId]), tenantId};
  }

  #application(source: string): {readonly clientId: string; readonly tenantId: string} {
    const clientId = this.#clientId();
    const tenant = this.#first('tenantId');
    if (clientId === undefined) throw new Unusable(`${source} is set, but no client id: ARM_CLIENT_ID`);
    if (tenant === undefined) throw new Unusable(`${source} is set, but no tenant: ARM_TENANT_ID`);
    return {clientId, tenantId: guidFrom(tenant)};
  }

  #clientId(): string | undefined {
    const set = this.#first('clientId');
    if (set !== undefined) return guidFrom(set);
    const file = this.#first('clientIdFile');
    return file && guidFrom({name: file.name, value: this.#file(file, false).toString('utf8').trim()});
  }

  #first(what: keyof typeof NAMES): SetVariable | undefined {
    return firstSet(this.#surroundings.environment, NAMES[what]);
  }

  #switch(what: 'useOidc' | 'useCli' | 'useMsi', otherwise: boolean): boolean {
    const set = this.#first(what);
    if (set === undefined) return otherwise;
    const value = booleanFrom(set.value);
    if (value === undefined) throw new Unusable(`${set.name} must be true or false`);
    return value;
  }

  #file({name, value}: SetVariable, holdsSecret: boolean): Buffer {
    const path = resolve(this.#surroundings.directory, value);
    const read = this.#surroundings.files.get(path);
    const file = `${name}: the file ${showablePath(path)}`;
    if (read === undefined || read.kind === 'failed')
      throw new Unusable(`${file} ${read?.message ?? 'was not read'}`, read?.hint);
    const objection = objectionTo({path, ...read}, {uid: this.#surroundings.uid, holdsSecret});
    if (objection?.severity === 'error')
      throw new Unusable(
        `${file} ${objection.message}`,
        objection.hint && `${objection.hint} ${shellWord(showablePath(path))}`,
      );
    if (objection !== undefined) this.#warnings.push(`${file} ${objection.message}`);
    return read.bytes;
  }
}

interface SetVariable {
  readonly name: string;
  /** Trimmed, not empty. */
  readonly value: string;
}

function firstSet(environment: Environment, names: readonly string[]): SetVariable | undefined {
  for (const name of names) {
    const value = valueOf(environment, name);
    if (value !== undefined) return {name, value};
  }
  return undefined;
}

function valueOf(environment: Environment, name: string): string | undefined {
  return environment[name]?.trim() || undefined;
}

/** As Go's strconv.ParseBool, which Terraform reads them with. */
function booleanFrom(text: string): boolean | undefined {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(?:0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}

function guidFrom({name, value}: SetVariable): string {
  if (isGuid(value)) return value.toLowerCase();
  throw new Unusable(`${name} must be a GUID`);
}

function heldText({name, value}: SetVariable): SecretSource {
  return held(Buffer.from(value), name);
}

function held(bytes: Uint8Array, name: string): SecretSource {
  const secret = new Secret(trimmedBytes(bytes));
  const fault = secretFault(secret, 'line');
  if (fault !== undefined) throw new Unusable(`${name}: ${fault}`);
  return {from: 'held', secret};
}

/** Azure gives PFX in base64; PEM in base64 is what we can use. */
function fromBase64({name, value}: SetVariable): Uint8Array {
  const text = value.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw new Unusable(`${name} is not base64`);
  return trimmedBytes(Buffer.from(text, 'base64'));
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function refused(
  message: string,
  hint?: string,
): {readonly kind: 'failed'; readonly message: string; readonly hint: string | undefined} {
  return {kind: 'failed', message, hint};
}
