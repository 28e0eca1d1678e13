import type {IncomingMessage, OutgoingHttpHeaders} from 'node:http';
import {request as startRequest} from 'node:https';
import type {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {ConnectionPool} from '../network/connection-pool.ts';
import {codeOf, OrgkeyError} from '../text/orgkey-error.ts';
import {timedOut} from '../text/timed-out.ts';
import type {Secret} from '../secret/secret.ts';
import {TIME_BUDGET} from '../time-budget.ts';
import type {Environment} from '../text/environment.ts';

export interface UpstreamRequest {
  /** With the port if it is not 443. */
  readonly host: string;
  readonly path: string;
  readonly method: string;
  readonly headers: OutgoingHttpHeaders;
  /** `undefined`: the address carries its own proof (transfers of Git LFS). */
  readonly authorization: Secret | undefined;
  /** `undefined`: the request has no body. */
  readonly body: Readable | undefined;
  readonly signal: AbortSignal;
}

/** Azure DevOps, over connections that stay open between requests. */
export class Upstream {
  readonly #agent: ConnectionPool;

  /**
   * `environment` names the proxies, as for everything that talks to the network. `limit`: until a connection is made, in
   * milliseconds.
   */
  constructor(environment: Environment, limit: number = TIME_BUDGET.connection) {
    this.#agent = new ConnectionPool(
      {
        keepAlive: true,
        maxSockets: MAX_CONNECTIONS,
        maxFreeSockets: MAX_IDLE,
        scheduling: 'lifo',
        timeout: IDLE_LIMIT,
      },
      {variables: environment, limit},
    );
  }

  /**
   * Sends a request and resolves with the head of the answer; the body is read from it. A body that was begun is never
   * sent twice.
   * @throws {Error} if the server cannot be reached, or ends the connection before it answers.
   */
  send(wanted: UpstreamRequest): Promise<IncomingMessage> {
    const {host, path, method, headers, authorization, body, signal} = wanted;
    const {hostname, port} = new URL(`https://${host}`);
    return new Promise((resolve, reject) => {
      // Node tells a request that still waits for its connection nothing of the signal
      signal.addEventListener('abort', () => reject(new Error('the client has gone')), {once: true});
      const request = startRequest({
        agent: this.#agent,
        hostname,
        port: port || 443,
        path,
        method,
        headers: {
          ...headers,
          host,
          // as a string: Node's client takes nothing else
          ...(authorization === undefined ? {} : {authorization: authorization.revealText()}),
        },
        signal,
      });
      request.setNoDelay(true);
      request.setTimeout(SILENCE_LIMIT, () => {
        const {code, message, hint} = timedOut(
          `${hostname} sent nothing`,
          SILENCE_LIMIT,
          'run: orgkey doctor',
        );
        request.destroy(new OrgkeyError(code, message, {hint}));
      });
      const fail = (error: Error) => {
        // the server closed the connection while it was idle, and has not seen the request
        const isStale = request.reusedSocket && codeOf(error) === 'ECONNRESET' && !signal.aborted;
        if (isStale && body === undefined) resolve(this.send(wanted));
        else reject(error);
      };
      request.once('error', fail);
      request.once('response', (response) => {
        // the reader of the body sees what comes later
        request.off('error', fail);
        request.on('error', () => undefined);
        resolve(response);
      });
      if (body === undefined) request.end();
      else pipeline(body, request).catch(reject);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** To one host; git itself opens one for each process. */
const MAX_CONNECTIONS = 64;
const MAX_IDLE = 16;
/** In milliseconds: Azure DevOps keeps an idle connection for about two minutes. */
const IDLE_LIMIT = 60_000;
/** In milliseconds: a server may count the objects of a large repository for minutes. */
const SILENCE_LIMIT = 10 * 60_000;
