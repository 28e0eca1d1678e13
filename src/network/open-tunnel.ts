import http from 'node:http';
import https from 'node:https';
import type {Socket} from 'node:net';
import {connect as connectTls, type TLSSocket} from 'node:tls';
import {completeAddress, proxyFor, type ProxyVariables} from './proxy.ts';

/** The proxy does not lead there. The message is the status that it answered. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  /** As Node names it in its own client. */
  readonly code = 'ERR_PROXY_TUNNEL';
}

/**
 * A TLS connection to a server of the web, through the proxy that the variables name for it. `undefined`: no proxy is
 * named. By hand: Node's own client does it from 22.21 and 24.5 on only.
 * @throws {Error} where the proxy can't be reached; {ProxyError} where it refuses.
 */
export async function connectThroughProxy(
  url: string,
  variables: ProxyVariables,
  signal: AbortSignal,
): Promise<TLSSocket | undefined> {
  const {hostname, port} = new URL(url);
  if (proxyFor(url, variables) === undefined) return undefined;
  const socket = await openTunnel(proxyAddress(variables), `${hostname}:${port || '443'}`, signal);
  return connectTls({socket, servername: hostname});
}

function openTunnel(proxy: URL, authority: string, signal: AbortSignal): Promise<Socket> {
  const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const headers = {
    host: authority,
    ...(login === ':' ? {} : {'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}`}),
  };
  const client = proxy.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const request = client.request({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: authority,
      headers,
      agent: false,
      signal,
    });
    request.on('connect', (response, socket) => {
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new ProxyError(String(response.statusCode)));
    });
    request.on('response', (response) => {
      response.resume();
      reject(new ProxyError(String(response.statusCode)));
    });
    request.on('error', reject);
    request.end();
  });
}

function proxyAddress(variables: ProxyVariables): URL {
  return new URL(completeAddress(variables['https_proxy'] ?? variables['HTTPS_PROXY'] ?? ''));
}
