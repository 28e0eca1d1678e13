import type {OnReadOpts, Socket} from 'node:net';

/** In bytes; holds several SSH packets, so that most of them arrive complete. */
const READ_BUFFER = 128 * 1024;

export interface OneBufferReader {
  /** For `net.connect`. */
  readonly onread: OnReadOpts;
  /** Emits what is read as `data` of the socket. */
  attach(socket: Socket): void;
  /**
   * From now on, a chunk is valid only during its `data` event, and listeners must copy what they keep. Until then each
   * chunk is a copy.
   */
  reuse(): void;
}

/** Reads a socket into one buffer that is reused. With a new buffer for each chunk, a clone makes garbage of its size. */
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
