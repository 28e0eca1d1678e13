import {readFileSync} from 'node:fs';
import type {Socket} from 'node:net';

/** Each connection can hold 64 KiB of an unfinished request. */
const MOST = 1024;

/**
 * Bounds the connections of all scoped sockets together. They share the descriptors and the memory of this process with
 * the main socket, and must not block its clients.
 */
export class Crowd {
  readonly #most: number;
  readonly #open = new Map<string, Set<Socket>>();

  /** `descriptors`: how many this process may have. Half of them remain for everything else. */
  constructor(descriptors: number) {
    this.#most = Math.min(MOST, Math.floor(descriptors / 2));
  }

  /**
   * Adds a connection of the scoped socket `name`. If there are too many, it closes the oldest one that has not finished
   * its request, on the socket that has most; if all have, the new one.
   */
  enter(name: string, socket: Socket): void {
    const others = this.#open.get(name) ?? new Set();
    this.#open.set(name, others.add(socket));
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
    for (const [name, sockets] of this.#open) {
      if (sockets.delete(socket) && sockets.size === 0) this.#open.delete(name);
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
