import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import {generateRandomState} from 'oauth4webapi';
import {clientOf, type LoopbackClient} from '../../network/loopback-client.ts';
import {codeOf} from '../../text/orgkey-error.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import {AcquirerError, localFailure, type AcquirerFailure} from '../failure.ts';
import {signInPage, type SignInPage} from './sign-in-page.ts';

/** Bytes that a browser may post. */
const MAX_POST = 64 * 1024;

/** How many ports are tried, if another process has the same port of the other loopback address. */
const MOST_PORTS = 20;

interface ListenerParts {
  /** Only a request with it brings the code. */
  readonly state: string;
  /** Default: what the system says. */
  readonly ownerOf?: (request: IncomingMessage) => LoopbackClient;
  /** Returns the port to try next. Default: 0, any free one. */
  readonly nextPort?: () => number;
}

/** Listens on the port that the browser starts from and comes back to. Clients of other users get nothing. */
export class ReturnListener {
  /** What the browser brought first: a code, and our state. */
  readonly callback: Promise<URLSearchParams>;
  readonly redirectUri: string;
  readonly #servers: readonly Server[];
  readonly #host: string;
  readonly #state: string;
  readonly #resolve: (callback: URLSearchParams) => void;
  readonly #reject: (error: Error) => void;
  /** A page that is reloaded comes twice, and the user sees the second answer. */
  readonly #waiting = new Set<ServerResponse>();
  readonly #start = `/${generateRandomState()}`;
  #issuer: string | undefined;
  #wasOpened = false;

  private constructor(servers: readonly Server[], port: number, {state, ownerOf}: ListenerParts) {
    this.#servers = servers;
    this.#host = `localhost:${port}`;
    this.redirectUri = `http://${this.#host}`;
    this.#state = state;
    const {promise, resolve, reject} = Promise.withResolvers<URLSearchParams>();
    this.callback = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    // awaited only after `tell`
    promise.catch(() => {});
    const owner = ownerOf ?? ((request: IncomingMessage) => clientOf(request.socket));
    for (const server of servers) {
      server.on('request', (request, response) => {
        // a client that disconnects does not end the sign-in
        this.#receive(request, response, owner(request)).catch(() => response.destroy());
      });
    }
  }

  /** @throws {AcquirerError} if no port is free on both loopback addresses. */
  static async open(parts: ListenerParts): Promise<ReturnListener> {
    for (let attempt = 0; attempt < MOST_PORTS; attempt++) {
      const server = await listen('127.0.0.1', parts.nextPort?.() ?? 0);
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      try {
        return new ReturnListener([server, await listen('::1', port)], port, parts);
      } catch (error) {
        // without IPv6, `localhost` is this one; otherwise a browser might take our state to another process
        if (codeOf(error) !== 'EADDRINUSE') return new ReturnListener([server], port, parts);
        server.close();
      }
    }
    throw localFailure(
      'ERR_NO_PORT',
      'other processes listen on [::1] at every port that was tried',
      'Find them with ss -ltnp, or sign in with a code: orgkey login --device-code.',
    );
  }

  /** Returns an address that leads to the issuer's. It can be shown to other users: it is useless to them. */
  leadTo(issuer: string): string {
    this.#issuer = issuer;
    return `${this.redirectUri}${this.#start}`;
  }

  /** Shows the result in the browser. Resolves when it was sent. */
  async finish(page: SignInPage): Promise<void> {
    const status = page.kind === 'signed-in' ? 200 : 400;
    await Promise.all(Array.from(this.#waiting, (response) => show(response, status, page)));
  }

  close(): void {
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
  }

  /** Handles a request. All that do not belong to this sign-in are answered and forgotten. */
  async #receive(request: IncomingMessage, response: ServerResponse, owner: LoopbackClient): Promise<void> {
    if (owner === 'another-user') return showAstray(response, 403, 'This sign-in belongs to another user.');
    const url = URL.parse(request.url ?? '', this.redirectUri);
    if (request.headers.host !== this.#host) return showAstray(response, 404, NOTHING_HERE);
    if (url?.pathname === this.#start && request.method === 'GET') return this.#lead(response, owner);
    if (url?.pathname !== '/') return showAstray(response, 404, NOTHING_HERE);
    const parameters = request.method === 'POST' ? await readForm(request) : url.searchParams;
    if (parameters?.get('state') !== this.#state)
      return showAstray(response, 400, 'This is not the sign-in that was started.');
    await this.#take(parameters, response);
  }

  /** Sends the browser to the issuer. If the system does not name the clients, one of the two could be another user's. */
  async #lead(response: ServerResponse, owner: LoopbackClient): Promise<void> {
    if (this.#wasOpened && owner === 'unknown') {
      this.#reject(
        localFailure(
          'ERR_OPENED_TWICE',
          'the address of the sign-in was opened twice, maybe by another user of this machine',
          'Start the sign-in again: orgkey login.',
        ),
      );
      return showAstray(response, 410, 'This address works once. Start the sign-in again.');
    }
    this.#wasOpened = true;
    const headers = {location: this.#issuer, 'referrer-policy': 'no-referrer', 'cache-control': 'no-store'};
    response.writeHead(302, headers).end();
  }

  async #take(parameters: URLSearchParams, response: ServerResponse): Promise<void> {
    const error = parameters.get('error');
    const code = parameters.get('code');
    if (error === null && code !== null && code !== '') {
      this.#waiting.add(response);
      return this.#resolve(parameters);
    }
    await show(response, 400, {
      kind: 'not-signed-in',
      reason: 'The sign-in was not completed. The terminal says why.',
    });
    const description = parameters.get('error_description') ?? '';
    const host = URL.parse(this.#issuer ?? '')?.host ?? '';
    this.#reject(new AcquirerError(declined(host, error ?? 'invalid_request', description)));
  }
}

const NOTHING_HERE = 'Nothing is at this address.';

function listen(host: string, port: number): Promise<Server> {
  const server = createServer({maxHeaderSize: MAX_POST, requestTimeout: TIME_BUDGET.browser});
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_POST) return undefined;
    chunks.push(bytes);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

function declined(host: string, error: string, description: string): AcquirerFailure {
  return {
    kind: 'rejected',
    service: 'entra',
    host,
    status: 400,
    error: error.slice(0, 100),
    codes: description.match(/\bAADSTS\d{4,8}\b/g) ?? [],
    description: description.slice(0, 500),
  };
}

function showAstray(response: ServerResponse, status: number, reason: string): Promise<void> {
  return show(response, status, {kind: 'astray', reason});
}

/** Sends a page. Resolves when it was sent, so that the process may end. */
function show(response: ServerResponse, status: number, page: SignInPage): Promise<void> {
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    connection: 'close',
  };
  return new Promise((resolve) => {
    // the user has closed the page, and is signed in all the same
    if (response.destroyed) return resolve();
    response.on('close', resolve);
    response.writeHead(status, headers).end(signInPage(page));
  });
}
