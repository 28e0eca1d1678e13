import type {HttpClient} from './http/http-client.ts';
import {fieldOf, type Job} from './job.ts';
import {parseRecord} from '../text/record.ts';
import {AcquirerError} from './failure.ts';

/** Returns the newest value of a secret. Fact 79. @see https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret */
export async function readVaultSecret(
  job: Job,
  accessToken: string,
  client: Pick<HttpClient, 'ask' | 'failure' | 'conceal'>,
): Promise<string> {
  const url = new URL(fieldOf(job, 'url'));
  url.searchParams.set('api-version', '7.4');
  const reply = await client.ask({
    service: 'key-vault',
    method: 'GET',
    url: url.href,
    headers: {authorization: `Bearer ${client.conceal(accessToken)}`, accept: 'application/json'},
  });
  if (client.failure !== undefined) throw new AcquirerError(client.failure);
  const value = parseRecord(reply.text)?.['value'];
  if (typeof value === 'string' && value !== '') return value;
  throw new AcquirerError({
    kind: 'unusable',
    service: 'key-vault',
    host: url.host,
    status: reply.status,
    detail: 'no value',
  });
}
