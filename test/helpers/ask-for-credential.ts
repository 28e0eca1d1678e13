import {connect} from 'node:net';

/**
 * Sends a request as git's client does, for a repository on dev.azure.com. Returns `secret`, `nothing` if the daemon
 * has no credential, or what went wrong.
 */
export function askForCredential(socket: string, organization: string): Promise<string> {
  const request = `action=get\ntimeout=1\nprotocol=https\nhost=dev.azure.com\npath=${organization}/p/_git/r\n`;
  return new Promise((resolve) => {
    let answer = '';
    const client = connect({path: socket, allowHalfOpen: true});
    client.setEncoding('utf8').on('data', (text) => (answer += text));
    client.on('error', (error) => resolve(error.message));
    client.on('end', () => {
      if (answer.includes('\npassword=')) resolve('secret');
      else resolve(answer.startsWith('orgkey=1\n') ? 'nothing' : `silence ${answer}`);
    });
    client.end(request);
  });
}
