import {get} from 'node:http';

/** Returns where the address for a browser leads: the issuer's, with state and nonce. */
export function issuerAddress(openUrl: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(openUrl, {agent: false}, (response) => {
      response.resume();
      resolve(response.headers.location ?? '');
    }).on('error', reject);
  });
}
