import type {OnReadOpts, Socket} from 'node:net';

/** In bytes; holds several packets of SSH, so that most of them come whole. */
const READ_BUFFER = 128 * 1024;

export interface OneBufferReader {
  /** For `net.connect`. */
  readonly onread: OnReadOpts;
  /** Gives what is read to the socket's `data` listeners. */
  attach(socket: Socket): void;
  /**
   * From now on each chunk is valid only while it is heard: whoever keeps some of it must copy. Until then every
   * chunk is a copy of its own.
   */
  reuse(): void;
}

/** Reads a socket into one buffer, again and again: without it a clone makes garbage of its own size. */
export function readIntoOneBuffer(): OneBufferReader {
  const buffer = Buffer.alloc(READ_BUFFER);
  let socket: Socket | undefined;
  let reused = false;
  return {
    onread: {
      buffer,
      callback: (length) => {
        const chunk = buffer.subarray(0, length);
        socket?.emit('data', reused ? chunk : Buffer.from(chunk));
        return true;
      },
    },
    attach: (to) => {
      socket = to;
    },
    reuse: () => {
      reused = true;
    },
  };
}
