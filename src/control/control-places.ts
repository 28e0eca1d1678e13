import type {Socket} from 'node:net';

/** Clients that are connected at once. */
const MOST = 100;

interface Place {
  /** Aborts when the client disconnects. */
  readonly gone: AbortSignal;
  /** Calls without an answer, and logs that are followed. */
  waiting: number;
}

/** Bounds the clients of the control channel, so that forgotten ones keep no command out. */
export class ControlPlaces {
  /** The client that was silent for longest comes first. */
  readonly #places = new Map<Socket, Place>();

  /** Adds a client. If there are too many, it disconnects the one that was silent for longest, rather one that waits for nothing. */
  enter(socket: Socket): void {
    const gone = new AbortController();
    socket.once('close', () => {
      this.#places.delete(socket);
      gone.abort();
    });
    if (this.#places.size >= MOST) this.#leastMissed()?.destroy();
    this.#places.set(socket, {gone: gone.signal, waiting: 0});
  }

  /** Notes that a client calls. `undefined`: it was disconnected. */
  begin(socket: Socket): AbortSignal | undefined {
    const place = this.#places.get(socket);
    if (place === undefined) return undefined;
    place.waiting++;
    this.#places.delete(socket);
    this.#places.set(socket, place);
    return place.gone;
  }

  end(socket: Socket): void {
    const place = this.#places.get(socket);
    if (place !== undefined) place.waiting--;
  }

  #leastMissed(): Socket | undefined {
    const all = [...this.#places];
    const [socket] = all.find(([, {waiting}]) => waiting === 0) ?? all[0] ?? [];
    // its close comes later
    if (socket !== undefined) this.#places.delete(socket);
    return socket;
  }
}
