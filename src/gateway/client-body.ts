import type {IncomingMessage} from 'node:http';
import {Readable} from 'node:stream';

/**
 * The body of a request. It is read piece by piece, and it outlives the connection to Azure DevOps: git reads no answer
 * before it has sent everything.
 */
export class ClientBody {
  readonly #chunks: AsyncIterator<Buffer, undefined>;

  constructor(request: IncomingMessage) {
    this.#chunks = request[Symbol.asyncIterator]();
  }

  /** Returns the next piece. `undefined`: the body has ended. @throws {Error} if the client disconnects. */
  async next(): Promise<Buffer | undefined> {
    const {value} = await this.#chunks.next();
    return value;
  }

  stream(first: readonly Buffer[] = []): Readable {
    return Readable.from(this.#after(first), {objectMode: false});
  }

  /** Reads the rest and drops it. */
  async drain(): Promise<void> {
    while ((await this.next()) !== undefined);
  }

  async *#after(first: readonly Buffer[]): AsyncGenerator<Buffer> {
    yield* first;
    for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) yield chunk;
  }
}
