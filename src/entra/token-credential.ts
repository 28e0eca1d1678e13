import {readFile} from 'node:fs/promises';
import {
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  ManagedIdentityCredential,
  type TokenCredential,
} from '@azure/identity';
import {readCertificate} from './certificate.ts';
import type {HttpExchanges} from './http/http-exchanges.ts';
import {fieldOf, secretOf, type Job} from './job.ts';
import {requestGithubAssertion, requestPipelinesAssertion} from './pipeline-assertion.ts';
import {internalTrouble, localTrouble, type Service} from './trouble.ts';

/** The SDK's object that can get the job's token. Never the one that tries everything that happens to be there. */
export function tokenCredentialFor(job: Job, exchanges: HttpExchanges): TokenCredential {
  switch (job.task) {
    case 'client-secret':
      return new ClientSecretCredential(
        fieldOf(job, 'tenantId'),
        fieldOf(job, 'clientId'),
        secretOf(job, 'clientSecret'),
        optionsOf(job, exchanges),
      );
    case 'client-certificate':
      return new ClientCertificateCredential(
        fieldOf(job, 'tenantId'),
        fieldOf(job, 'clientId'),
        {certificate: readCertificate(job)},
        optionsOf(job, exchanges),
      );
    case 'managed-identity':
    case 'vault-secret':
      return managedIdentity(fieldOf(job, 'clientId'), exchanges);
    case 'managed-identity-assertion': {
      const machine = managedIdentity(fieldOf(job, 'managedIdentityClientId'), exchanges);
      const audience = exchangeAudienceOf(fieldOf(job, 'authorityHost'));
      return asserted(job, exchanges, async () => (await machine.getToken(audience)).token);
    }
    case 'federated-token-file':
      return asserted(job, exchanges, () => readFederatedToken(fieldOf(job, 'federatedTokenFile')));
    case 'federated-token':
      return asserted(job, exchanges, async () => secretOf(job, 'assertion').trim());
    case 'github-actions':
      return asserted(job, exchanges, () => requestGithubAssertion(job, exchanges));
    case 'azure-pipelines':
      return asserted(job, exchanges, () => requestPipelinesAssertion(job, exchanges));
    default:
      throw internalTrouble(`no credential of the SDK does ${job.task}`);
  }
}

/** Who exchanges the tokens of other issuers, in the cloud of the authority. */
export function exchangeAudienceOf(authorityHost: string): string {
  const {hostname} = new URL(authorityHost);
  if (hostname.endsWith('.us')) return 'api://AzureADTokenExchangeUSGov/.default';
  if (hostname.endsWith('.cn')) return 'api://AzureADTokenExchangeChina/.default';
  return 'api://AzureADTokenExchange/.default';
}

function asserted(job: Job, exchanges: HttpExchanges, assertion: () => Promise<string>): TokenCredential {
  let made: Promise<string> | undefined;
  return new ClientAssertionCredential(
    fieldOf(job, 'tenantId'),
    fieldOf(job, 'clientId'),
    // asked for it twice, the SDK would have it made twice
    () => (made ??= assertion().then((token) => exchanges.conceal(token))),
    optionsOf(job, exchanges),
  );
}

function managedIdentity(clientId: string, exchanges: HttpExchanges): ManagedIdentityCredential {
  const options = {...clientOptions(exchanges, 'managed-identity')};
  return clientId === 'system-assigned'
    ? new ManagedIdentityCredential(options)
    : new ManagedIdentityCredential({clientId, ...options});
}

/** The SDK's own cache of this file lives for five minutes: a fresher token would not be seen. */
async function readFederatedToken(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw localTrouble(
      'ERR_FEDERATED_TOKEN_FILE',
      `the federated token file ${path} cannot be read (${reason})`,
      'Check federatedTokenFile, and that the platform mounts the token for the user of the daemon.',
    );
  });
  const token = text.trim();
  if (token !== '') return token;
  throw localTrouble(
    'ERR_FEDERATED_TOKEN_FILE',
    `the federated token file ${path} is empty`,
    'Check that the platform writes the token there.',
  );
}

function optionsOf(job: Job, exchanges: HttpExchanges) {
  return {
    ...clientOptions(exchanges, 'entra'),
    authorityHost: fieldOf(job, 'authorityHost'),
    disableInstanceDiscovery: job.fields['disableInstanceDiscovery'] === 'true',
  };
}

/** Tries and redirects are the business of the exchanges. */
function clientOptions(exchanges: HttpExchanges, service: Service) {
  return {
    httpClient: exchanges.clientFor(service),
    retryOptions: {maxRetries: 0},
    redirectOptions: {maxRetries: 0},
  };
}
