import {createServer, type IncomingMessage} from 'node:http';
import {isAbsolute} from 'node:path';
import {isLoopback} from '../../network/is-loopback.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import {claimPath} from '../claim.ts';

export interface MetricsServer {
  stop(): void;
}

/**
 * Serves the metrics to Prometheus on `listen`: `host:port` on loopback, or the absolute path of a socket. `/healthz`
 * tells a liveness probe that the daemon answers.
 * @throws {Error} if that is not possible.
 */
export async function serveMetrics(listen: string, render: () => string): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const {status, body = ''} = answerTo(request, {isSocket: isAbsolute(listen), render});
    response.writeHead(status, {'content-type': 'text/plain; version=0.0.4; charset=utf-8'}).end(body);
  });
  server.headersTimeout = TIME_BUDGET.metrics;
  server.requestTimeout = TIME_BUDGET.metrics;
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

interface Reply {
  readonly status: number;
  readonly body?: string;
}

function answerTo(
  {method, url, headers}: IncomingMessage,
  {isSocket, render}: {readonly isSocket: boolean; readonly render: () => string},
): Reply {
  // a web page can reach loopback under a name of its own, and would read the names of organizations
  if (!isSocket && !isLoopback(headers.host))
    return {status: 403, body: 'the Host header must name this machine\n'};
  if (method !== 'GET') return {status: 405};
  if (url === '/healthz') return {status: 200, body: 'ok\n'};
  return url === '/metrics' ? {status: 200, body: render()} : {status: 404};
}

function addressFrom(listen: string): {readonly host: string; readonly port: number} {
  const colon = listen.lastIndexOf(':');
  return {host: listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(listen.slice(colon + 1))};
}
