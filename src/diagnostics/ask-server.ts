import http from 'node:http';
import https from 'node:https';
import type {Socket} from 'node:net';
import {connect as connectTls} from 'node:tls';
import {advise} from '../entra/advice.ts';
import {completeAddress, proxyFor} from '../entra/proxy.ts';

/** What a server said; a redirect is an answer like any other and never followed: a token would travel with it. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** At most the first 256 KiB. */
  readonly text: string;
  /** How far our clock is ahead of the server's, in milliseconds, to about a second. */
  readonly skew: number | undefined;
}

export type Asked =
  | {readonly kind: 'answered'; readonly answer: Answer}
  /** Half a sentence, and what repairs it. */
  | {readonly kind: 'unreachable'; readonly message: string; readonly repair: string};

export interface Question {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the one who asks: its proxies are taken, as curl and Node take them. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** One GET over https, straight or through a proxy. Does not throw. */
export async function askServer(question: Question): Promise<Asked> {
  const {url, environment} = question;
  const {hostname, port, host} = new URL(url);
  const signal = AbortSignal.timeout(PATIENCE);
  const proxy = proxyFor(url, environment);
  let line: Socket | undefined;
  try {
    if (proxy !== undefined)
      line = await openTunnel(proxyAddress(environment), `${hostname}:${port || '443'}`, signal);
    return {kind: 'answered', answer: await get(question, line, signal)};
  } catch (error) {
    const {code, detail} = describe(error);
    const {message, hint} = advise(
      {kind: 'unreachable', service: 'issuer', host, code, detail, proxy},
      {kind: 'doctor'},
    );
    // advice is written for the daemon, but here it is this shell that asks
    const repair = hint?.replace(' in the environment of the service', '');
    return {kind: 'unreachable', message, repair: repair ?? 'check the network of this machine'};
  } finally {
    line?.destroy();
  }
}

/** In milliseconds, for the way through the proxy and the answer. */
const PATIENCE = 15_000;

/** In bytes. */
const LARGEST = 256 * 1024;

function get({url, headers}: Question, tunnel: Socket | undefined, signal: AbortSignal): Promise<Answer> {
  const {hostname} = new URL(url);
  return new Promise((resolve, reject) => {
    const options =
      tunnel === undefined
        ? // an agent of its own: whatever proxies the global one may know
          {agent: new https.Agent()}
        : // without any agent: one would make its own connections
          {createConnection: () => connectTls({socket: tunnel, servername: hostname})};
    const request = https.request(url, {...options, headers, signal}, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = () => {
        const {statusCode = 0, headers} = response;
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({status: statusCode, headers, text, skew: skewOf(headers.date)});
        request.destroy();
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        // that there is an answer says enough
        if (size >= LARGEST) finish();
      });
      response.on('end', finish);
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end();
  });
}

/** By hand: Node does it by itself from 22.21 and 24.5 on only. */
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

/** As Node names it, which is what advice is known for. */
class ProxyError extends Error {
  readonly code = 'ERR_PROXY_TUNNEL';
}

function proxyAddress(environment: Question['environment']): URL {
  return new URL(completeAddress(environment['https_proxy'] ?? environment['HTTPS_PROXY'] ?? ''));
}

function skewOf(date: string | undefined): number | undefined {
  const theirs = date === undefined ? Number.NaN : Date.parse(date);
  // a Date header has no fractions: half a second is what it leaves out on average
  return Number.isFinite(theirs) ? Date.now() - theirs - 500 : undefined;
}

function describe(error: unknown): {readonly code: string; readonly detail: string} {
  if (!(error instanceof Error)) return {code: 'UNKNOWN', detail: String(error)};
  if (error.name === 'AbortError' || error.name === 'TimeoutError')
    return {code: 'TIMEOUT', detail: 'no answer in time'};
  const [first] = error instanceof AggregateError ? error.errors : [];
  const cause: unknown = first ?? error;
  const isCoded = cause instanceof Error && 'code' in cause && typeof cause.code === 'string';
  return {
    code: isCoded ? String(cause.code) : 'UNKNOWN',
    detail: cause instanceof Error ? cause.message : '',
  };
}
