import type {Identity} from '../../identity/identity.ts';
import {absolutePath} from '../../places/paths.ts';
import {AZURE_DEVOPS_SCOPE} from '../../token/acquire.ts';
import type {EntraSettings} from '../configuration.ts';
import {readFields, type Fields, type Item} from '../shape/collections.ts';
import {ANY_CREDENTIAL, chooseKind, CREDENTIALS, type CredentialKind} from '../shape/credential-kinds.ts';
import type {Key, Keys, Reader, ValuesOf} from '../shape/kind.ts';
import {sourceOf, type WrittenMap} from '../text/written.ts';
import type {Surroundings} from '../value/value-source.ts';
import {whyNoCertificate} from './check-certificate.ts';
import {keyMaker, type MakeKey} from './identity-key.ts';
import {azureIdentity, terraformIdentity} from './terraform-identity.ts';

export interface IdentityParts {
  readonly reader: Reader;
  readonly surroundings: Surroundings;
  readonly entra: EntraSettings;
  /** Of this process: secrets are hashed with it. */
  readonly key: Uint8Array;
}

/** One credential. What could not be read is `undefined`, and its problem was reported. */
export interface Credential {
  readonly identity: Identity | undefined;
  /** As written. */
  readonly organizations: readonly Item<string>[] | undefined;
  /** Some of the organizations could not be read: which ones the credential is for is not known. */
  readonly isIncomplete: boolean;
  readonly lacksSecret: boolean;
}

/** Reads a credential, whose kind follows from its keys. All keys are read first, so that all problems are reported. */
export function buildCredential(written: WrittenMap, parts: IdentityParts): Credential {
  const {reader} = parts;
  const chosen = chooseKind(written.entries.keys());
  const isFromElsewhere = sourceOf(written) !== undefined;
  if (chosen.kind === 'fits' && !isFromElsewhere)
    return new CredentialBuilder(written, parts).build(chosen.fits);
  // what a key that begins with $ would bring is not known; that it is not possible here is reported by readFields
  if (chosen.kind === 'unfit' && !isFromElsewhere)
    reader.problems.error(written.at, chosen.message, chosen.hint);
  return credentialOf(undefined, readFields(written, ANY_CREDENTIAL, reader));
}

const SECRETS: ReadonlySet<string> = new Set(
  Object.entries<Key>(ANY_CREDENTIAL).flatMap(([name, {kind}]) =>
    kind.form.name === 'secret' ? [name] : [],
  ),
);

type Organized = Pick<typeof ANY_CREDENTIAL, 'organizations'>;

function credentialOf(identity: Identity | undefined, fields: Fields<Organized>): Credential {
  const {values, wrong} = fields;
  const {organizations} = values;
  const {entries} = fields.written;
  const written = entries.get('organizations')?.value;
  const isIncomplete =
    wrong.has('organizations') ||
    (written?.kind === 'list' && written.items.length > (organizations?.length ?? 0));
  const lacksSecret = [...wrong].some((name) => SECRETS.has(name));
  return {identity, organizations, isIncomplete, lacksSecret};
}

class CredentialBuilder {
  readonly #written: WrittenMap;
  readonly #parts: IdentityParts;
  readonly #makeKey: MakeKey;

  constructor(written: WrittenMap, parts: IdentityParts) {
    this.#written = written;
    this.#parts = parts;
    this.#makeKey = keyMaker(parts.key, parts.entra);
  }

  build(kind: CredentialKind): Credential {
    switch (kind) {
      case 'client-secret':
        return this.#plain(kind, CREDENTIALS[kind].keys, (own) => ({kind, ...own}));
      case 'client-certificate':
        return this.#clientCertificate();
      case 'managed-identity':
        return this.#plain(kind, CREDENTIALS[kind].keys, (own) => ({kind, ...own}));
      case 'managed-identity-assertion':
        return this.#assertion();
      case 'federated-token-file':
        return this.#read(CREDENTIALS[kind].keys, ({clientId, tenantId, federatedTokenFile: path}) => {
          const {directoryOf, home} = this.#parts.surroundings;
          const directory = directoryOf(this.#at('federatedTokenFile'));
          const federatedTokenFile = absolutePath(path, {directory, home});
          const key = this.#makeKey(kind, [clientId, tenantId, federatedTokenFile]);
          return {kind, key, clientId, tenantId, federatedTokenFile};
        });
      case 'oidc':
        return this.#oidc();
      case 'azure-cli':
        return this.#read(CREDENTIALS[kind].keys, ({azureCli, tenantId}) =>
          azureCli ? {kind, key: this.#makeKey(kind, [tenantId]), tenantId} : undefined,
        );
      case 'sign-in':
        return this.#signIn();
      case 'pat':
        return this.#plain(kind, CREDENTIALS[kind].keys, (own) => ({kind, ...own}));
      case 'environment':
        return this.#read(CREDENTIALS[kind].keys, ({environment}) => this.#environment(environment));
      case 'stored':
        return this.#read(CREDENTIALS[kind].keys, ({stored, persist}) => {
          const key = this.#makeKey(kind, [persist ? 'persist' : 'memory']);
          return stored ? {kind, key, persist} : undefined;
        });
    }
  }

  /** Makes the identity if all values are sound. */
  #read<All extends Keys & Organized>(
    keys: All,
    make: (values: NonNullable<Fields<All>['sound']>) => Identity | undefined,
  ): Credential {
    const fields = readFields(this.#written, keys, this.#parts.reader);
    return credentialOf(fields.sound && make(fields.sound), fields);
  }

  /** For the kinds whose identity has what is written, and nothing else. */
  #plain<All extends Keys & Organized>(
    kind: Identity['kind'],
    keys: All,
    make: (own: Omit<ValuesOf<All>, 'organizations'> & {readonly key: string}) => Identity,
  ): Credential {
    return this.#read(keys, (values) => {
      const {organizations: _, ...own} = values;
      return make({...own, key: this.#makeKey(kind, Object.values(own))});
    });
  }

  #clientCertificate(): Credential {
    const kind = 'client-certificate';
    return this.#read(CREDENTIALS[kind].keys, (values) => {
      const {clientId, tenantId, clientCertificate, clientCertificatePassword} = values;
      if (clientCertificate.from === 'held' && !this.#isOpen('clientCertificate')) {
        const reason = whyNoCertificate(clientCertificate.secret);
        if (reason !== undefined) return this.#refuse('clientCertificate', reason.message, reason.hint);
      }
      const parts = {clientId, tenantId, clientCertificate, clientCertificatePassword};
      return {kind, key: this.#makeKey(kind, Object.values(parts)), ...parts};
    });
  }

  #assertion(): Credential {
    const kind = 'managed-identity-assertion';
    return this.#read(CREDENTIALS[kind].keys, ({clientId, tenantId, managedIdentityClientId}) => {
      // fact 27
      if (managedIdentityClientId === 'system-assigned')
        this.#parts.reader.problems.warn(
          this.#at('managedIdentityClientId'),
          'Entra accepts client assertions of user-assigned managed identities only: system-assigned will probably be rejected',
          'assign a user-assigned managed identity to the machine and write its client id',
        );
      const key = this.#makeKey(kind, [clientId, tenantId, managedIdentityClientId]);
      return {kind, key, clientId, managedIdentityClientId, tenantId};
    });
  }

  #oidc(): Credential {
    return this.#read(CREDENTIALS.oidc.keys, ({clientId, tenantId, oidc, serviceConnectionId}) => {
      if (oidc === 'github-actions') {
        if (serviceConnectionId !== undefined)
          return this.#refuse(
            'serviceConnectionId',
            'serviceConnectionId is for oidc: azure-pipelines only',
            'remove serviceConnectionId',
          );
        return {
          kind: oidc,
          key: this.#makeKey(oidc, [clientId, tenantId]),
          clientId,
          tenantId,
          request: undefined,
        };
      }
      if (serviceConnectionId === undefined)
        return this.#refuse(
          'oidc',
          'oidc: azure-pipelines needs serviceConnectionId',
          'copy the GUID at the end of the address of the service connection’s page',
        );
      const key = this.#makeKey(oidc, [clientId, tenantId, serviceConnectionId]);
      return {kind: oidc, key, clientId, tenantId, serviceConnectionId, request: undefined};
    });
  }

  // facts 75 and 78
  #signIn(): Credential {
    return this.#read(CREDENTIALS['sign-in'].keys, (values) => {
      const {signIn: method, tenantId, clientId, clientSecret} = values;
      if (values.issuer !== undefined && tenantId !== undefined)
        return this.#refuse('tenantId', 'use issuer or tenantId, not both: the issuer names the tenant');
      if (clientSecret !== undefined && !this.#written.entries.has('clientId'))
        return this.#refuse('clientSecret', 'clientSecret needs the clientId of the app that it belongs to');
      const issuer =
        values.issuer ?? `${this.#parts.entra.authorityHost}/${tenantId ?? 'organizations'}/v2.0`;
      const named = (values.scopes ?? []).map(({value}) => value);
      const scopes = named.length === 0 ? [AZURE_DEVOPS_SCOPE] : named;
      const key = this.#makeKey('sign-in', [method, issuer, clientId, clientSecret, scopes]);
      return {kind: 'sign-in', key, method, issuer, clientId, clientSecret, scopes};
    });
  }

  #environment(which: 'azure' | 'terraform'): Identity | undefined {
    const {reader, surroundings} = this.#parts;
    const at = this.#at('environment');
    const directory = surroundings.directoryOf(at);
    const parts = {...this.#parts, surroundings: {...surroundings, directory}};
    const found = which === 'azure' ? azureIdentity(parts) : terraformIdentity(parts);
    if (found.kind === 'found') {
      for (const warning of found.warnings) reader.problems.warn(at, warning);
      return found.identity;
    }
    if (surroundings.absent === 'error') return this.#refuse('environment', found.message, found.hint);
    reader.problems.leaveOpen(at, `${found.message}; a daemon may have other variables`);
    return undefined;
  }

  #isOpen(key: string): boolean {
    return this.#parts.reader.problems.isOpen(this.#at(key));
  }

  #at(key: string): number {
    return this.#written.entries.get(key)?.value.at ?? this.#written.at;
  }

  #refuse(key: string, message: string, hint?: string): undefined {
    this.#parts.reader.refuse(this.#at(key), message, hint);
  }
}
