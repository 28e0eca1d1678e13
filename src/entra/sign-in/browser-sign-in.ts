import * as oauth from 'oauth4webapi';
import type {HttpClient} from '../http/http-client.ts';
import {fieldOf, type Job} from '../job.ts';
import {Issuer, type Grant} from './issuer.ts';
import {ReturnListener} from './return-listener.ts';

/**
 * Signs a user in with a browser, which brings the code back to a port on loopback. `tell` gets the address to open: it
 * leads to the issuer, and other users, who can read it among the arguments of the browser, learn no state from it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8252
 */
export async function signInWithBrowser(
  job: Job,
  client: HttpClient,
  tell: (event: Readonly<Record<string, unknown>>) => void,
): Promise<Grant> {
  const issuer = await Issuer.of(job, client);
  const state = oauth.generateRandomState();
  const listener = await ReturnListener.open({state});
  try {
    const {redirectUri} = listener;
    const nonce = oauth.generateRandomNonce();
    const begun = {redirectUri, state, nonce, verifier: oauth.generateRandomCodeVerifier()};
    tell({
      event: 'login',
      openUrl: listener.leadTo(await issuer.signInAddress(begun)),
      clientId: fieldOf(job, 'clientId'),
    });
    const callback = await listener.callback;
    try {
      const grant = await issuer.redeem(callback, begun);
      await listener.finish({kind: 'signed-in', username: grant.username});
      return grant;
    } catch (error) {
      await listener.finish({
        kind: 'not-signed-in',
        reason: 'The sign-in came back, but could not be completed. The terminal says why.',
      });
      throw error;
    }
  } finally {
    listener.close();
  }
}
