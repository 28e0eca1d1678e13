import type {Socket} from 'node:net';

import {FrameReader} from '../relay/frame-reader.ts';
import type {SignatureAlgorithm} from '../key/private-key.ts';
import type {StartTimer} from '../grant/single-use-socket.ts';
import {SshFailure} from '../ssh-failure.ts';
import type {Secret} from '../../secret/secret.ts';
import {WireError, WireReader, byte, string, uint32} from '../relay/wire.ts';

/**
 * The client of an ssh-agent on one connection. It answers in the order in which it is asked, so that any number of
 * questions may be on their way.
 * @see https://datatracker.ietf.org/doc/draft-ietf-sshm-ssh-agent/
 */
export class AgentConnection {
  /** When the other side is gone, or was left. */
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  readonly #startTimer: StartTimer;
  readonly #frames = new FrameReader();
  readonly #waiting: PromiseWithResolvers<Buffer>[] = [];

  /** Takes a connected socket over. */
  constructor(socket: Socket, startTimer: StartTimer) {
    this.#socket = socket;
    this.#startTimer = startTimer;
    // why is told to whoever waits
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    const {promise, resolve} = Promise.withResolvers<void>();
    this.ended = promise;
    socket.once('close', () => {
      for (const {reject} of this.#waiting.splice(0)) reject(gone());
      resolve();
    });
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /**
   * How many keys it holds.
   * @throws {SshFailure} here and below: where the agent is gone, silent or refuses.
   */
  async count(): Promise<number> {
    const answer = expect(await this.#ask(byte(REQUEST_IDENTITIES)), IDENTITIES_ANSWER);
    return readable(() => answer.uint32());
  }

  /** Hands a key over. */
  async add(encoded: Secret): Promise<void> {
    const message = Buffer.alloc(1 + encoded.length);
    message[0] = ADD_IDENTITY;
    encoded.copyTo(message, 1);
    try {
      expect(await this.#ask(message), SUCCESS);
    } finally {
      message.fill(0);
    }
  }

  async remove(publicBlob: Uint8Array): Promise<void> {
    expect(await this.#ask(Buffer.concat([byte(REMOVE_IDENTITY), string(publicBlob)])), SUCCESS);
  }

  /** As SSH sends signatures, without their name. */
  async sign(publicBlob: Uint8Array, data: Uint8Array, algorithm: SignatureAlgorithm): Promise<Buffer> {
    const flags = uint32(FLAGS.get(algorithm) ?? 0);
    const question = Buffer.concat([byte(SIGN_REQUEST), string(publicBlob), string(data), flags]);
    const answer = readSignature(expect(await this.#ask(question), SIGN_RESPONSE));
    // agents before OpenSSH 7.2 do not know the flags, and would sign with SHA-1
    if (answer.algorithm !== algorithm)
      throw new SshFailure('ERR_KEY_HOLDER', 'the ssh-agent is too old: it does not sign with SHA-2', {
        hints: ['install OpenSSH 7.2 or later, or set ssh.keyHolder: daemon'],
      });
    return answer.signature;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #ask(message: Uint8Array): Promise<Buffer> {
    if (!this.isOpen) throw gone();
    const waiting = Promise.withResolvers<Buffer>();
    this.#waiting.push(waiting);
    // whatever it would say after that is no answer to the next question
    const stop = this.#startTimer(ANSWER_LIMIT, () => {
      waiting.reject(
        new SshFailure('ERR_KEY_HOLDER', 'the private ssh-agent does not answer', {hints: ['try again']}),
      );
      this.#socket.destroy();
    });
    // two writes: a copy of a key would be one too many
    this.#socket.cork();
    this.#socket.write(uint32(message.length));
    this.#socket.write(message);
    this.#socket.uncork();
    try {
      return await waiting.promise;
    } finally {
      stop();
    }
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.read(chunk)) {
        const waiting = this.#waiting.shift();
        if (waiting === undefined) throw new WireError('an answer to no question');
        waiting.resolve(Buffer.from(frame));
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#socket.destroy();
    }
  }
}

function readSignature(answer: WireReader): {readonly algorithm: string; readonly signature: Buffer} {
  return readable(() => {
    const parts = new WireReader(answer.string());
    return {algorithm: parts.text(), signature: Buffer.from(parts.string())};
  });
}

function readable<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    throw new SshFailure('ERR_KEY_HOLDER', 'the private ssh-agent answers what cannot be read', {cause});
  }
}

function expect(answer: Buffer, type: number): WireReader {
  const reader = new WireReader(answer);
  // no message is empty
  if (reader.byte() !== type) throw new SshFailure('ERR_KEY_HOLDER', 'the private ssh-agent refuses');
  return reader;
}

function gone(): SshFailure {
  return new SshFailure('ERR_KEY_HOLDER', 'the private ssh-agent is gone', {
    hints: ['try again: another one is started'],
  });
}

/** In milliseconds; a signature takes some. */
const ANSWER_LIMIT = 5000;

const SUCCESS = 6;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const ADD_IDENTITY = 17;
const REMOVE_IDENTITY = 18;

const FLAGS: ReadonlyMap<SignatureAlgorithm, number> = new Map([
  ['rsa-sha2-256', 2],
  ['rsa-sha2-512', 4],
]);
