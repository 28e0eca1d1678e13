import {WireError} from './wire.ts';

/** In bytes; OpenSSH's own limit for messages of a multiplexing client. */
const MAX_FRAME = 256 * 1024;

/** Cuts a stream into messages: four bytes of length, then the message. Keeps at most one incomplete message. */
export class FrameReader {
  #held: Buffer = Buffer.alloc(0);

  /**
   * Returns the messages that this chunk completes, as views that are valid until the next call.
   * @throws {WireError} if a message is empty or too long. Then the stream cannot be read any further.
   */
  read(chunk: Uint8Array): Buffer[] {
    let rest =
      this.#held.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : Buffer.concat([this.#held, chunk]);
    const frames: Buffer[] = [];
    while (rest.length >= 4) {
      const length = rest.readUInt32BE(0);
      if (length === 0 || length > MAX_FRAME) throw new WireError('a message is empty or too long');
      if (rest.length < 4 + length) break;
      frames.push(rest.subarray(4, 4 + length));
      rest = rest.subarray(4 + length);
    }
    this.#held = rest;
    return frames;
  }
}
