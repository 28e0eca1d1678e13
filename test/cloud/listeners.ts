import type {Server, Socket} from 'node:net';

/** Servers on loopback that start and end together, with all of their connections. */
export class Listeners {
  readonly #servers: readonly Server[];
  readonly #sockets = new Set<Socket>();

  constructor(servers: readonly Server[]) {
    this.#servers = servers;
  }

  async listen(): Promise<void> {
    await Promise.all(
      this.#servers.map((server) => {
        server.on('connection', (socket: Socket) => this.#follow(socket));
        return new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', resolve);
        });
      }),
    );
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #follow(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
