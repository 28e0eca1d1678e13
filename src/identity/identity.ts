import type {Secret} from '../secret/secret.ts';

/** The source of a secret. What can be read at load is held; the rest is read when it is needed. */
export type SecretSource =
  /** Written in the configuration, or read from a variable, a file or a systemd credential when it was loaded. */
  | {readonly from: 'held'; readonly secret: Secret}
  /** A file, by its absolute path. It is read at each use and not kept. */
  | {readonly from: 'file'; readonly path: string}
  /** The output of a program, run without a shell. */
  | {readonly from: 'command'; readonly argv: readonly string[]}
  /** The operating system's keyring. */
  | {readonly from: 'keyring'; readonly name: string}
  /** Azure Key Vault, read with the machine's managed identity. */
  | {readonly from: 'key-vault'; readonly vault: string; readonly secret: string};

interface Named {
  /** Identities with equal keys share their tokens. It has all that decides about tokens, secrets as keyed hashes. */
  readonly key: string;
}

/** A GUID in lower case, or the machine's own identity. */
type ManagedIdentityId = (string & {}) | 'system-assigned';

/** Who we are to Entra or Azure DevOps. The configuration decides the `kind` once. */
export type Identity = Named &
  (
    | {
        readonly kind: 'client-secret';
        readonly clientId: string;
        readonly clientSecret: SecretSource;
        readonly tenantId: string;
      }
    | {
        readonly kind: 'client-certificate';
        readonly clientId: string;
        /** PEM with the certificate and its key. */
        readonly clientCertificate: SecretSource;
        readonly clientCertificatePassword: SecretSource | undefined;
        readonly tenantId: string;
      }
    | {readonly kind: 'managed-identity'; readonly clientId: ManagedIdentityId}
    | {
        readonly kind: 'managed-identity-assertion';
        readonly clientId: string;
        readonly managedIdentityClientId: ManagedIdentityId;
        readonly tenantId: string;
      }
    | {
        readonly kind: 'federated-token-file';
        readonly clientId: string;
        readonly tenantId: string;
        /** Absolute path; read again at each exchange. */
        readonly federatedTokenFile: string;
      }
    | {
        /** A client assertion that another program made and gave us. */
        readonly kind: 'federated-token';
        readonly clientId: string;
        readonly tenantId: string;
        readonly assertion: SecretSource;
      }
    | {
        readonly kind: 'github-actions';
        readonly clientId: string;
        readonly tenantId: string;
        /** How to request the job's token. `undefined`: as the daemon's environment says. */
        readonly request: OidcRequest | undefined;
      }
    | {
        readonly kind: 'azure-pipelines';
        readonly clientId: string;
        readonly tenantId: string;
        readonly serviceConnectionId: string;
        readonly request: OidcRequest | undefined;
      }
    | {readonly kind: 'azure-cli'; readonly tenantId: string | undefined}
    | {
        readonly kind: 'sign-in';
        readonly method: 'browser' | 'device-code';
        /** The issuer that signs users in: `https://login.microsoftonline.com/{tenant}/v2.0`. */
        readonly issuer: string;
        readonly clientId: string;
        /** `undefined` for a public app. */
        readonly clientSecret: SecretSource | undefined;
        /** As configured: `vso.code`, or in full. */
        readonly scopes: readonly string[];
      }
    | {readonly kind: 'pat'; readonly personalAccessToken: SecretSource}
    /** Logins that users type at git's prompt, kept and served. */
    | {readonly kind: 'stored'; readonly persist: boolean}
    /** A credential that is wrong in the configuration: its organizations fail, and no others. */
    | {readonly kind: 'unusable'; readonly failure: WrongCredential}
  );

/** Why a credential cannot be used, without secrets. */
interface WrongCredential {
  readonly code: 'ERR_SECRET_UNREADABLE' | 'ERR_CREDENTIAL';
  /** Begins with the place in the configuration. */
  readonly message: string;
  readonly hint: string | undefined;
}

export interface OidcRequest {
  readonly url: string;
  readonly token: SecretSource;
}

/**
 * Microsoft's public client of the Azure tools, our default: users can sign in with it in every tenant that allows it.
 * Fact 71.
 */
export const AZURE_CLI_CLIENT_ID = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';

/** Returns the client id of an identity, which messages and user names show. */
export function clientIdOf(identity: Identity): string | undefined {
  return 'clientId' in identity && identity.clientId !== 'system-assigned' ? identity.clientId : undefined;
}

/** Returns the tenant, a GUID in lower case. `undefined`: the configuration does not say it. */
export function tenantOf(identity: Identity): string | undefined {
  if ('tenantId' in identity) return identity.tenantId;
  const issuer = identity.kind === 'sign-in' ? identity.issuer : '';
  return /^https:\/\/[^/]+\/([0-9a-f-]{36})\/v2\.0\/?$/i.exec(issuer)?.[1]?.toLowerCase();
}

/** Describes an identity for users, without secrets: `client secret 9f000000…`. */
export function describeIdentity(identity: Identity): string {
  const clientId = clientIdOf(identity);
  const who = clientId === undefined ? '' : ` ${clientId.slice(0, 8)}…`;
  return `${describeKind(identity.kind)}${who}`;
}

function describeKind(kind: Identity['kind']): string {
  if (kind === 'unusable') return 'wrong credential';
  return kind === 'pat' ? 'personal access token' : kind.replaceAll('-', ' ');
}
