import http from 'node:http';
import https from 'node:https';
import {isIP, type Socket} from 'node:net';
import {connect as connectTls, type TLSSocket} from 'node:tls';
import {OrgkeyError} from '../text/orgkey-error.ts';
import {proxyAddress, type ProxyVariables} from './proxy.ts';

/**
 * Opens a TLS connection to the server of `url` through its proxy. Returns `undefined` if the variables name no proxy
 * for it. Node's own proxy support (`new Agent({proxyEnv})`) cannot do this: as long as a proxy does not answer, a
 * request there ignores its signal and `destroy`, and reports neither an error nor its end (seen in 24.21).
 * @throws {Error} if the proxy cannot be reached.
 * @throws {OrgkeyError} if it refuses.
 */
export async function connectThroughProxy(
  url: string,
  variables: ProxyVariables,
  signal: AbortSignal,
): Promise<TLSSocket | undefined> {
  const proxy = proxyAddress(url, variables);
  if (proxy === undefined) return undefined;
  const {hostname, port} = new URL(url);
  const socket = await openTunnel(proxy, `${hostname}:${port || '443'}`, signal);
  const host = withoutBrackets(hostname);
  return connectTls({socket, host, ...(isIP(host) === 0 ? {servername: host} : {})});
}

function openTunnel(proxy: URL, authority: string, signal: AbortSignal): Promise<Socket> {
  const client = proxy.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const request = client.request({
      host: withoutBrackets(proxy.hostname),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: authority,
      headers: {host: authority, ...loginHeader(proxy)},
      agent: false,
      signal,
    });
    request.on('connect', (response, socket) => {
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(rejection(response));
    });
    request.on('response', (response) => {
      response.resume();
      reject(rejection(response));
    });
    request.on('error', reject);
    request.end();
  });
}

/** The code is that of Node's own client, the message the HTTP status that the proxy answered. */
function rejection({statusCode}: http.IncomingMessage): OrgkeyError {
  return new OrgkeyError('ERR_PROXY_TUNNEL', String(statusCode));
}

function loginHeader({username, password}: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const login = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64');
  return {'proxy-authorization': `Basic ${login}`};
}

/** Many write a `%` of their password as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
