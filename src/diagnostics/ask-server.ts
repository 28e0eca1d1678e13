import type http from 'node:http';
import https from 'node:https';
import type {TLSSocket} from 'node:tls';
import {advise} from '../entra/advice.ts';
import {connectThroughProxy} from '../network/open-tunnel.ts';
import {proxyFor} from '../network/proxy.ts';
import {codeOf, messageOf} from '../text/orgkey-error.ts';

/** A server's answer. A redirect is an answer too, and never followed: the token would travel with it. */
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
  /** Its proxy variables are used, as curl and Node use them. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Sends one GET over https, directly or through a proxy. Does not throw. */
export async function askServer(question: Question): Promise<Asked> {
  const {url, environment} = question;
  const {host} = new URL(url);
  const signal = AbortSignal.timeout(TIME_LIMIT);
  const proxy = proxyFor(url, environment);
  let line: TLSSocket | undefined;
  try {
    line = await connectThroughProxy(url, environment, signal);
    return {kind: 'answered', answer: await get(question, line, signal)};
  } catch (error) {
    const {code, detail} = describe(error);
    const {message, hint} = advise(
      {kind: 'unreachable', service: 'issuer', host, code, detail, proxy},
      {kind: 'doctor'},
    );
    // the advice is worded for the daemon, but here this shell asks
    const repair = hint?.replace(' in the environment of the service', '');
    return {kind: 'unreachable', message, repair: repair ?? 'check the network of this machine'};
  } finally {
    line?.destroy();
  }
}

/** In milliseconds, for the connection and the answer. */
const TIME_LIMIT = 15_000;

/** In bytes. */
const LARGEST = 256 * 1024;

function get({url, headers}: Question, tunnel: TLSSocket | undefined, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options =
      tunnel === undefined
        ? // not the global agent, which may have proxies of its own
          {agent: new https.Agent()}
        : // no agent, which would open its own connections
          {createConnection: () => tunnel};
    const request = https.request(url, {...options, headers, signal}, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const skew = skewOf(response.headers.date);
        resolve({status: response.statusCode ?? 0, headers: response.headers, text, skew});
        request.destroy();
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        // the start of an answer is enough
        if (size >= LARGEST) finish();
      });
      response.on('end', finish);
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end();
  });
}

function skewOf(date: string | undefined): number | undefined {
  const theirs = date === undefined ? Number.NaN : Date.parse(date);
  // a Date header omits the fraction of a second: half a second on average
  return Number.isFinite(theirs) ? Date.now() - theirs - 500 : undefined;
}

function describe(error: unknown): {readonly code: string; readonly detail: string} {
  if (!(error instanceof Error)) return {code: 'UNKNOWN', detail: String(error)};
  if (error.name === 'AbortError' || error.name === 'TimeoutError')
    return {code: 'TIMEOUT', detail: 'no answer in time'};
  const [first] = error instanceof AggregateError ? error.errors : [];
  const cause: unknown = first ?? error;
  return {code: codeOf(cause) ?? 'UNKNOWN', detail: messageOf(cause)};
}
