import {resolve} from 'node:path';
import {whyUnsafe} from '../../files/read-protected-file.ts';
import type {Identity, OidcRequest, SecretSource} from '../../identity/identity.ts';
import {Secret} from '../../secret/secret.ts';
import {isGuid} from '../../text/guid.ts';
import {OrgkeyError} from '../../text/orgkey-error.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {showablePath} from '../../text/showable.ts';
import type {EntraSettings} from '../configuration.ts';
import {trimmedBytes, whyUnusable} from '../value/secret-bytes.ts';
import {whyNoCertificate} from './check-certificate.ts';
import {keyMaker, type MakeKey} from './identity-key.ts';
import {
  AMBIENT,
  AZURE_CHOICE,
  AZURE_NAMES,
  booleanFrom,
  type EnvironmentSurroundings,
  firstSet,
  hasTerraformEnvironment,
  NAMES,
  type SetVariable,
  type VariableNames,
} from './terraform-variables.ts';

type EnvironmentFound =
  | {readonly kind: 'found'; readonly identity: Identity; readonly warnings: readonly string[]}
  | {readonly kind: 'failed'; readonly message: string; readonly hint: string | undefined};

/**
 * Makes the identity of the variables. A personal access token alone decides; else the first of OIDC token, token file,
 * OIDC request, client secret, client certificate, managed identity, Azure CLI. The provider tries the next one if one
 * fails; here a source that is named but cannot be used is an error, because the identity must not depend on failures.
 * Fact 33.
 */
export function terraformIdentity(parts: EnvironmentParts): EnvironmentFound {
  return orFailure(() => new VariableReader(NAMES, parts).terraform());
}

/**
 * Makes the identity that `DefaultAzureCredential` would find: the first of client secret, client certificate, token
 * file, and managed identity; the Azure CLI if `AZURE_TOKEN_CREDENTIALS` says so. It does not depend on failures either.
 */
export function azureIdentity(parts: EnvironmentParts): EnvironmentFound {
  return orFailure(() => new VariableReader(AZURE_NAMES, parts).azure());
}

interface EnvironmentParts {
  readonly surroundings: EnvironmentSurroundings;
  readonly entra: EntraSettings;
  readonly key: Uint8Array;
}

function orFailure(find: () => EnvironmentFound): EnvironmentFound {
  try {
    return find();
  } catch (error) {
    if (error instanceof OrgkeyError) return {kind: 'failed', message: error.message, hint: error.hint};
    throw error;
  }
}

/** Returns the error for a source that is named but cannot be used. */
function unusable(message: string, hint?: string): OrgkeyError {
  return new OrgkeyError('ERR_CONFIGURATION', message, {hint});
}

class VariableReader {
  readonly #surroundings: EnvironmentSurroundings;
  readonly #makeKey: MakeKey;
  readonly #names: VariableNames;
  readonly #warnings: string[] = [];

  constructor(names: VariableNames, {surroundings, key, entra}: EnvironmentParts) {
    this.#names = names;
    this.#surroundings = surroundings;
    this.#makeKey = keyMaker(key, entra);
  }

  azure(): EnvironmentFound {
    const choice = firstSet(this.#surroundings.environment, [AZURE_CHOICE])?.value.toLowerCase() ?? 'prod';
    const find = this.#finders.get(choice);
    if (find === undefined)
      throw unusable(
        `${AZURE_CHOICE} names a credential that orgkey does not know`,
        'use prod, dev, EnvironmentCredential, WorkloadIdentityCredential, ManagedIdentityCredential or AzureCliCredential',
      );
    const identity = find();
    if (identity !== undefined) return {kind: 'found', identity, warnings: this.#warnings};
    throw unusable(
      'the variables name no source of credentials',
      'set AZURE_CLIENT_ID and AZURE_TENANT_ID with AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH or AZURE_FEDERATED_TOKEN_FILE',
    );
  }

  /** By the values of `AZURE_TOKEN_CREDENTIALS`, in lower case. */
  get #finders(): ReadonlyMap<string, () => Identity | undefined> {
    const application = () => this.#clientSecret() ?? this.#clientCertificate();
    return new Map([
      ['prod', () => application() ?? this.#oidcTokenFile() ?? this.#machine()],
      ['environmentcredential', application],
      ['workloadidentitycredential', () => this.#oidcTokenFile()],
      ['managedidentitycredential', () => this.#machine()],
      ['dev', () => this.#account()],
      ['azureclicredential', () => this.#account()],
    ]);
  }

  terraform(): EnvironmentFound {
    const identity =
      this.#pat() ??
      this.#oidc() ??
      this.#clientSecret() ??
      this.#clientCertificate() ??
      this.#managedIdentity() ??
      this.#azureCli();
    if (identity === undefined)
      throw unusable(
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
        throw unusable(`${unused.name} is set, but ARM_USE_OIDC is not`, 'set ARM_USE_OIDC=true');
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
      'ARM_OIDC_TOKEN expires within an hour and cannot be renewed: name a file or a request instead',
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
    const {token, url, connection} = this.#requestVariables();
    const {clientId, tenantId} = this.#application(token.name);
    const request: OidcRequest = {url: url.value, token: heldText(token)};
    // fact 36
    if (connection === undefined) {
      const key = this.#makeKey('github-actions', [clientId, tenantId, request.url, request.token]);
      return {kind: 'github-actions', key, clientId, tenantId, request};
    }
    const serviceConnectionId = guidFrom(connection);
    const deciding = [clientId, tenantId, serviceConnectionId, request.url, request.token];
    const key = this.#makeKey('azure-pipelines', deciding);
    return {kind: 'azure-pipelines', key, clientId, tenantId, serviceConnectionId, request};
  }

  #requestVariables(): {
    readonly token: SetVariable;
    readonly url: SetVariable;
    readonly connection: SetVariable | undefined;
  } {
    const token = this.#first('oidcRequestToken');
    const url = this.#first('oidcRequestUrl');
    const connection = this.#first('serviceConnectionId');
    if (token === undefined && url === undefined)
      throw unusable(
        'ARM_USE_OIDC is set, but no token, token file or address to request a token from',
        'GitHub: permissions: id-token: write; Azure Pipelines: map SYSTEM_ACCESSTOKEN into the step',
      );
    if (token === undefined)
      throw unusable(`${url?.name} is set, but ARM_OIDC_REQUEST_TOKEN, the token for it, is not`);
    if (url === undefined)
      throw unusable(`${token.name} is set, but ARM_OIDC_REQUEST_URL, the address for it, is not`);
    if (!/^https:\/\/[\x21-\x7e]+$/.test(url.value) || !URL.canParse(url.value))
      throw unusable(`${url.name} must be an https address`);
    const isPipeline = token.name === 'SYSTEM_ACCESSTOKEN' || url.name === 'SYSTEM_OIDCREQUESTURI';
    if (connection === undefined && isPipeline)
      throw unusable(
        `${token.name} is set, but not the id of the service connection`,
        'set ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID',
      );
    return {token, url, connection};
  }

  #clientSecret(): Identity | undefined {
    const value = this.#first('clientSecret');
    const file = this.#first('clientSecretFile');
    const set = value ?? file;
    if (set === undefined) return undefined;
    this.#requireSame(value, file, true);
    const {clientId, tenantId} = this.#application(set.name);
    const isFile = set.name.endsWith('_PATH');
    const clientSecret = isFile ? held(this.#file(set, true), set.name) : heldText(set);
    const key = this.#makeKey('client-secret', [clientId, clientSecret, tenantId]);
    return {kind: 'client-secret', key, clientId, tenantId, clientSecret};
  }

  #clientCertificate(): Identity | undefined {
    const set = this.#first('certificateFile') ?? this.#first('certificate');
    if (set === undefined) return undefined;
    const {clientId, tenantId} = this.#application(set.name);
    const secret = new Secret(
      set.name.endsWith('_PATH') ? trimmedBytes(this.#file(set, true)) : fromBase64(set),
    );
    const reason = whyNoCertificate(secret);
    if (reason !== undefined) throw unusable(`${set.name}: ${reason.message}`, reason.hint);
    const clientCertificate: SecretSource = {from: 'held', secret};
    const password = this.#first('certificatePassword');
    const clientCertificatePassword = password && heldText(password);
    const parts = {clientId, tenantId, clientCertificate, clientCertificatePassword};
    const key = this.#makeKey('client-certificate', Object.values(parts));
    return {kind: 'client-certificate', key, ...parts};
  }

  #managedIdentity(): Identity | undefined {
    return this.#switch('useMsi', false) ? this.#machine() : undefined;
  }

  #machine(): Identity {
    const clientId = this.#clientId() ?? 'system-assigned';
    return {kind: 'managed-identity', key: this.#makeKey('managed-identity', [clientId]), clientId};
  }

  #azureCli(): Identity | undefined {
    this.#requireIntent();
    return this.#switch('useCli', true) ? this.#account() : undefined;
  }

  /** The Azure CLI is the provider's last resort: it must not hide that a variable is missing. */
  #requireIntent(): void {
    if (this.#first('useCli') !== undefined) return;
    const {environment} = this.#surroundings;
    if (!hasTerraformEnvironment(environment))
      throw unusable('environment is terraform, but none of its variables, ARM_… and AZDO_…, is set', SETS);
    const id = this.#first('clientId') ?? this.#first('clientIdFile');
    if (id === undefined) return;
    const missing = [
      ...(this.#first('tenantId') === undefined ? ['ARM_TENANT_ID'] : []),
      'one of ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH, ARM_USE_OIDC and ARM_USE_MSI',
    ];
    throw unusable(`${id.name} is set, but not ${missing.join(' and ')}`, SETS);
  }

  #account(): Identity {
    const tenant = this.#first('tenantId');
    const tenantId = tenant && guidFrom(tenant);
    return {kind: 'azure-cli', key: this.#makeKey('azure-cli', [tenantId]), tenantId};
  }

  #application(source: string): {readonly clientId: string; readonly tenantId: string} {
    const clientId = this.#clientId();
    const tenant = this.#first('tenantId');
    if (clientId === undefined)
      throw unusable(`${source} is set, but no client id: ${this.#names.clientId?.[0]}`);
    if (tenant === undefined) throw unusable(`${source} is set, but no tenant: ${this.#names.tenantId?.[0]}`);
    return {clientId, tenantId: guidFrom(tenant)};
  }

  #clientId(): string | undefined {
    const set = this.#first('clientId');
    const file = this.#first('clientIdFile');
    this.#requireSame(set, file, false);
    if (set !== undefined) return guidFrom(set);
    return file && guidFrom({name: file.name, value: this.#file(file, false).toString('utf8').trim()});
  }

  /** The provider does not accept a value and a file that differ. */
  #requireSame(value: SetVariable | undefined, file: SetVariable | undefined, holdsSecret: boolean): void {
    if (value === undefined || file === undefined) return;
    const text = this.#file(file, holdsSecret).toString('utf8').trim();
    if (text !== value.value)
      throw unusable(`${value.name} and the file of ${file.name} differ`, `unset one of them`);
  }

  #first(what: keyof typeof NAMES): SetVariable | undefined {
    return firstSet(this.#surroundings.environment, this.#names[what] ?? []);
  }

  // fact 35
  #switch(what: 'useOidc' | 'useCli' | 'useMsi', otherwise: boolean): boolean {
    const set = this.#first(what);
    if (set === undefined) return otherwise;
    const value = booleanFrom(set.value);
    if (value === undefined) throw unusable(`${set.name} must be true or false`);
    return value;
  }

  #file({name, value}: SetVariable, holdsSecret: boolean): Buffer {
    const path = resolve(this.#surroundings.directory, value);
    const read = this.#surroundings.files.get(path);
    const file = `${name}: the file ${showablePath(path)}`;
    if (read === undefined || read.kind === 'failed')
      throw unusable(`${file} ${read?.message ?? 'was not read'}`, read?.hint);
    const unsafe = whyUnsafe({path, ...read}, {uid: this.#surroundings.uid, holdsSecret});
    if (unsafe?.severity === 'error')
      throw unusable(
        `${file} ${unsafe.message}`,
        unsafe.hint && `${unsafe.hint} ${shellWord(showablePath(path))}`,
      );
    if (unsafe !== undefined) this.#warnings.push(`${file} ${unsafe.message}`);
    return read.bytes;
  }
}

const SETS =
  'set them where the daemon runs, or ARM_USE_CLI=true for the account of the Azure CLI; to see what orgkey reads: orgkey config check';

function guidFrom({name, value}: SetVariable): string {
  if (isGuid(value)) return value.toLowerCase();
  throw unusable(`${name} must be a GUID`);
}

function heldText({name, value}: SetVariable): SecretSource {
  return held(Buffer.from(value), name);
}

function held(bytes: Uint8Array, name: string): SecretSource {
  const secret = new Secret(trimmedBytes(bytes));
  const reason = whyUnusable(secret, 'line');
  if (reason !== undefined) throw unusable(`${name}: ${reason}`);
  return {from: 'held', secret};
}

/** Decodes base64. Azure's own certificates are PFX in base64; we can use PEM in base64 only. Fact 37. */
function fromBase64({name, value}: SetVariable): Uint8Array {
  const text = value.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw unusable(`${name} is not base64`);
  return trimmedBytes(Buffer.from(text, 'base64'));
}
