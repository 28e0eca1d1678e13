import type {Asking} from './http/http-exchanges.ts';
import {fieldOf, type Job} from './job.ts';
import {parseRecord} from '../text/record.ts';
import {TroubleError} from './trouble.ts';

/** The value of a secret, its newest version. @see https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret */
export async function readVaultSecret(job: Job, accessToken: string, exchanges: Asking): Promise<string> {
  const url = new URL(fieldOf(job, 'url'));
  url.searchParams.set('api-version', '7.4');
  const reply = await exchanges.ask({
    service: 'key-vault',
    method: 'GET',
    url: url.href,
    headers: {authorization: `Bearer ${exchanges.conceal(accessToken)}`, accept: 'application/json'},
  });
  if (exchanges.trouble !== undefined) throw new TroubleError(exchanges.trouble);
  const value = parseRecord(reply.text)?.['value'];
  if (typeof value === 'string' && value !== '') return value;
  throw new TroubleError({
    kind: 'unusable',
    service: 'key-vault',
    host: url.host,
    status: reply.status,
    detail: 'no value',
  });
}
