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
type Admit = (request: IncomingMessage) => Admission;

/** The plain HTTP inside a gateway, with limits for every client. It listens nowhere: connections are given to it. */
export class HttpDoor {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #underWay = 0;
  #isClosing = false;

  constructor(carrier: Pick<Carrier, 'carry'>, admit: Admit) {
    this.#server = createServer({
      maxHeaderSize: MAX_HEADERS,
      headersTimeout: HEADERS_LIMIT,
      // bodies of pushes take as long as they take
      requestTimeout: 0,
      keepAliveTimeout: IDLE_LIMIT,
      noDelay: true,
    });
    this.#server.maxHeadersCount = MAX_HEADER_LINES;
    this.#server.maxRequestsPerSocket = MAX_REQUESTS;
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#underWay++;
      response.once('close', () => {
        this.#underWay--;
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
    this.#server.closeIdleConnections();
    const gone = [...this.#sockets].map(
      (socket) =>
        new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve()))),
    );
    const cancel = startTimer(milliseconds, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    if (this.#underWay === 0) for (const socket of this.#sockets) socket.destroySoon();
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
const HEADERS_LIMIT = 10_000;
const IDLE_LIMIT = 30_000;
