/** A program that gets a token with the real SDK: `node acquire-token.ts JOB`, JSON in and out. */
import {
  AzurePipelinesCredential,
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DeviceCodeCredential,
  ManagedIdentityCredential,
  WorkloadIdentityCredential,
} from '@azure/identity';
import type {TokenCredential} from '@azure/identity';

export type Job = {
  scope?: string;
  authorityHost?: string;
  disableInstanceDiscovery?: boolean;
} & (
  | {kind: 'secret'; tenantId: string; clientId: string; secret: string}
  | {kind: 'certificate'; tenantId: string; clientId: string; certificate: string}
  | {kind: 'assertion'; tenantId: string; clientId: string; assertion: string}
  | {kind: 'managed-identity'; clientId?: string}
  | {kind: 'managed-identity-assertion'; tenantId: string; clientId: string; managedIdentityClientId?: string}
  | {kind: 'token-file'; tenantId: string; clientId: string; file: string}
  | {kind: 'pipelines'; tenantId: string; clientId: string; connectionId: string; accessToken: string}
  | {kind: 'device-code'; tenantId: string; clientId: string}
);

export type Outcome = {token: string; expiresAt: number} | {error: string; message: string};

const azureDevOps = '499b84ac-1321-427f-aa17-267ca6975798/.default';
// a test that is refused must not be refused four times
const retryOptions = {maxRetries: 0};

function credentialFor(job: Job): TokenCredential {
  const options = {
    retryOptions,
    ...(job.authorityHost === undefined ? {} : {authorityHost: job.authorityHost}),
    ...(job.disableInstanceDiscovery === undefined
      ? {}
      : {disableInstanceDiscovery: job.disableInstanceDiscovery}),
  };
  switch (job.kind) {
    case 'secret':
      return new ClientSecretCredential(job.tenantId, job.clientId, job.secret, options);
    case 'certificate':
      return new ClientCertificateCredential(
        job.tenantId,
        job.clientId,
        {certificate: job.certificate},
        options,
      );
    case 'assertion': {
      const {assertion} = job;
      return new ClientAssertionCredential(job.tenantId, job.clientId, async () => assertion, options);
    }
    case 'managed-identity':
      return managedIdentity(job.clientId);
    case 'managed-identity-assertion': {
      const identity = managedIdentity(job.managedIdentityClientId);
      return new ClientAssertionCredential(
        job.tenantId,
        job.clientId,
        async () => (await identity.getToken('api://AzureADTokenExchange/.default')).token,
        options,
      );
    }
    case 'token-file':
      return new WorkloadIdentityCredential({
        tenantId: job.tenantId,
        clientId: job.clientId,
        tokenFilePath: job.file,
        ...options,
      });
    case 'pipelines':
      return new AzurePipelinesCredential(
        job.tenantId,
        job.clientId,
        job.connectionId,
        job.accessToken,
        options,
      );
    case 'device-code':
      return new DeviceCodeCredential({
        tenantId: job.tenantId,
        clientId: job.clientId,
        userPromptCallback: ({userCode}) => process.stderr.write(`${userCode}\n`),
        ...options,
      });
    default:
      return job;
  }
}

function managedIdentity(clientId: string | undefined): ManagedIdentityCredential {
  return clientId === undefined
    ? new ManagedIdentityCredential({retryOptions})
    : new ManagedIdentityCredential({clientId, retryOptions});
}

async function acquire(job: Job): Promise<Outcome> {
  try {
    const token = await credentialFor(job).getToken(job.scope ?? azureDevOps);
    return token
      ? {token: token.token, expiresAt: token.expiresOnTimestamp}
      : {error: 'none', message: 'no token'};
  } catch (error) {
    const {name, message} = error as Error;
    return {error: name, message};
  }
}

if (process.argv[2] !== undefined) {
  const outcome = await acquire(JSON.parse(process.argv[2]) as Job);
  process.stdout.write(JSON.stringify(outcome), () => process.exit(0));
}
