import {readFileSync} from 'node:fs';
import type {Socket} from 'node:net';

/** Each connection can hold 64 KiB of an unfinished request. A burst of 5,000 clients fits on the main socket. */
const MOST = {main: 6144, scoped: 1024} as const;

/** The rest is for files, children and servers. */
const OF_DESCRIPTORS = {main: 1 / 2, scoped: 1 / 4} as const;

/**
 * Bounds the connections of the main socket, or of all scoped sockets together. They share the descriptors and the memory
 * of this process, and no client may block the others.
 */
export class Crowd {
  readonly #most: number;
  readonly #open = new Map<string, Set<Socket>>();

  /** `descriptors`: how many this process may have. */
  constructor(kind: keyof typeof MOST, descriptors: number) {
    this.#most = Math.min(MOST[kind], Math.floor(descriptors * OF_DESCRIPTORS[kind]));
  }

  /**
   * Adds a connection to a share. If there are too many, it closes the oldest one that has not finished its request, in
   * the largest share; if all have, the new one.
   */
  enter(share: string, socket: Socket): void {
    const others = this.#open.get(share) ?? new Set();
    this.#open.set(share, others.add(socket));
    socket.once('close', () => this.#leave(socket));
    if (this.#size() <= this.#most) return;
    const leaving = this.#oldestIdle() ?? socket;
    this.#leave(leaving);
    leaving.destroy();
  }

  #size(): number {
    let size = 0;
    for (const sockets of this.#open.values()) size += sockets.size;
    return size;
  }

  #oldestIdle(): Socket | undefined {
    const [largest] = [...this.#open.values()].toSorted((a, b) => b.size - a.size);
    return Array.from(largest ?? []).find((socket) => !socket.readableEnded);
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
