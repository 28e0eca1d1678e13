import {once} from 'node:events';
import {connect, type Socket} from 'node:net';

import {byte, string, uint32} from '../../src/ssh/relay/wire.ts';

/** A message of SSH's connection protocol as OpenSSH's proxy mode frames it. */
export function packet(type: number, ...parts: Uint8Array[]): Buffer {
  return string(Buffer.concat([byte(0), byte(type), ...parts]));
}

/** Returns what ssh sends before its command. `window`: how much output it accepts at first, in bytes. */
export function opening(window = 1 << 20): Buffer[] {
  return [
    string(Buffer.concat([uint32(1), uint32(4)])),
    string(Buffer.concat([uint32(0x1000000f), uint32(0)])),
    packet(90, string('session'), uint32(0), uint32(window), uint32(32_768)),
  ];
}

/** Returns the request to run a command. */
export function execution(command: string): Buffer {
  return packet(98, uint32(0), string('exec'), byte(1), string(command));
}

/** Waits until enough has arrived. */
export function reader(client: Socket): (enough: (bytes: Buffer) => boolean) => Promise<Buffer> {
  let held = Buffer.alloc(0);
  client.on('error', () => {});
  client.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
  });
  return async (enough) => {
    while (!enough(held)) await once(client, 'data');
    return held;
  };
}

/** Returns the types of the messages after the two of the greeting. */
export function packetTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 6 <= bytes.length; at += 4 + bytes.readUInt32BE(at)) types.push(bytes[at + 5] ?? 0);
  return types.slice(2);
}

/**
 * A transfer over a grant that the test holds: it asks for a whole repository in git's oldest protocol, and the window
 * of its channel stays shut until `finish`.
 */
export class HeldTransfer {
  readonly #client: Socket;
  #heard: Buffer[] = [];
  #output = 0;
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;
  #news = Promise.withResolvers<void>();

  /** `socket`: the path of a grant's socket. */
  static async start(socket: string, command: string): Promise<HeldTransfer> {
    const client = connect(socket);
    await once(client, 'connect');
    const transfer = new HeldTransfer(client);
    client.write(Buffer.concat([...opening(WINDOW), execution(command)]));
    const advertised = await transfer.#until(() => transfer.text.endsWith('0000'));
    const [, first = ''] = /^[0-9a-f]{4}([0-9a-f]{40}) /.exec(advertised) ?? [];
    transfer.#heard = [];
    transfer.#output = 0;
    client.write(packet(94, uint32(0), string(`003ewant ${first} no-progress\n00000009done\n`)));
    // The advertisement has used a part of the window
    await transfer.#until(() => transfer.#output + advertised.length === WINDOW);
    return transfer;
  }

  private constructor(client: Socket) {
    this.#client = client;
    client.on('error', () => {});
    client.on('data', (chunk: Buffer) => this.#receive(chunk));
    client.once('close', () => {
      this.#ended = true;
      this.#news.resolve();
    });
  }

  get text(): string {
    return Buffer.concat(this.#heard).toString('latin1');
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Opens the window, and resolves with git's pack. */
  async finish(): Promise<Buffer> {
    this.#client.write(packet(93, uint32(0), uint32(0x7f_ff_ff_ff)));
    await this.#until(() => this.#exited);
    this.#client.destroy();
    const output = Buffer.concat(this.#heard);
    return output.subarray(output.indexOf('PACK'));
  }

  #exited = false;

  #receive(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 4 && this.#rest.length >= 4 + this.#rest.readUInt32BE(0)) {
      const frame = this.#rest.subarray(4, 4 + this.#rest.readUInt32BE(0));
      this.#rest = this.#rest.subarray(4 + frame.length);
      if (frame[0] !== 0) continue;
      if (frame[1] === 97) this.#exited = true;
      // Its messages use the window too
      if (frame[1] === 95) this.#output += frame.length - 14;
      if (frame[1] !== 94) continue;
      this.#heard.push(frame.subarray(10));
      this.#output += frame.length - 10;
    }
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }

  async #until(enough: () => boolean): Promise<string> {
    while (!enough()) {
      if (this.#ended) throw new Error(`the transfer ended early: ${this.text.slice(0, 200)}`);
      await this.#news.promise;
    }
    return this.text;
  }
}

/** In bytes; smaller than any transfer that a test holds. */
const WINDOW = 256 * 1024;
