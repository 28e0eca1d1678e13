import {readFile} from 'node:fs/promises';
import {
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  CredentialUnavailableError,
  ManagedIdentityCredential,
  type TokenCredential,
} from '@azure/identity';
import {readCertificate} from './certificate.ts';
import type {HttpClient} from './http/http-client.ts';
import {sdkHttpClient} from './http/sdk-http-client.ts';
import {fieldOf, secretOf, type Job} from './job.ts';
import {requestGithubAssertion, requestPipelinesAssertion} from './pipeline-assertion.ts';
import {internalFailure, localFailure, type Service} from './failure.ts';
import {noUserAssigned} from './machine-failure.ts';

/** Returns the SDK's credential for the job. Never `DefaultAzureCredential`, which tries whatever the machine offers. */
export function tokenCredentialFor(job: Job, client: HttpClient): TokenCredential {
  switch (job.task) {
    case 'client-secret':
      return new ClientSecretCredential(
        fieldOf(job, 'tenantId'),
        fieldOf(job, 'clientId'),
        secretOf(job, 'clientSecret'),
        optionsOf(job, client),
      );
    case 'client-certificate':
      return new ClientCertificateCredential(
        fieldOf(job, 'tenantId'),
        fieldOf(job, 'clientId'),
        {certificate: readCertificate(job)},
        optionsOf(job, client),
      );
    case 'managed-identity':
    case 'vault-secret':
      return managedIdentity(fieldOf(job, 'clientId'), client);
    case 'managed-identity-assertion': {
      const machine = managedIdentity(fieldOf(job, 'managedIdentityClientId'), client);
      const audience = exchangeAudienceOf(fieldOf(job, 'authorityHost'));
      return asserted(job, client, async () => (await machine.getToken(audience)).token);
    }
    case 'federated-token-file':
      return asserted(job, client, () => readFederatedToken(fieldOf(job, 'federatedTokenFile')));
    case 'federated-token':
      return asserted(job, client, async () => secretOf(job, 'assertion').trim());
    case 'github-actions':
      return asserted(job, client, () => requestGithubAssertion(job, client));
    case 'azure-pipelines':
      return asserted(job, client, () => requestPipelinesAssertion(job, client));
    default:
      throw internalFailure(`the SDK has no credential for ${job.task}`);
  }
}

/** Returns the audience for tokens of other issuers, in the cloud of the authority. Facts 25 and 61. */
export function exchangeAudienceOf(authorityHost: string): string {
  const {hostname} = new URL(authorityHost);
  if (hostname.endsWith('.us')) return 'api://AzureADTokenExchangeUSGov/.default';
  if (hostname.endsWith('.cn')) return 'api://AzureADTokenExchangeChina/.default';
  return 'api://AzureADTokenExchange/.default';
}

function asserted(job: Job, client: HttpClient, assertion: () => Promise<string>): TokenCredential {
  let made: Promise<string> | undefined;
  return new ClientAssertionCredential(
    fieldOf(job, 'tenantId'),
    fieldOf(job, 'clientId'),
    // the SDK may call this twice
    () => (made ??= assertion().then((token) => client.present(token))),
    optionsOf(job, client),
  );
}

function managedIdentity(clientId: string, client: HttpClient): ManagedIdentityCredential {
  const options = {...clientOptions(client, 'managed-identity')};
  if (clientId === 'system-assigned') return new ManagedIdentityCredential(options);
  try {
    return new ManagedIdentityCredential({clientId, ...options});
  } catch (error) {
    // Cloud Shell and Service Fabric, which the SDK recognizes here
    if (error instanceof CredentialUnavailableError) throw noUserAssigned('this platform');
    throw error;
  }
}

/** Reads the file at each use: the SDK would cache it for five minutes. */
async function readFederatedToken(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw localFailure(
      'ERR_FEDERATED_TOKEN_FILE',
      `the federated token file ${path} cannot be read (${reason})`,
      'Check federatedTokenFile, and that the platform mounts the token for the user of the daemon.',
    );
  });
  const token = text.trim();
  if (token !== '') return token;
  throw localFailure(
    'ERR_FEDERATED_TOKEN_FILE',
    `the federated token file ${path} is empty`,
    'Check that the platform writes the token there.',
  );
}

function optionsOf(job: Job, client: HttpClient) {
  return {
    ...clientOptions(client, 'entra'),
    authorityHost: fieldOf(job, 'authorityHost'),
    disableInstanceDiscovery: job.fields['disableInstanceDiscovery'] === 'true',
  };
}

/** Our client handles retries and redirects. */
function clientOptions(client: HttpClient, service: Service) {
  return {
    httpClient: sdkHttpClient(client, service),
    retryOptions: {maxRetries: 0},
    redirectOptions: {maxRetries: 0},
  };
}
