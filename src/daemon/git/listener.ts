import {lstatSync} from 'node:fs';
import {createServer, type Server, type Socket} from 'node:net';

/** The default, 511, lost 359 of 1,000 clients that came at once. */
const BACKLOG = 4096;

/** Where a socket comes from: a path that we bind, or a descriptor that the service manager bound for us. */
export type Origin = {readonly path: string} | {readonly fd: number};

/** A listening socket, and the connections that it accepted. */
export class Listener {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #bound: {readonly path: string; readonly identity: string} | undefined;

  constructor(serve: (socket: Socket) => void) {
    // git's client half-closes after its request: without allowHalfOpen an answer that comes later is lost
    this.#server = createServer({allowHalfOpen: true}, (socket) => {
      this.#open.add(socket);
      socket.on('close', () => this.#open.delete(socket));
      serve(socket);
    });
  }

  /** The process' umask decides the mode, so that there is no moment at which others could connect. */
  async listen(origin: Origin): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.once('listening', resolve);
      // for an inherited socket the backlog must be the second argument: inside the options it falls to 511
      if ('fd' in origin) this.#server.listen({fd: origin.fd}, BACKLOG);
      else this.#server.listen({path: origin.path, backlog: BACKLOG});
    });
    this.#server.removeAllListeners('error');
    // an accept that fails for want of descriptors is tried again by Node; the listener lives on
    this.#server.on('error', () => undefined);
    if ('path' in origin) this.#bound = {path: origin.path, identity: fileIdentity(origin.path) ?? ''};
  }

  /** Whether the path still leads to this socket. Always so for a socket that the service manager owns. */
  isInPlace(): boolean {
    return this.#bound === undefined || fileIdentity(this.#bound.path) === this.#bound.identity;
  }

  get connections(): number {
    return this.#open.size;
  }

  /**
   * Accepts no more. The file goes with it, unless somebody else's socket lies there by now: closing would remove that
   * one, and so would a process that runs out of work. Ours must end by `process.exit`, then.
   */
  stopAccepting(): void {
    if (this.isInPlace()) this.#server.close();
    else this.#server.unref();
  }

  /** Leaves a path at which nothing lies by now, to listen anew: closing removes what is there. Connections stay. */
  leavePath(): void {
    this.#server.close();
  }

  /** Resolves when every connection that was accepted is over. */
  async drained(): Promise<void> {
    await Promise.all(
      Array.from(this.#open, (socket) => new Promise((resolve) => socket.once('close', resolve))),
    );
  }

  destroyConnections(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

/** Device and inode. `undefined`: nothing there. */
export function fileIdentity(path: string): string | undefined {
  const stats = lstatSync(path, {throwIfNoEntry: false, bigint: true});
  return stats && `${stats.dev}:${stats.ino}`;
}
