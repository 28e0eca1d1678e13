import {setTimeout as sleep} from 'node:timers/promises';
import type {Job} from '../job.ts';
import {localFailure, AcquirerError} from '../failure.ts';
import {Issuer, type Grant, type Http} from './issuer.ts';

/** Seconds between two requests if the issuer names none. @see https://www.rfc-editor.org/rfc/rfc8628#section-3.2 */
const INTERVAL = 5;

/** In seconds. An issuer can want less, and would be flooded; a timer for much longer would fire at once. */
const SHORTEST_INTERVAL = 1;
const LONGEST_INTERVAL = 60;

/** Signs in a user who types a code on any device. `tell` gets the code and the address to type it at. */
export async function signInWithDeviceCode(
  job: Job,
  client: Http,
  tell: (event: Readonly<Record<string, unknown>>) => void,
  pause: (milliseconds: number) => Promise<unknown> = sleep,
): Promise<Grant> {
  const issuer = await Issuer.of(job, client);
  const {
    device_code: deviceCode,
    user_code: code,
    verification_uri: url,
    interval = INTERVAL,
  } = await issuer.deviceCode();
  if (URL.parse(url)?.protocol !== 'https:')
    throw localFailure(
      'ERR_UNUSABLE_ANSWER',
      'the issuer wants the code typed at an address that is not https',
      'Check issuer and clientId in the configuration.',
    );
  tell({event: 'login', deviceCode: {url, code}});
  for (let seconds = Math.min(Math.max(interval, SHORTEST_INTERVAL), LONGEST_INTERVAL); ;) {
    await pause(seconds * 1000);
    try {
      return await issuer.redeemDevice(deviceCode);
    } catch (error) {
      const failure = error instanceof AcquirerError ? error.failure : undefined;
      if (failure?.kind === 'rejected' && failure.error === 'authorization_pending') continue;
      if (!isPassing(failure)) throw error;
      seconds += INTERVAL;
    }
  }
}

/** Too often, or no connection at the moment: the user may still be typing. Fact 73. */
function isPassing(failure: AcquirerError['failure'] | undefined): boolean {
  return failure?.kind === 'unreachable' || (failure?.kind === 'rejected' && failure.error === 'slow_down');
}
