import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {HttpClient} from '../http/http-client.ts';
import {
  askForTokens,
  claimsOf,
  createPkce,
  endpointsOf,
  personScope,
  randomText,
  type Grant,
} from './issuer.ts';
import {fieldOf, type Job} from '../job.ts';
import {checkIdToken} from './check-id-token.ts';
import {signInPage, type SignInPage} from './sign-in-page.ts';
import {AcquirerError, type AcquirerFailure} from '../failure.ts';
import {TIME_BUDGET} from '../../time-budget.ts';

/** Bytes that a browser may post. */
const MAX_POST = 64 * 1024;

/**
 * Signs a user in with a browser, which brings the code back to a port on loopback. `tell` gets the address to open.
 * Another process that finds the port has neither the state nor the verifier, and cannot end the sign-in either.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8252
 */
export async function signInWithBrowser(
  job: Job,
  client: HttpClient,
  tell: (event: Readonly<Record<string, unknown>>) => void,
): Promise<Grant> {
  const endpoints = await endpointsOf(fieldOf(job, 'issuer'), client);
  const state = randomText();
  const nonce = randomText();
  const {verifier, challenge} = createPkce();
  const listener = await Listener.open(state);
  try {
    const url = new URL(endpoints.authorize);
    const parameters = {
      client_id: fieldOf(job, 'clientId'),
      response_type: 'code',
      // fact 72
      response_mode: endpoints.formPost ? 'form_post' : 'query',
      redirect_uri: listener.redirectUri,
      scope: personScope(job),
      state,
      nonce,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      prompt: 'select_account',
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    tell({event: 'login', openUrl: url.href});
    const code = await listener.code;
    try {
      const grant = await redeem(
        job,
        endpoints.token,
        {code, verifier, redirectUri: listener.redirectUri},
        client,
      );
      checkIdToken(grant.idToken === undefined ? {} : claimsOf(grant.idToken), {
        issuer: fieldOf(job, 'issuer'),
        clientId: fieldOf(job, 'clientId'),
        nonce,
        now: Date.now() - (client.skew ?? 0),
      });
      await listener.finish({kind: 'signed-in', username: usernameIn(grant)});
      return grant;
    } catch (error) {
      await listener.finish({
        kind: 'not-signed-in',
        reason: 'The sign-in came back, but could not be completed. The terminal says why.',
      });
      throw error;
    }
  } finally {
    listener.close();
  }
}

function redeem(
  job: Job,
  url: string,
  {
    code,
    verifier,
    redirectUri,
  }: {readonly code: string; readonly verifier: string; readonly redirectUri: string},
  client: HttpClient,
): Promise<Grant> {
  const parameters = {
    grant_type: 'authorization_code',
    code: client.conceal(code),
    redirect_uri: redirectUri,
    code_verifier: client.conceal(verifier),
    scope: personScope(job),
  };
  // a code is valid once
  return askForTokens(job, {url, parameters, tries: 1}, client);
}

/** Returns the user's name, for the page. */
function usernameIn({idToken}: Grant): string | undefined {
  const {preferred_username: username} = idToken === undefined ? {} : claimsOf(idToken);
  return typeof username === 'string' && username !== '' ? username : undefined;
}

/** Listens on the port that the browser comes back to. */
class Listener {
  /** The first code that the browser brought. */
  readonly code: Promise<string>;
  readonly redirectUri: string;
  readonly #servers: readonly Server[];
  /** A page that is reloaded comes twice, and the user sees the second answer. */
  readonly #waiting = new Set<ServerResponse>();

  private constructor(servers: readonly Server[], port: number, state: string) {
    this.#servers = servers;
    this.redirectUri = `http://localhost:${port}`;
    const {promise, resolve, reject} = Promise.withResolvers<string>();
    this.code = promise;
    // awaited only after `tell`
    promise.catch(() => {});
    const reception = {host: `localhost:${port}`, state, waiting: this.#waiting, resolve, reject};
    for (const server of servers) {
      server.on('request', (request, response) => {
        // a client that disconnects does not end the sign-in
        receive(request, response, reception).catch(() => response.destroy());
      });
    }
  }

  static async open(state: string): Promise<Listener> {
    const server = await listen('127.0.0.1', 0);
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    // `localhost` is either; if the other is not available, browsers use this one
    const other = await listen('::1', port).catch(() => undefined);
    return new Listener(other === undefined ? [server] : [server, other], port, state);
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
}

function listen(host: string, port: number): Promise<Server> {
  const server = createServer({maxHeaderSize: MAX_POST, requestTimeout: TIME_BUDGET.browser});
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

interface Reception {
  readonly host: string;
  readonly state: string;
  readonly waiting: Set<ServerResponse>;
  readonly resolve: (code: string) => void;
  readonly reject: (error: Error) => void;
}

/** Handles a request. Only one with our state counts; all others are answered and forgotten. */
async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  {host, state, waiting, resolve, reject}: Reception,
): Promise<void> {
  const url = URL.parse(request.url ?? '', `http://${host}`);
  if (request.headers.host !== host || url?.pathname !== '/')
    return show(response, 404, {kind: 'astray', reason: 'Nothing is at this address.'});
  const parameters = request.method === 'POST' ? await readForm(request) : url.searchParams;
  if (parameters?.get('state') !== state)
    return show(response, 400, {kind: 'astray', reason: 'This is not the sign-in that was started.'});
  const error = parameters.get('error');
  const code = parameters.get('code');
  if (error === null && code !== null && code !== '') {
    waiting.add(response);
    return resolve(code);
  }
  await show(response, 400, {
    kind: 'not-signed-in',
    reason: 'The sign-in was not completed. The terminal says why.',
  });
  reject(new AcquirerError(declined(error ?? 'invalid_request', parameters.get('error_description') ?? '')));
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

function declined(error: string, description: string): AcquirerFailure {
  return {
    kind: 'rejected',
    service: 'entra',
    host: '',
    status: 400,
    error: error.slice(0, 100),
    codes: description.match(/\bAADSTS\d{4,8}\b/g) ?? [],
    description: description.slice(0, 500),
    retryAfter: undefined,
  };
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
