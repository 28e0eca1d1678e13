import {lstatSync} from 'node:fs';
import {createServer, type Server, type Socket} from 'node:net';

/** With the default, 511, 359 of 1,000 simultaneous clients were lost. */
const BACKLOG = 4096;

/** A path that we bind, or a descriptor that the service manager bound for us. */
export type Origin = {readonly path: string} | {readonly fd: number};

/** A listening socket and the connections that it accepted. */
export class Listener {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #bound: {readonly path: string; readonly identity: string} | undefined;

  constructor(serve: (socket: Socket) => void) {
    // git's client half-closes after its request: without allowHalfOpen a later answer would be lost
    this.#server = createServer({allowHalfOpen: true}, (socket) => {
      this.#open.add(socket);
      socket.on('close', () => this.#open.delete(socket));
      serve(socket);
    });
  }

  /** The umask of the process sets the mode, so other users can never connect. */
  async listen(origin: Origin): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.once('listening', resolve);
      // for an inherited socket the backlog must be the second argument: as an option it would be 511
      if ('fd' in origin) this.#server.listen({fd: origin.fd}, BACKLOG);
      else this.#server.listen({path: origin.path, backlog: BACKLOG});
    });
    this.#server.removeAllListeners('error');
    // Node tries again when it runs out of descriptors
    this.#server.on('error', () => undefined);
    if ('path' in origin) this.#bound = {path: origin.path, identity: fileIdentity(origin.path) ?? ''};
  }

  /** Whether the path still leads to this socket. Always true for a socket of the service manager. */
  isInPlace(): boolean {
    return this.#bound === undefined || fileIdentity(this.#bound.path) === this.#bound.identity;
  }

  get connections(): number {
    return this.#open.size;
  }

  /**
   * Accepts no more, and removes the path, unless another socket is there by now. Closing would remove that one, and so
   * would a process that runs out of work: ours must end by `process.exit` then.
   */
  stopAccepting(): void {
    if (this.isInPlace()) this.#server.close();
    else this.#server.unref();
  }

  /** Closes a socket whose path must be empty, because closing removes what is there. Connections stay open. */
  leavePath(): void {
    this.#server.close();
  }

  /** Resolves when every accepted connection has ended. */
  async drained(): Promise<void> {
    await Promise.all(
      Array.from(this.#open, (socket) => new Promise((resolve) => socket.once('close', resolve))),
    );
  }

  destroyConnections(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

/** Returns device and inode. `undefined`: nothing is there. */
export function fileIdentity(path: string): string | undefined {
  const stats = lstatSync(path, {throwIfNoEntry: false, bigint: true});
  return stats && `${stats.dev}:${stats.ino}`;
}
