import {FrameReader} from './frame-reader.ts';
import {WireError, WireReader, byte, string, uint32} from './wire.ts';

/**
 * What OpenSSH's client and the master of a shared connection tell each other in proxy mode (`ssh -O proxy`): for us a
 * two-way pipe with a command, its output and its exit status. Only one session with the one granted command is
 * accepted. Other requests are rejected, and messages out of order end the connection. Bytes in, events out: this has no
 * socket and no clock.
 * @see https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.mux
 * @see https://www.rfc-editor.org/rfc/rfc4254
 */
export type MuxEvent =
  /** Write these bytes to the client. */
  | {readonly kind: 'reply'; readonly bytes: Uint8Array}
  /** Run the granted command. `gitProtocol`: git's `GIT_PROTOCOL`, as in `version=2`. */
  | {readonly kind: 'execute'; readonly gitProtocol: string | undefined}
  /** Bytes for the command. Call `taken` when they have been passed on. */
  | {readonly kind: 'input'; readonly bytes: Buffer}
  | {readonly kind: 'input-end'}
  /** The client accepts more output. */
  | {readonly kind: 'window'}
  | {readonly kind: 'closed'};

/** In bytes; git sends little to upload-pack. */
const INPUT_WINDOW = 128 * 1024;
const MAX_PACKET = 32 * 1024;

export class MuxSession {
  readonly #command: string;
  readonly #frames = new FrameReader();
  #state: 'hello' | 'control' | 'proxy' | 'open' | 'running' | 'finished' = 'hello';
  /** The client's number for the channel; ours is 0. */
  #channel = 0;
  #outputWindow = 0;
  #outputPacket = 0;
  #inputWindow = INPUT_WINDOW;
  #inputTaken = 0;
  #inputEnded = false;
  #gitProtocol: string | undefined;

  /** `command`, byte for byte, is the only one that can run. */
  constructor(command: string) {
    this.#command = Buffer.from(command, 'utf8').toString('latin1');
  }

  /** How many bytes of output the client accepts now. */
  get window(): number {
    return this.#state === 'running' ? this.#outputWindow : 0;
  }

  /** @throws {WireError} if the client is not an ssh in proxy mode. The connection must be closed. */
  receive(chunk: Uint8Array): MuxEvent[] {
    return this.#frames.read(chunk).flatMap((message) => this.#handle(message));
  }

  /** Returns the header and the bytes of output. `bytes`: at most as many as `fitting` says. */
  output(bytes: Uint8Array, stream: 'stdout' | 'stderr'): [header: Uint8Array, bytes: Uint8Array] {
    this.#outputWindow -= bytes.length;
    const extended = stream === 'stderr';
    const header = Buffer.allocUnsafe(extended ? 18 : 14);
    header.writeUInt32BE(header.length - 4 + bytes.length, 0);
    header[4] = 0;
    header[5] = extended ? CHANNEL_EXTENDED_DATA : CHANNEL_DATA;
    header.writeUInt32BE(this.#channel, 6);
    if (extended) header.writeUInt32BE(STDERR, 10);
    header.writeUInt32BE(bytes.length, header.length - 4);
    return [header, bytes];
  }

  /** Returns how many of `length` bytes of output can be sent now. */
  fitting(length: number): number {
    return Math.min(length, this.window, this.#outputPacket);
  }

  /** Notes that input was passed on. Returns the message that lets the client send more, if it is due. */
  taken(length: number): Uint8Array | undefined {
    this.#inputTaken += length;
    if (this.#inputTaken < INPUT_WINDOW / 2 || this.#state !== 'running') return undefined;
    const more = this.#inputTaken;
    this.#inputWindow += more;
    this.#inputTaken = 0;
    return packet(CHANNEL_WINDOW_ADJUST, uint32(this.#channel), uint32(more));
  }

  /** Returns the messages for the end of the command. `code`: 0 to 255. Nothing may be sent afterward. */
  finish(code: number): Uint8Array {
    if (this.#state !== 'running') return new Uint8Array();
    this.#state = 'finished';
    const channel = uint32(this.#channel);
    return Buffer.concat([
      packet(CHANNEL_REQUEST, channel, string('exit-status'), byte(0), uint32(code)),
      packet(CHANNEL_EOF, channel),
      packet(CHANNEL_CLOSE, channel),
    ]);
  }

  #handle(message: Buffer): MuxEvent[] {
    switch (this.#state) {
      case 'hello':
      case 'control':
        return this.#handleControl(new WireReader(message));
      case 'proxy':
      case 'open':
      case 'running':
      case 'finished': {
        const reader = new WireReader(message);
        if (reader.byte() !== 0) throw new WireError('a message has padding');
        return this.#handlePacket(reader.byte(), reader);
      }
    }
  }

  #handleControl(reader: WireReader): MuxEvent[] {
    const type = reader.uint32();
    if (this.#state === 'hello') {
      if (type !== HELLO || reader.uint32() !== MUX_VERSION)
        throw new WireError('the greeting is not of version 4');
      this.#state = 'control';
      return [reply(frame(uint32(HELLO), uint32(MUX_VERSION)))];
    }
    const id = reader.uint32();
    reader.end();
    // other requests to a master: sessions with passed descriptors, forwarding, termination
    if (type !== PROXY) throw new WireError('the client does not ask for proxy mode');
    this.#state = 'proxy';
    return [reply(frame(uint32(PROXY_GRANTED), uint32(id)))];
  }

  #handlePacket(type: number, reader: WireReader): MuxEvent[] {
    switch (type) {
      case IGNORE:
      case CHANNEL_SUCCESS:
      case CHANNEL_FAILURE:
        return [];
      case DISCONNECT:
        return [{kind: 'closed'}];
      case GLOBAL_REQUEST:
        reader.string();
        return reader.boolean() ? [reply(packet(REQUEST_FAILURE))] : [];
      case CHANNEL_OPEN:
        return this.#open(reader);
      case CHANNEL_REQUEST:
        return this.#request(reader);
      case CHANNEL_WINDOW_ADJUST:
        this.#ownChannel(reader);
        this.#outputWindow += reader.uint32();
        reader.end();
        if (this.#outputWindow > 0xff_ff_ff_ff) throw new WireError('the window is too large');
        return [{kind: 'window'}];
      case CHANNEL_DATA:
        return this.#data(reader);
      case CHANNEL_EOF:
        this.#ownChannel(reader);
        reader.end();
        if (this.#inputEnded) throw new WireError('the input ended before');
        this.#inputEnded = true;
        return [{kind: 'input-end'}];
      case CHANNEL_CLOSE:
        this.#ownChannel(reader);
        return [{kind: 'closed'}];
      default:
        throw new WireError('the message is not expected here');
    }
  }

  #open(reader: WireReader): MuxEvent[] {
    const type = reader.text();
    const channel = reader.uint32();
    const window = reader.uint32();
    const packetSize = reader.uint32();
    if (type !== 'session' || this.#state !== 'proxy')
      return [
        reply(
          packet(
            CHANNEL_OPEN_FAILURE,
            uint32(channel),
            uint32(PROHIBITED),
            string('one session only'),
            string(''),
          ),
        ),
      ];
    reader.end();
    if (packetSize === 0) throw new WireError('the packet size is 0');
    this.#state = 'open';
    this.#channel = channel;
    this.#outputWindow = window;
    this.#outputPacket = Math.min(packetSize, MAX_PACKET);
    return [
      reply(
        packet(
          CHANNEL_OPEN_CONFIRMATION,
          uint32(channel),
          uint32(OUR_CHANNEL),
          uint32(INPUT_WINDOW),
          uint32(MAX_PACKET),
        ),
      ),
    ];
  }

  #request(reader: WireReader): MuxEvent[] {
    this.#ownChannel(reader);
    const type = reader.text();
    const wantsReply = reader.boolean();
    const answer = (granted: boolean): MuxEvent[] =>
      wantsReply ? [reply(packet(granted ? CHANNEL_SUCCESS : CHANNEL_FAILURE, uint32(this.#channel)))] : [];
    if (this.#state !== 'open') return answer(false);
    if (type === 'env') return answer(this.#takeVariable(reader.text(), reader.text()));
    if (type !== 'exec' || reader.text() !== this.#command) return answer(false);
    reader.end();
    this.#state = 'running';
    return [...answer(true), {kind: 'execute', gitProtocol: this.#gitProtocol}];
  }

  /** Accepts git's own variable if it holds only a version. */
  #takeVariable(name: string, value: string): boolean {
    if (name !== 'GIT_PROTOCOL' || !/^version=[0-2]$/.test(value)) return false;
    this.#gitProtocol = value;
    return true;
  }

  #data(reader: WireReader): MuxEvent[] {
    this.#ownChannel(reader);
    const bytes = reader.string();
    reader.end();
    if (this.#state === 'finished') return [];
    if (this.#state !== 'running' || this.#inputEnded)
      throw new WireError('there is input without a command');
    this.#inputWindow -= bytes.length;
    if (this.#inputWindow < 0) throw new WireError('the input exceeds the window');
    return [{kind: 'input', bytes}];
  }

  #ownChannel(reader: WireReader): void {
    if (reader.uint32() !== OUR_CHANNEL || this.#state === 'proxy')
      throw new WireError('the channel does not exist');
  }
}

function frame(...parts: Uint8Array[]): Buffer {
  return string(Buffer.concat(parts));
}

/** Encodes a message of SSH's connection protocol for the proxy mode: without padding and encryption. */
function packet(type: number, ...parts: Uint8Array[]): Buffer {
  return frame(byte(0), byte(type), ...parts);
}

function reply(bytes: Uint8Array): MuxEvent {
  return {kind: 'reply', bytes};
}

const MUX_VERSION = 4;
const HELLO = 0x00000001;
const PROXY = 0x1000000f;
const PROXY_GRANTED = 0x8000000f;

const DISCONNECT = 1;
const IGNORE = 2;
const GLOBAL_REQUEST = 80;
const REQUEST_FAILURE = 82;
const CHANNEL_OPEN = 90;
const CHANNEL_OPEN_CONFIRMATION = 91;
const CHANNEL_OPEN_FAILURE = 92;
const CHANNEL_WINDOW_ADJUST = 93;
const CHANNEL_DATA = 94;
const CHANNEL_EXTENDED_DATA = 95;
const CHANNEL_EOF = 96;
const CHANNEL_CLOSE = 97;
const CHANNEL_REQUEST = 98;
const CHANNEL_SUCCESS = 99;
const CHANNEL_FAILURE = 100;

const OUR_CHANNEL = 0;
const STDERR = 1;
const PROHIBITED = 1;
