import {once} from 'node:events';
import {createServer} from 'node:net';
import {randomInt} from 'node:crypto';

/**
 * Returns a loopback port for a server that cannot open port 0. It lies below the kernel's ports for clients, so that no
 * connection of another test takes it meanwhile.
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < 100; tried++) {
    const port = randomInt(15_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error('no port of 127.0.0.1 is free');
}
