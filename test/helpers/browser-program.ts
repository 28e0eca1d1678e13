import {writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';

/**
 * Makes a program for `$BROWSER` that hands each address to `visit`, which acts for a user in front of a real browser.
 * Returns its path, and what ends it.
 */
export async function browserProgram(
  directory: string,
  visit: (url: string) => Promise<unknown>,
): Promise<{readonly path: string; readonly close: () => void}> {
  const server = createServer((request, response) => {
    let url = '';
    request.setEncoding('utf8').on('data', (text: string) => (url += text));
    request.once('end', () => {
      response.end();
      visit(url).catch((error: unknown) => process.stderr.write(`the browser: ${String(error)}\n`));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const {port} = server.address() as AddressInfo;
  const path = join(directory, 'browser');
  const send = 'fetch(process.argv[1], {method: "POST", body: process.argv[2]})';
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' -e '${send}' http://127.0.0.1:${port}/ "$1"\n`, {
    mode: 0o700,
  });
  return {path, close: () => server.close().closeAllConnections()};
}
