import http from 'node:http';
import https from 'node:https';
import {codeOf, messageOf, OrgkeyError} from '../text/orgkey-error.ts';
import {connect} from './connect.ts';
import type {Environment} from '../text/environment.ts';

export interface WebRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface WebReply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The first `limit` bytes or a few more. */
  readonly text: string;
  /** Whether the server had more to say. */
  readonly isCut: boolean;
  /** How far our clock is ahead of the server's, in milliseconds, to about a second; `undefined` if it sent no date. */
  readonly skew: number | undefined;
}

interface WayOut {
  /** The environment whose proxies are used. */
  readonly variables: Environment;
  readonly signal: AbortSignal;
  /** Bytes of the answer that are read. */
  readonly limit: number;
}

/**
 * Sends one request and reads its answer, through a proxy if the variables name one. Redirects are answers like any
 * other: a token would travel with the request.
 * @throws {Error} from Node if no answer comes; `describeNetworkError` explains it.
 */
export async function sendRequest(question: WebRequest, wayOut: WayOut): Promise<WebReply> {
  const {protocol} = new URL(question.url);
  // plain HTTP is for services on this machine or its own link, where no proxy leads; an agent ignores Node's proxies
  if (protocol !== 'https:') return exchange(question, wayOut, {agent: new http.Agent()});
  const socket = await connect(question.url, wayOut.variables, wayOut.signal);
  try {
    // without an agent, Node would take 80 for the default port and add it to the Host header
    return await exchange(question, wayOut, {createConnection: () => socket, defaultPort: 443});
  } finally {
    socket.destroy();
  }
}

function exchange(
  {method, url, headers, body}: WebRequest,
  {signal, limit}: WayOut,
  options: https.RequestOptions,
): Promise<WebReply> {
  const payload = body === undefined ? undefined : Buffer.from(body);
  const length = payload === undefined ? {} : {'content-length': payload.length};
  const {request: open} = url.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    const request = open(url, {...options, method, signal, headers: {...headers, ...length}}, (response) => {
      const chunks: Buffer[] = [];
      let received = 0;
      const finish = () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
          isCut: received > limit,
          skew: skewOf(response.headers.date),
        });
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        received += chunk.length;
        if (received <= limit) return;
        finish();
        request.destroy();
      });
      response.on('error', reject);
      response.on('end', finish);
    });
    request.on('error', reject);
    request.end(payload);
  });
}

function skewOf(date: string | undefined): number | undefined {
  const theirs = date === undefined ? Number.NaN : Date.parse(date);
  // a Date header has no fractions: half a second is what it leaves out on average
  return Number.isFinite(theirs) ? Date.now() - theirs - 500 : undefined;
}

/** Why no answer came. */
interface NetworkError {
  /** `TIMEOUT` and `ERR_PROXY_…` are ours, others are Node's or OpenSSL's. */
  readonly code: string;
  readonly detail: string;
  /** Of the errors that have their own words: those of proxies. */
  readonly hint: string | undefined;
}

export function describeNetworkError(error: unknown): NetworkError {
  if (error instanceof OrgkeyError) return {code: error.code, detail: error.message, hint: error.hint};
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError'))
    return {code: 'TIMEOUT', detail: 'no answer in time', hint: undefined};
  // several addresses of one host were tried: the first says as much as all
  const [first] = error instanceof AggregateError ? error.errors : [];
  const cause: unknown = first ?? error;
  return {code: codeOf(cause) ?? 'UNKNOWN', detail: messageOf(cause), hint: undefined};
}
