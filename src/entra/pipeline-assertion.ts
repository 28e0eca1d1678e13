import type {HttpClient, Reply} from './http/http-client.ts';
import {fieldOf, secretOf, type Job} from './job.ts';
import {parseRecord} from '../text/record.ts';
import {AcquirerError, type Service} from './failure.ts';

/** The `aud` that a job's token must have. */
const AUDIENCE = 'api://AzureADTokenExchange';

/**
 * Returns the token of a GitHub Actions job. Fact 29.
 * @see https://docs.github.com/actions/reference/security/oidc
 */
export async function requestGithubAssertion(
  job: Job,
  client: Pick<HttpClient, 'ask' | 'failure' | 'conceal'>,
): Promise<string> {
  const url = new URL(fieldOf(job, 'requestUrl'));
  url.searchParams.set('audience', AUDIENCE);
  const reply = await client.ask({
    service: 'github-actions',
    method: 'GET',
    url: url.href,
    headers: {authorization: `Bearer ${secretOf(job, 'requestToken').trim()}`, accept: 'application/json'},
  });
  return memberOf('value', reply, {service: 'github-actions', url}, client);
}

/**
 * Returns the token of an Azure Pipelines job for a service connection. Fact 31.
 * @see https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
 */
export async function requestPipelinesAssertion(
  job: Job,
  client: Pick<HttpClient, 'ask' | 'failure' | 'conceal'>,
): Promise<string> {
  const url = new URL(fieldOf(job, 'requestUrl'));
  url.searchParams.set('api-version', '7.1');
  url.searchParams.set('serviceConnectionId', fieldOf(job, 'serviceConnectionId'));
  const reply = await client.ask({
    service: 'azure-pipelines',
    method: 'POST',
    url: url.href,
    headers: {
      authorization: `Bearer ${secretOf(job, 'requestToken').trim()}`,
      accept: 'application/json',
      'content-type': 'application/json',
      // answer with a status instead of a sign-in page
      'x-tfs-fedauthredirect': 'Suppress',
    },
    body: '',
  });
  return memberOf('oidcToken', reply, {service: 'azure-pipelines', url}, client);
}

function memberOf(
  member: string,
  reply: Reply,
  {service, url}: {readonly service: Service; readonly url: URL},
  {failure}: Pick<HttpClient, 'failure'>,
): string {
  if (failure !== undefined) throw new AcquirerError(failure);
  const value = parseRecord(reply.text)?.[member];
  if (typeof value === 'string' && value !== '') return value;
  throw new AcquirerError({
    kind: 'unusable',
    service,
    host: url.host,
    status: reply.status,
    detail: `no ${member}`,
  });
}
