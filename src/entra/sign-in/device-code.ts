import {setTimeout as sleep} from 'node:timers/promises';
import type {HttpClient} from '../http/http-client.ts';
import {askForTokens, clientSecretIn, endpointsOf, personScope, readAnswer, type Grant} from './issuer.ts';
import {fieldOf, type Job} from '../job.ts';
import {localFailure, AcquirerError} from '../failure.ts';

/** Seconds between two requests if the issuer names none. @see https://www.rfc-editor.org/rfc/rfc8628#section-3.2 */
const INTERVAL = 5;

/** Signs in a user who types a code on any device. `tell` gets the code and the address to type it at. */
export async function signInWithDeviceCode(
  job: Job,
  client: HttpClient,
  tell: (event: Readonly<Record<string, unknown>>) => void,
): Promise<Grant> {
  const endpoints = await endpointsOf(fieldOf(job, 'issuer'), client);
  if (endpoints.deviceCode === undefined)
    throw localFailure('ERR_NO_DEVICE_CODE', 'the issuer has no device code flow', 'Use signIn: browser.');
  const reply = await client.ask({
    service: endpoints.deviceCode.includes('/oauth2/v2.0/') ? 'entra' : 'issuer',
    method: 'POST',
    url: endpoints.deviceCode,
    headers: {accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded'},
    body: new URLSearchParams({
      client_id: fieldOf(job, 'clientId'),
      ...clientSecretIn(job),
      scope: personScope(job),
    }).toString(),
  });
  const answer = readAnswer(reply, client);
  const {device_code: deviceCode, user_code: userCode} = answer;
  const verificationUri = answer['verification_uri'] ?? answer['verification_url'];
  if (typeof deviceCode !== 'string' || typeof userCode !== 'string' || !isAddress(verificationUri))
    throw localFailure(
      'ERR_UNUSABLE_ANSWER',
      'the issuer answered without a device code',
      'Check issuer and clientId.',
    );
  tell({event: 'login', deviceCode: {url: verificationUri, code: userCode}});
  const interval = numberOr(answer['interval'], INTERVAL);
  return poll(job, {url: endpoints.token, deviceCode, interval}, client);
}

async function poll(
  job: Job,
  {url, deviceCode, interval}: {readonly url: string; readonly deviceCode: string; readonly interval: number},
  client: HttpClient,
): Promise<Grant> {
  const parameters = {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: client.conceal(deviceCode),
  };
  for (let seconds = interval; ;) {
    await sleep(seconds * 1000);
    try {
      return await askForTokens(job, {url, parameters, tries: 1}, client);
    } catch (error) {
      const failure = error instanceof AcquirerError ? error.failure : undefined;
      if (failure?.kind === 'rejected' && failure.error === 'authorization_pending') continue;
      // too often, or no connection at the moment: the user may still be typing
      if (
        // fact 73
        failure?.kind === 'unreachable' ||
        (failure?.kind === 'rejected' && failure.error === 'slow_down')
      ) {
        seconds += INTERVAL;
        continue;
      }
      throw error;
    }
  }
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith('https://') && URL.canParse(value);
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : otherwise;
}
