import {setTimeout as sleep} from 'node:timers/promises';
import type {HttpExchanges} from '../http/http-exchanges.ts';
import {askForTokens, clientSecretIn, endpointsOf, personScope, readAnswer, type Grant} from './issuer.ts';
import {fieldOf, type Job} from '../job.ts';
import {localTrouble, TroubleError} from '../trouble.ts';

/** Seconds between two questions where the issuer names none. @see https://www.rfc-editor.org/rfc/rfc8628#section-3.2 */
const INTERVAL = 5;

/** Signs a person in who types a code on any device. `tell` gets the code and where it is typed. */
export async function signInWithDeviceCode(
  job: Job,
  exchanges: HttpExchanges,
  tell: (event: Readonly<Record<string, unknown>>) => void,
): Promise<Grant> {
  const endpoints = await endpointsOf(fieldOf(job, 'issuer'), exchanges);
  if (endpoints.deviceCode === undefined)
    throw localTrouble('ERR_NO_DEVICE_CODE', 'the issuer has no device code flow', 'Use signIn: browser.');
  const reply = await exchanges.ask({
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
  const answer = readAnswer(reply, exchanges);
  const {device_code: deviceCode, user_code: userCode} = answer;
  const verificationUri = answer['verification_uri'] ?? answer['verification_url'];
  if (typeof deviceCode !== 'string' || typeof userCode !== 'string' || !isAddress(verificationUri))
    throw localTrouble(
      'ERR_UNUSABLE_ANSWER',
      'the issuer answered without a device code',
      'Check issuer and clientId.',
    );
  const expiresIn = numberOr(answer['expires_in'], 900);
  tell({event: 'code', userCode, verificationUri, expiresIn: expiresIn * 1000});
  return poll(job, endpoints.token, deviceCode, numberOr(answer['interval'], INTERVAL), exchanges);
}

async function poll(
  job: Job,
  url: string,
  deviceCode: string,
  interval: number,
  exchanges: HttpExchanges,
): Promise<Grant> {
  const parameters = {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: exchanges.conceal(deviceCode),
  };
  for (let seconds = interval; ;) {
    await sleep(seconds * 1000);
    try {
      return await askForTokens(job, url, parameters, exchanges, 1);
    } catch (error) {
      const trouble = error instanceof TroubleError ? error.trouble : undefined;
      if (trouble?.kind === 'refused' && trouble.error === 'authorization_pending') continue;
      // too often, or nobody hears us for the moment: the person may still be typing
      if (trouble?.kind === 'unreachable' || (trouble?.kind === 'refused' && trouble.error === 'slow_down')) {
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
