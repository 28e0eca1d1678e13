import type {Secret} from '../secret/secret.ts';

/** Where a secret comes from. What can be read at once is held; the rest is asked when it is needed. */
export type SecretSource =
  /** Written in the configuration, or read from a variable, a file or a systemd credential when it was loaded. */
  | {readonly from: 'held'; readonly secret: Secret}
  /** A file, by its absolute path; read at each use, and not kept. */
  | {readonly from: 'file'; readonly path: string}
  /** The output of a program, run without a shell. */
  | {readonly from: 'command'; readonly argv: readonly string[]}
  /** The operating system's keyring. */
  | {readonly from: 'keyring'; readonly name: string}
  /** Azure Key Vault, read with the machine's managed identity. */
  | {readonly from: 'key-vault'; readonly vault: string; readonly secret: string};

interface Named {
  /** Everything that decides what the identity gets, secrets as keyed hashes: equal keys share their tokens. */
  readonly key: string;
}

/** A GUID in lower case, or the identity that the machine itself has. */
type ManagedIdentityId = (string & {}) | 'system-assigned';

/** Who we are to Entra or to Azure DevOps. Each kind is told by its `kind`, decided once, by the configuration. */
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
        /** A client assertion that somebody else made and gave us. */
        readonly kind: 'federated-token';
        readonly clientId: string;
        readonly tenantId: string;
        readonly assertion: SecretSource;
      }
    | {
        readonly kind: 'github-actions';
        readonly clientId: string;
        readonly tenantId: string;
        /** Where the job's token is asked for, and with what; `undefined`: from the daemon's environment. */
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
        /** Who signs people in: `https://login.microsoftonline.com/{tenant}/v2.0`. */
        readonly issuer: string;
        readonly clientId: string;
        /** Of a confidential app; public apps have none. */
        readonly clientSecret: SecretSource | undefined;
        /** As configured: `vso.code`, or in full. */
        readonly scopes: readonly string[];
      }
    | {readonly kind: 'pat'; readonly personalAccessToken: SecretSource}
    /** What people type at git's prompt is kept and served. */
    | {readonly kind: 'stored'; readonly persist: boolean}
  );

export interface OidcRequest {
  readonly url: string;
  readonly token: SecretSource;
}

/** The client id that stands for the identity in messages and as user name, if it has one. */
export function clientIdOf(identity: Identity): string | undefined {
  return 'clientId' in identity && identity.clientId !== 'system-assigned' ? identity.clientId : undefined;
}

/** A GUID in lower case; `undefined` where the configuration does not tell it. */
export function tenantOf(identity: Identity): string | undefined {
  if ('tenantId' in identity) return identity.tenantId;
  const issuer = identity.kind === 'sign-in' ? identity.issuer : '';
  return /^https:\/\/[^/]+\/([0-9a-f-]{36})\/v2\.0\/?$/i.exec(issuer)?.[1]?.toLowerCase();
}

/** For people, without secrets: `client secret 9f000000…`. */
export function describeIdentity(identity: Identity): string {
  const clientId = clientIdOf(identity);
  const who = clientId === undefined ? '' : ` ${clientId.slice(0, 8)}…`;
  return `${describeKind(identity.kind)}${who}`;
}

/** The kind in words. */
function describeKind(kind: Identity['kind']): string {
  return kind === 'pat' ? 'personal access token' : kind.replaceAll('-', ' ');
}
