import type {Secret} from '../secret/secret.ts';
import type {Identity, SecretSource} from './identity.ts';

/** Returns the secrets that an identity has in memory. */
export function* heldSecrets(identity: Identity): Iterable<Secret> {
  for (const source of sourcesOf(identity)) if (source?.from === 'held') yield source.secret;
}

function sourcesOf(identity: Identity): readonly (SecretSource | undefined)[] {
  switch (identity.kind) {
    case 'client-secret':
    case 'sign-in':
      return [identity.clientSecret];
    case 'client-certificate':
      return [identity.clientCertificate, identity.clientCertificatePassword];
    case 'federated-token':
      return [identity.assertion];
    case 'github-actions':
    case 'azure-pipelines':
      return [identity.request?.token];
    case 'pat':
      return [identity.personalAccessToken];
    case 'managed-identity':
    case 'managed-identity-assertion':
    case 'federated-token-file':
    case 'azure-cli':
    case 'stored':
    case 'unusable':
      return [];
  }
}
