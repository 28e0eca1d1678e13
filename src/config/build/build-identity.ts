import type {Identity, ManagedIdentityId, SecretSource} from '../../identity/identity.ts';
import {AZURE_DEVOPS_SCOPE} from '../../token/acquire.ts';
import {certificateFault} from './certificate-fault.ts';
import type {EntraSettings} from '../configuration.ts';
import {
  chooseKind,
  CREDENTIAL_KEYS,
  type ChosenKind,
  type CredentialKind,
} from '../shape/credential-kinds.ts';
import {isGuid} from '../../text/guid.ts';
import {keyMaker, type MakeKey} from './identity-key.ts';
import {nearestWord} from '../../text/nearest-word.ts';
import {absolutePath} from '../../places/paths.ts';
import {terraformIdentity} from './terraform-environment.ts';
import type {Problems} from '../text/problems.ts';
import type {Resolver, Surroundings} from '../value/resolve-value.ts';
import {valueAt, type WrittenMap} from '../text/written.ts';

/** What identities are made with. */
export interface IdentityParts {
  readonly problems: Problems;
  readonly resolver: Resolver;
  readonly surroundings: Surroundings;
  readonly entra: EntraSettings;
  /** Of this process: secrets are hashed with it. */
  readonly key: Uint8Array;
}

/** The public client that the Azure tools share: people can sign in with it in every tenant that allows them. */
const AZURE_TOOLS_CLIENT_ID = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';

/** The kind follows from the fields. `undefined` where something is wrong; what, is among the problems. */
export function buildIdentity(credential: WrittenMap, parts: IdentityParts): Identity | undefined {
  const chosen = chosenKind(credential);
  if (chosen.kind === 'unfit') {
    const {message, hint} = describeMisfit(chosen);
    parts.problems.error(credential.at, message, hint);
    return undefined;
  }
  return new IdentityBuilder(credential, parts).build(chosen.fits.kind);
}

/** A key with a slip of the pen counts as the one that was meant: it is told by itself. */
export function chosenKind(credential: WrittenMap): ChosenKind {
  const keys = new Set<string>();
  for (const key of credential.entries.keys()) {
    const known = CREDENTIAL_KEYS.includes(key) ? key : nearestWord(key, CREDENTIAL_KEYS);
    if (known !== undefined && known !== 'organizations') keys.add(known);
  }
  return chooseKind(keys);
}

function describeMisfit({nearest, missing, surplus}: Extract<ChosenKind, {kind: 'unfit'}>): {
  readonly message: string;
  readonly hint: string;
} {
  const faults = [
    ...(missing.length > 0 ? [`${listed(missing)} ${missing.length === 1 ? 'is' : 'are'} missing`] : []),
    ...(surplus.length > 0 ? [`${listed(surplus)} ${surplus.length === 1 ? 'is' : 'are'} too much`] : []),
  ];
  const optional = nearest.optional.length === 0 ? '' : `, optional ${listed(nearest.optional)}`;
  return {
    message: `the fields fit no kind of credential; nearest is ${nearest.name}: ${faults.join(', ')}`,
    hint: `${nearest.name} has exactly ${listed(nearest.required)}${optional}`,
  };
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

/** Reads the fields of one credential. All are read before anything is refused: all problems are told at once. */
class IdentityBuilder {
  readonly #credential: WrittenMap;
  readonly #parts: IdentityParts;
  readonly #makeKey: MakeKey;

  constructor(credential: WrittenMap, parts: IdentityParts) {
    this.#credential = credential;
    this.#parts = parts;
    this.#makeKey = keyMaker(parts.key, parts.entra);
  }

  build(kind: CredentialKind['kind']): Identity | undefined {
    switch (kind) {
      case 'client-secret':
        return this.#clientSecret();
      case 'client-certificate':
        return this.#clientCertificate();
      case 'managed-identity':
        return this.#managedIdentity();
      case 'managed-identity-assertion':
        return this.#assertion();
      case 'federated-token-file':
        return this.#federatedTokenFile();
      case 'oidc':
        return this.#oidc();
      case 'azure-cli':
        return this.#azureCli();
      case 'sign-in':
        return this.#signIn();
      case 'pat':
        return this.#pat();
      case 'environment':
        return this.#environment();
      case 'stored':
        return this.#stored();
    }
  }

  #clientSecret(): Identity | undefined {
    const {clientId, tenantId} = this.#application();
    const clientSecret = this.#secret('clientSecret');
    if (clientId === undefined || tenantId === undefined || clientSecret === undefined) return undefined;
    const key = this.#makeKey('client-secret', [clientId, tenantId, clientSecret]);
    return {kind: 'client-secret', key, clientId, tenantId, clientSecret};
  }

  #clientCertificate(): Identity | undefined {
    const {clientId, tenantId} = this.#application();
    const clientCertificate = this.#secret('clientCertificate', 'lines');
    const clientCertificatePassword = this.#secret('clientCertificatePassword');
    if (clientCertificate?.from === 'held' && !this.#isOpen('clientCertificate')) {
      const fault = certificateFault(clientCertificate.secret);
      if (fault !== undefined) return this.#refuse('clientCertificate', fault.message, fault.hint);
    }
    if (clientId === undefined || tenantId === undefined || clientCertificate === undefined) return undefined;
    if (clientCertificatePassword === undefined && this.#has('clientCertificatePassword')) return undefined;
    const parts = {clientId, tenantId, clientCertificate, clientCertificatePassword};
    const key = this.#makeKey('client-certificate', Object.values(parts));
    return {kind: 'client-certificate', key, ...parts};
  }

  #managedIdentity(): Identity | undefined {
    const clientId = this.#managedIdentityId('clientId');
    if (clientId === undefined) return undefined;
    return {kind: 'managed-identity', key: this.#makeKey('managed-identity', [clientId]), clientId};
  }

  #assertion(): Identity | undefined {
    const {clientId, tenantId} = this.#application();
    const managedIdentityClientId = this.#managedIdentityId('managedIdentityClientId');
    if (clientId === undefined || tenantId === undefined || managedIdentityClientId === undefined)
      return undefined;
    if (managedIdentityClientId === 'system-assigned') {
      this.#parts.problems.warn(
        this.#at('managedIdentityClientId'),
        'Entra takes client assertions of user-assigned managed identities only: system-assigned will probably be refused',
        'assign a user-assigned managed identity to the machine and write its client id',
      );
    }
    const key = this.#makeKey('managed-identity-assertion', [clientId, tenantId, managedIdentityClientId]);
    return {kind: 'managed-identity-assertion', key, clientId, managedIdentityClientId, tenantId};
  }

  #federatedTokenFile(): Identity | undefined {
    const {clientId, tenantId} = this.#application();
    const path = this.#text('federatedTokenFile');
    if (path === '') return this.#refuse('federatedTokenFile', 'federatedTokenFile must be a path');
    if (clientId === undefined || tenantId === undefined || path === undefined) return undefined;
    const federatedTokenFile = absolutePath(path, this.#parts.surroundings);
    const key = this.#makeKey('federated-token-file', [clientId, tenantId, federatedTokenFile]);
    return {kind: 'federated-token-file', key, clientId, tenantId, federatedTokenFile};
  }

  #oidc(): Identity | undefined {
    const {clientId, tenantId} = this.#application();
    const oidc = this.#text('oidc');
    const connection = this.#guid('serviceConnectionId');
    if (oidc === undefined) return undefined;
    if (oidc === 'github-actions') {
      if (this.#has('serviceConnectionId'))
        return this.#refuse('serviceConnectionId', 'serviceConnectionId is for oidc: azure-pipelines only');
      if (clientId === undefined || tenantId === undefined) return undefined;
      const key = this.#makeKey('github-actions', [clientId, tenantId]);
      return {kind: 'github-actions', key, clientId, tenantId, request: undefined};
    }
    if (oidc !== 'azure-pipelines')
      return this.#refuse('oidc', 'oidc must be github-actions or azure-pipelines');
    if (!this.#has('serviceConnectionId'))
      return this.#refuse(
        'oidc',
        'oidc: azure-pipelines needs serviceConnectionId',
        'it is the GUID at the end of the address of the service connection’s page',
      );
    if (clientId === undefined || tenantId === undefined || connection === undefined) return undefined;
    const key = this.#makeKey('azure-pipelines', [clientId, tenantId, connection]);
    return {
      kind: 'azure-pipelines',
      key,
      clientId,
      tenantId,
      serviceConnectionId: connection,
      request: undefined,
    };
  }

  #azureCli(): Identity | undefined {
    const tenantId = this.#guid('tenantId');
    if (!this.#isTrue('azureCli')) return undefined;
    if (tenantId === undefined && this.#has('tenantId')) return undefined;
    return {kind: 'azure-cli', key: this.#makeKey('azure-cli', [tenantId]), tenantId};
  }

  #signIn(): Identity | undefined {
    const method = this.#text('signIn');
    const tenantId = this.#guid('tenantId');
    const issuer = this.#issuer(tenantId);
    const clientId = this.#has('clientId') ? this.#guid('clientId') : AZURE_TOOLS_CLIENT_ID;
    const clientSecret = this.#secret('clientSecret');
    const scopes = this.#scopes();
    if (method !== undefined && method !== 'browser' && method !== 'device-code')
      return this.#refuse('signIn', 'signIn must be browser or device-code');
    if (this.#has('issuer') && this.#has('tenantId'))
      return this.#refuse('tenantId', 'issuer and tenantId exclude each other: the issuer names the tenant');
    if (this.#has('clientSecret') && !this.#has('clientId'))
      return this.#refuse('clientSecret', 'clientSecret needs the clientId of the app that it belongs to');
    const lacking =
      (tenantId === undefined && this.#has('tenantId')) ||
      (clientSecret === undefined && this.#has('clientSecret'));
    if (
      lacking ||
      method === undefined ||
      issuer === undefined ||
      clientId === undefined ||
      scopes === undefined
    )
      return undefined;
    const key = this.#makeKey('sign-in', [method, issuer, clientId, clientSecret, scopes]);
    return {kind: 'sign-in', key, method, issuer, clientId, clientSecret, scopes};
  }

  #pat(): Identity | undefined {
    const personalAccessToken = this.#secret('personalAccessToken');
    if (personalAccessToken === undefined) return undefined;
    return {kind: 'pat', key: this.#makeKey('pat', [personalAccessToken]), personalAccessToken};
  }

  #environment(): Identity | undefined {
    const which = this.#text('environment');
    if (which === undefined) return undefined;
    if (which !== 'terraform') return this.#refuse('environment', 'environment must be terraform');
    const found = terraformIdentity(this.#parts);
    if (found.kind === 'found') {
      for (const warning of found.warnings) this.#parts.problems.warn(this.#at('environment'), warning);
      return found.identity;
    }
    if (this.#parts.surroundings.absent === 'error')
      return this.#refuse('environment', found.message, found.hint);
    this.#parts.problems.leaveOpen(this.#at('environment'), `${found.message}; a daemon may have others`);
    return undefined;
  }

  #stored(): Identity | undefined {
    const persist = this.#parts.resolver.flag(valueAt(this.#credential, 'persist'), false);
    if (!this.#isTrue('stored')) return undefined;
    return {kind: 'stored', key: this.#makeKey('stored', [persist ? 'persist' : 'memory']), persist};
  }

  #application(): {readonly clientId: string | undefined; readonly tenantId: string | undefined} {
    return {clientId: this.#guid('clientId'), tenantId: this.#guid('tenantId')};
  }

  #managedIdentityId(field: string): ManagedIdentityId | undefined {
    const text = this.#text(field);
    if (text === undefined || text === 'system-assigned') return text;
    if (this.#isOpen(field)) return text;
    if (isGuid(text)) return text.toLowerCase();
    return this.#refuse(field, `${field} must be a GUID or system-assigned`);
  }

  #guid(field: string): string | undefined {
    const text = this.#text(field);
    if (text === undefined || this.#isOpen(field)) return text;
    return isGuid(text)
      ? text.toLowerCase()
      : this.#refuse(field, `${field} must be a GUID`, hintFor(field, text));
  }

  #issuer(tenantId: string | undefined): string | undefined {
    if (!this.#has('issuer')) return `${this.#parts.entra.authorityHost}/${tenantId ?? 'organizations'}/v2.0`;
    const text = this.#text('issuer');
    if (text === undefined) return undefined;
    return isPlainHttps(text)
      ? text.replace(/\/+$/, '')
      : this.#refuse('issuer', 'issuer must be an https address without query');
  }

  #scopes(): readonly string[] | undefined {
    const written = valueAt(this.#credential, 'scopes');
    if (written === undefined) return [AZURE_DEVOPS_SCOPE];
    const scopes = this.#parts.resolver.texts(written);
    if (written.kind !== 'list' || scopes.length < written.items.length) return undefined;
    if (scopes.length === 0) return [AZURE_DEVOPS_SCOPE];
    const bad = scopes.find(({text}) => !/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/.test(text));
    if (bad === undefined) return scopes.map(({text}) => text);
    this.#parts.problems.refuse(bad.at, 'no scope: no spaces, quotes or backslashes, one to an item');
    return undefined;
  }

  #isTrue(field: string): boolean {
    const written = valueAt(this.#credential, field);
    const stated = this.#parts.resolver.flag(written, false);
    if (!stated && written?.kind === 'flag')
      this.#parts.problems.refuse(written.at, `${field} can only be true: leave the credential out instead`);
    return stated;
  }

  #text(field: string): string | undefined {
    return this.#parts.resolver.text(valueAt(this.#credential, field));
  }

  #secret(field: string, form: 'line' | 'lines' = 'line'): SecretSource | undefined {
    return this.#parts.resolver.secret(valueAt(this.#credential, field), form);
  }

  #has(field: string): boolean {
    return this.#credential.entries.has(field);
  }

  /** Its value is not known here. */
  #isOpen(field: string): boolean {
    return this.#parts.problems.isOpen(this.#at(field));
  }

  #at(field: string): number {
    return valueAt(this.#credential, field)?.at ?? this.#credential.at;
  }

  #refuse(field: string, message: string, hint?: string): undefined {
    this.#parts.problems.refuse(this.#at(field), message, hint);
  }
}

/** An https address without user, query and fragment. */
export function isPlainHttps(text: string): boolean {
  if (!/^https:\/\/[\x21-\x7e]+$/.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && url.username === '' && url.password === '' && !/[?#]/.test(text);
}

function hintFor(field: string, text: string): string | undefined {
  if (text === 'system-assigned') return 'system-assigned is for managed identities only';
  if (field === 'tenantId' && text.includes('.'))
    return 'a domain is not enough: the portal shows the tenant’s id';
  return undefined;
}
