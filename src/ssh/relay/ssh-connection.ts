import {once} from 'node:events';
import type {Duplex} from 'node:stream';

import ssh2, {type ClientChannel, type ConnectConfig, type ServerHostKeyAlgorithm} from 'ssh2';

import type {HostKey} from '../host/host-keys.ts';
import type {StartTimer} from '../grant/single-use-socket.ts';
import {SshFailure} from '../ssh-failure.ts';
import type {Line} from './dial.ts';
import {explainEnd, explainError, explainSignature} from './explain-connection.ts';
import {hastenDecryption} from './hasten-decryption.ts';
import {KeyAgent} from './key-agent.ts';
import {KEY_EXCHANGES, limitHandshake, limitRequests} from './limit-host.ts';
import {isPinned, type SshTarget} from './ssh-target.ts';

/**
 * Speaks SSH over the line: the host must show a pinned key, and our key signs with SHA-2. The signal ends the
 * connection.
 * @throws {SshFailure}
 */
export async function connectSsh(
  target: SshTarget,
  line: Line,
  signal: AbortSignal,
  startTimer: StartTimer,
): Promise<SshConnection> {
  const {stream, reader} = line;
  const end = () => stream.destroy();
  signal.addEventListener('abort', end, {once: true});
  stream.once('close', () => signal.removeEventListener('abort', end));
  const connection = new SshConnection(target, stream);
  await connection.handshake();
  signal.throwIfAborted();
  if (connection.failure !== undefined) throw connection.failure;
  // from here on everything is encrypted: ssh2 keeps what it decrypted, and nothing of what it was given
  reader?.reuse();
  endWhenSilent(stream, startTimer, () => connection.countAgain());
  return connection;
}

/** A connection to a host. It ends with its stream. */
export class SshConnection {
  readonly #target: SshTarget;
  readonly #stream: Duplex;
  readonly #client = new ssh2.Client();
  #failure: SshFailure | undefined;
  /** The key that the host showed. */
  #shown: Buffer | undefined;
  #ready = false;
  #countAgain: (() => void) | undefined;

  constructor(target: SshTarget, stream: Duplex) {
    this.#target = target;
    this.#stream = stream;
    // the first of several errors is the reason; without a listener, Node would throw them
    this.#client.on('error', (error) => {
      this.#failure ??= explainError(error, target, {shown: this.#shown, ready: this.#ready});
      stream.destroy();
    });
    stream.once('close', () => {
      this.#failure ??= explainEnd(target, {shown: this.#shown, ready: this.#ready});
    });
  }

  /** Why it ended early, once it has. */
  get failure(): SshFailure | undefined {
    return this.#failure;
  }

  /** Resolves when the host accepted our key, or the stream was closed: then `failure` says why. */
  async handshake(): Promise<void> {
    const settled = firstOf([this.#client, 'ready'], [this.#stream, 'close']);
    const stopLimit = limitHandshake(this.#stream, (reason) => {
      this.#failure ??= new SshFailure(
        'ERR_SSH_PROTOCOL',
        `${this.#target.host} violates the ssh protocol: ${reason}`,
      );
      this.#stream.destroy();
    });
    this.#client.connect(this.#settings());
    this.#countAgain = limitRequests(this.#client);
    await settled;
    stopLimit();
    if (this.#failure !== undefined) return;
    this.#ready = true;
    hastenDecryption(this.#client);
  }

  /** Allows the host its requests of one period again. */
  countAgain(): void {
    this.#countAgain?.();
  }

  /**
   * Runs the one command.
   * @throws {SshFailure}
   */
  async execute(command: string, gitProtocol: string | undefined): Promise<ClientChannel> {
    const channel = await this.#open(command, gitProtocol);
    // ssh2 buffers without bound: a server that ignores its window must not fill our memory
    this.#stream.on('data', () => {
      if (channel.readableLength + channel.stderr.readableLength > MAX_BUFFERED) this.#stream.destroy();
    });
    return channel;
  }

  /** Reads nothing from the host until `resume`: its data waits there, not here. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  close(): void {
    this.#client.end();
    this.#stream.destroy();
  }

  #open(command: string, gitProtocol: string | undefined): Promise<ClientChannel> {
    const {promise, resolve, reject} = Promise.withResolvers<ClientChannel>();
    const [program = ''] = command.split(' ');
    const fail = (cause: unknown) =>
      reject(
        this.#failure ??
          new SshFailure('ERR_EXEC_REFUSED', `${this.#target.host} does not run ${program}`, {cause}),
      );
    const env = gitProtocol === undefined ? {} : {GIT_PROTOCOL: gitProtocol};
    try {
      this.#client.exec(command, {env}, (error, channel) => (error ? fail(error) : resolve(channel)));
    } catch (error) {
      // it throws if the connection has ended
      fail(error);
    }
    return promise;
  }

  #settings(): ConnectConfig {
    return {
      sock: this.#stream,
      username: this.#target.username,
      // exactly one key, and no attempt without one before
      authHandler: ['agent'],
      agent: new KeyAgent(this.#target.key, (cause) => {
        this.#failure ??= explainSignature(cause, this.#target);
      }),
      hostVerifier: (blob: Buffer) => {
        this.#shown = blob;
        return isPinned(blob, this.#target);
      },
      algorithms: {
        kex: [...KEY_EXCHANGES],
        // pinned types first: a host with several keys then shows the one that we know
        serverHostKey: hostKeyAlgorithms(this.#target.hostKeys),
        hmac: [
          'hmac-sha2-256-etm@openssh.com',
          'hmac-sha2-512-etm@openssh.com',
          'hmac-sha2-256',
          'hmac-sha2-512',
        ],
        compress: ['none'],
      },
      // the caller's signal is the only deadline
      readyTimeout: 0,
      keepaliveInterval: KEEPALIVE,
      // ssh2 would take what we do not read for silence; see endWhenSilent
      keepaliveCountMax: Infinity,
    };
  }
}

/** In milliseconds; firewalls forget a silent connection after some minutes. */
const KEEPALIVE = 15_000;
/** How many may be unanswered. */
const KEEPALIVES = 20;
/** In bytes; twice ssh2's window. */
const MAX_BUFFERED = 4 * 1024 * 1024;

/**
 * Ends a connection whose host is silent. While git does not read, we read no answers either, and do not count.
 * `countAgain` is called in each period.
 */
function endWhenSilent(stream: Duplex, startTimer: StartTimer, countAgain: () => void): void {
  let unanswered = 0;
  stream.on('data', () => {
    unanswered = 0;
  });
  const count = () => {
    countAgain();
    unanswered = stream.isPaused() ? 0 : unanswered + 1;
    if (unanswered > KEEPALIVES) stream.destroy();
    else stop = startTimer(KEEPALIVE, count);
  };
  let stop = startTimer(KEEPALIVE, count);
  stream.once('close', () => stop());
}

/** Resolves at the first of these events. */
async function firstOf(...events: readonly (readonly [NodeJS.EventEmitter, string])[]): Promise<void> {
  const done = new AbortController();
  const {signal} = done;
  await Promise.race(events.map(([emitter, event]) => once(emitter, event, {signal}).catch(() => [])));
  done.abort();
}

function hostKeyAlgorithms(hostKeys: readonly HostKey[]): ServerHostKeyAlgorithm[] {
  const pinned = HOST_KEY_ALGORITHMS.filter(({type}) => hostKeys.some((key) => key.type === type));
  const others = HOST_KEY_ALGORITHMS.filter((algorithm) => !pinned.includes(algorithm));
  return [...pinned, ...others].flatMap(({names}) => names);
}

/** Without `ssh-rsa`, which signs with SHA-1. */
const HOST_KEY_ALGORITHMS: readonly {
  readonly type: string;
  readonly names: readonly ServerHostKeyAlgorithm[];
}[] = [
  {type: 'ssh-ed25519', names: ['ssh-ed25519']},
  {type: 'ecdsa-sha2-nistp256', names: ['ecdsa-sha2-nistp256']},
  {type: 'ecdsa-sha2-nistp384', names: ['ecdsa-sha2-nistp384']},
  {type: 'ecdsa-sha2-nistp521', names: ['ecdsa-sha2-nistp521']},
  {type: 'ssh-rsa', names: ['rsa-sha2-512', 'rsa-sha2-256']},
];
