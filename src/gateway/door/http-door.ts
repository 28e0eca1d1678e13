import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import {Socket} from 'node:net';
import {answerReason} from '../answer-client.ts';
import type {Carrier} from '../carrier.ts';
import type {ClientRequest} from './client-request.ts';

/** The real address of a request, or why it is not admitted. */
export type Admission =
  | Pick<ClientRequest, 'host' | 'target' | 'base' | 'proof'>
  | {readonly status: number; readonly message: string; readonly hint: string; readonly challenge?: string};

/** Returns the real address of a request. */
export type Admit = (request: IncomingMessage) => Admission;

/** The plain HTTP inside a gateway, with limits for every client. It listens nowhere: connections are given to it. */
export class HttpDoor {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Those with a request under way. */
  readonly #busy = new Set<Socket>();
  #underWay = 0;
  #isClosing = false;

  constructor(carrier: Pick<Carrier, 'carry'>, admit: Admit, limits: Limits = LIMITS) {
    this.#server = createServer({
      maxHeaderSize: MAX_HEADERS,
      headersTimeout: limits.headers,
      connectionsCheckingInterval: limits.headers / 2,
      // bodies of pushes take as long as they take
      requestTimeout: 0,
      keepAliveTimeout: limits.idle,
      noDelay: true,
    });
    this.#server.timeout = limits.silence;
    // Node enforces the limit of headers only on a server that listens
    this.#server.emit('listening');
    this.#server.maxHeadersCount = MAX_HEADER_LINES;
    this.#server.maxRequestsPerSocket = MAX_REQUESTS;
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#underWay++;
      this.#busy.add(request.socket);
      response.once('close', () => {
        this.#underWay--;
        this.#busy.delete(request.socket);
        if (this.#isClosing) request.socket.destroySoon();
      });
      request.on('error', () => undefined);
      response.on('error', () => undefined);
      const admission = admit(request);
      if ('status' in admission) return turnAway(request, response, admission);
      void carrier.carry({request, response, ...admission});
    });
    this.#server.on('clientError', (_error, socket) => {
      if (socket.writable)
        socket.write('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      // its input is not read any more, so its end would not be noticed
      if (socket instanceof Socket) socket.destroySoon();
      else socket.destroy();
    });
    // no tunnels and no upgrades
    this.#server.on('connect', (_request, socket) => socket.destroy());
    this.#server.on('upgrade', (_request, socket) => socket.destroy());
  }

  /** How many requests are under way. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Speaks HTTP on a connection, of which `first` was read already. */
  take(socket: Socket, first: Buffer): void {
    if (this.#isClosing) return void socket.destroy();
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (first.length > 0) socket.unshift(first);
    this.#server.emit('connection', socket);
    // the one who took the first bytes has paused it
    process.nextTick(() => socket.resume());
  }

  /** Lets what is under way finish, for `milliseconds` at most; idle connections end at once. */
  async close(
    milliseconds: number,
    startTimer: (milliseconds: number, act: () => void) => () => void,
  ): Promise<void> {
    this.#isClosing = true;
    // stops the check of its connections, too
    this.#server.close();
    const gone = [...this.#sockets].map(
      (socket) =>
        new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve()))),
    );
    const cancel = startTimer(milliseconds, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    for (const socket of this.#sockets) if (!this.#busy.has(socket)) socket.destroySoon();
    await Promise.all(gone);
    cancel();
  }
}

function turnAway(
  request: IncomingMessage,
  response: ServerResponse,
  admission: Extract<Admission, {status: number}>,
): void {
  request.resume();
  if (admission.challenge !== undefined) response.setHeader('www-authenticate', admission.challenge);
  response.setHeader('connection', 'close');
  answerReason(response, admission, undefined);
}

/** In bytes. */
const MAX_HEADERS = 16 * 1024;
const MAX_HEADER_LINES = 60;
const MAX_REQUESTS = 10_000;

/** In milliseconds. */
interface Limits {
  /** From the first byte of a request to the end of its headers. */
  readonly headers: number;
  /** Between two requests. */
  readonly idle: number;
  /** Within a request, in both directions. Longer than a server may take to count its objects. */
  readonly silence: number;
}

const LIMITS: Limits = {headers: 10_000, idle: 30_000, silence: 11 * 60_000};
