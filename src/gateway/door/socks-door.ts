import type {Socket} from 'node:net';
import type {IncomingMessage} from 'node:http';
import type {Admission, HttpDoor} from './http-door.ts';
import {gatewayName, MAX_HANDSHAKE, readConnect, readGreeting, realHost} from './socks.ts';

/** The SOCKS5 entrance of a gateway: after the handshake, each connection is one to one real host. */
export class SocksDoor {
  readonly #hosts = new WeakMap<Socket, string>();
  readonly #isServed: (host: string) => boolean;
  readonly #startTimer: (milliseconds: number, act: () => void) => () => void;

  constructor(parts: {
    /** Whether some configured identity serves the host. */
    readonly isServed: (host: string) => boolean;
    readonly startTimer: (milliseconds: number, act: () => void) => () => void;
  }) {
    this.#isServed = parts.isServed;
    this.#startTimer = parts.startTimer;
  }

  take(socket: Socket, door: HttpDoor): void {
    let received = Buffer.alloc(0);
    let isGreeted = false;
    socket.on('error', () => socket.destroy());
    const cancel = this.#startTimer(HANDSHAKE_LIMIT, () => socket.destroy());
    socket.once('close', cancel);
    const leave = () => socket.destroySoon();
    socket.once('end', leave);
    const read = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (;;) {
        const step = isGreeted ? readConnect(received, this.#isServed) : readGreeting(received);
        if (step.kind === 'more') {
          if (received.length > MAX_HANDSHAKE) socket.destroy();
          return;
        }
        if (step.kind === 'denied') {
          socket.off('data', read);
          socket.write(step.bytes);
          return socket.destroySoon();
        }
        socket.write(step.bytes);
        received = received.subarray(step.used);
        isGreeted = true;
        if (step.kind === 'connected') {
          cancel();
          socket.off('data', read);
          socket.off('end', leave);
          socket.pause();
          this.#hosts.set(socket, step.host);
          return door.take(socket, received);
        }
      }
    };
    socket.on('data', read);
  }

  /** Admits a request to the host that its connection was made for, and no other. */
  readonly admit = (request: IncomingMessage): Admission => {
    const host = this.#hosts.get(request.socket);
    const named = request.headers.host?.replace(/:80$/, '') ?? '';
    const target = request.url ?? '';
    if (host === undefined || realHost(named) !== host || !target.startsWith('/'))
      return {
        status: 403,
        message: 'the request is for another host than its connection',
        hint: 'use the lines of the gitconfig beside the socket',
      };
    return {host, target, base: `http://${gatewayName(host)}`, proof: undefined};
  };
}

/** In milliseconds. */
const HANDSHAKE_LIMIT = 10_000;
