import {once} from 'node:events';
import {createServer, type Socket} from 'node:net';
import type {ExecutionContext} from 'ava';

/** Starts a server on loopback until the test ends, and returns its port. */
export async function listenOnLoopback(
  t: ExecutionContext,
  serve: (socket: Socket) => void,
): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
