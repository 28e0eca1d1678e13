import {readFileSync} from 'node:fs';
import type {Socket} from 'node:net';

/** Each connection can hold 64 KiB of an unfinished request. A burst of 5,000 clients fits on the main socket. */
const MOST = {main: 6144, scoped: 1024, gateway: 1024} as const;

/** The rest is for files, children and servers. What a gateway carries takes a second connection. */
const OF_DESCRIPTORS = {main: 1 / 2, scoped: 1 / 8, gateway: 1 / 8} as const;

/**
 * Bounds the connections of the main socket, of all scoped sockets, or of all gateways. They share the descriptors and
 * the memory of this process, and no client may block the others.
 */
export class Crowd {
  readonly #most: number;
  readonly #admitted = new WeakSet<Socket>();
  readonly #open = new Map<string, Set<Socket>>();

  /** `descriptors`: how many this process may have. */
  constructor(kind: keyof typeof MOST, descriptors: number) {
    this.#most = Math.min(MOST[kind], Math.floor(descriptors * OF_DESCRIPTORS[kind]));
  }

  /**
   * Adds a connection to a share. If there are too many, it closes one of the largest share: the oldest that has not asked,
   * else the new one, else the oldest.
   */
  enter(share: string, socket: Socket): void {
    const others = this.#open.get(share) ?? new Set();
    this.#open.set(share, others.add(socket));
    socket.once('close', () => this.#leave(socket));
    if (this.#size() <= this.#most) return;
    const leaving = this.#leastMissed(socket);
    this.#leave(leaving);
    leaving.destroy();
  }

  /** Notes that a connection has asked for something that it may have, although it is not at its end. */
  admit(socket: Socket): void {
    this.#admitted.add(socket);
  }

  #size(): number {
    let size = 0;
    for (const sockets of this.#open.values()) size += sockets.size;
    return size;
  }

  #leastMissed(added: Socket): Socket {
    const [largest] = [...this.#open.values()].toSorted((a, b) => b.size - a.size);
    const sockets = [...(largest ?? [])];
    const idle = sockets.find((socket) => !socket.readableEnded && !this.#admitted.has(socket));
    return idle ?? (largest?.has(added) ? added : sockets[0]) ?? added;
  }

  #leave(socket: Socket): void {
    for (const [share, sockets] of this.#open) {
      if (sockets.delete(socket) && sockets.size === 0) this.#open.delete(share);
    }
  }
}

/** Returns how many files this process may have open. */
export function descriptorLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  } catch {
    // only Linux has the file; elsewhere a shell allows this many, or more
    return 256;
  }
}
