import {parseRecord} from '../../text/record.ts';
import {decodeMessage, type Message} from '../message.ts';

/** Collects a child's output up to a limit. Lines that are events are passed on as they come. */
export class Collected {
  readonly #limit: number;
  readonly #onEvent: ((event: Readonly<Record<string, unknown>>) => void) | undefined;
  readonly #onTooLong: () => void;
  #bytes = Buffer.alloc(0);
  #tooLong = false;

  constructor(
    limit: number,
    onEvent: ((event: Readonly<Record<string, unknown>>) => void) | undefined,
    onTooLong: () => void,
  ) {
    this.#limit = limit;
    this.#onEvent = onEvent;
    this.#onTooLong = onTooLong;
  }

  get isTooLong(): boolean {
    return this.#tooLong;
  }

  add(chunk: Buffer): void {
    if (!this.#tooLong && this.#bytes.length + chunk.length > this.#limit) {
      this.#tooLong = true;
      this.#onTooLong();
    }
    if (!this.#tooLong) {
      const grown = Buffer.alloc(this.#bytes.length + chunk.length);
      grown.set(this.#bytes);
      grown.set(chunk, this.#bytes.length);
      this.#bytes.fill(0);
      this.#bytes = grown;
    }
    chunk.fill(0);
    if (this.#onEvent !== undefined) this.#passEvents(this.#onEvent);
  }

  message(): Message | undefined {
    return this.#tooLong ? undefined : decodeMessage(this.#bytes);
  }

  /** Returns the output as text, or nothing if it holds one of the secrets. */
  text(secrets: readonly Uint8Array[]): string {
    const leaks = secrets.some((secret) => secret.length > 0 && this.#bytes.includes(Buffer.from(secret)));
    return leaks ? '' : this.#bytes.toString();
  }

  erase(): void {
    this.#bytes.fill(0);
  }

  #passEvents(pass: (event: Readonly<Record<string, unknown>>) => void): void {
    for (;;) {
      const end = this.#bytes.indexOf(0x0a);
      const event = end < 0 ? undefined : parseRecord(this.#bytes.toString('utf8', 0, end));
      if (event?.['event'] === undefined) return;
      this.#bytes = this.#bytes.subarray(end + 1);
      pass(event);
    }
  }
}
