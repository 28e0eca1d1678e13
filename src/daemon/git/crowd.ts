import {readFileSync} from 'node:fs';
import type {Socket} from 'node:net';

/** Each may have sent 64 KiB of a request that does not end. */
const MOST = 1024;

/**
 * The connections of all scoped sockets. They share this process' descriptors and memory with the main socket, from
 * which no client of theirs may keep anybody: together they have so much room and no more.
 */
export class Crowd {
  readonly #most: number;
  readonly #open = new Map<string, Set<Socket>>();

  /** `descriptors`: how many this process may have. Half of them are left to everything else. */
  constructor(descriptors: number) {
    this.#most = Math.min(MOST, Math.floor(descriptors / 2));
  }

  /**
   * A connection more, on the scoped socket of this name. Where there is no room, the oldest goes that has not asked
   * yet, of the socket that has most; where all have asked, the new one.
   */
  enter(name: string, socket: Socket): void {
    const beside = this.#open.get(name) ?? new Set();
    this.#open.set(name, beside.add(socket));
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

  /** Sets keep the order in which their members came. */
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

/** How many files this process may have open. */
export function descriptorLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  } catch {
    // only Linux says so; elsewhere it is as many as a shell may have, or more
    return 256;
  }
}
