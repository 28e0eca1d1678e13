import {createServer} from 'node:http';
import {isAbsolute} from 'node:path';
import {claimPath} from '../claim.ts';

export interface MetricsServer {
  stop(): void;
}

/**
 * Serves the metrics to Prometheus on `listen`: `host:port` on loopback, or the absolute path of a socket.
 * @throws {Error} if that is not possible.
 */
export async function serveMetrics(listen: string, render: () => string): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {'content-type': 'text/plain; version=0.0.4; charset=utf-8'}).end(render());
  });
  server.headersTimeout = LIMIT;
  server.requestTimeout = LIMIT;
  server.maxConnections = 16;
  if (isAbsolute(listen)) await claimPath(listen);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', resolve);
    if (isAbsolute(listen)) server.listen({path: listen});
    else server.listen(addressFrom(listen));
  });
  server.on('error', () => undefined);
  return {
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** In milliseconds. */
const LIMIT = 5_000;

function addressFrom(listen: string): {readonly host: string; readonly port: number} {
  const colon = listen.lastIndexOf(':');
  return {host: listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(listen.slice(colon + 1))};
}
