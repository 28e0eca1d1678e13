import type {Socket} from 'node:net';

import type {ClientChannel} from 'ssh2';

import {printable} from '../../text/printable.ts';
import {MuxSession, type MuxEvent} from './mux-session.ts';
import type {StartTimer} from '../grant/single-use-socket.ts';
import type {SshConnection} from './ssh-connection.ts';
import {SshFailure} from '../ssh-failure.ts';
import {WireError} from './wire.ts';

export interface Relayed {
  /** The exit code that git received. `undefined`: git ended the connection before. */
  readonly exitCode: number | undefined;
  readonly failure: SshFailure | undefined;
  /** How many bytes git received and sent. */
  readonly received: number;
  readonly sent: number;
}

/** How the output of a command shows that the server does not know the key, and what failure that is. */
export interface Advice {
  readonly pattern: RegExp;
  readonly failure: SshFailure;
}

interface RelayParts {
  /** The connection of the ssh program that git started. */
  readonly socket: Socket;
  /** The only command that may run. */
  readonly command: string;
  /** May still be connecting, or fail: git's side reads the failure as the command's error output. */
  readonly connection: Promise<Pick<SshConnection, 'execute' | 'pause' | 'resume' | 'close' | 'failure'>>;
  readonly advice: Advice;
  readonly startTimer: StartTimer;
}

/** In milliseconds; ssh asks for the command as soon as it is connected. */
const ASK_DEADLINE = 5000;

/** The exit code of ssh for its own failures. */
const SSH_FAILED = 255;
/** In bytes; only the beginning is searched for the server's rejection. */
const SEARCHED = 4096;

type OutputStream = 'stdout' | 'stderr';

/** Joins the ssh program that git started to the granted command at the host, until either ends. */
export class Relay {
  /** Resolves when git's side has ended. Never rejects. */
  readonly done: Promise<Relayed>;
  readonly #socket: Socket;
  readonly #session: MuxSession;
  readonly #command: string;
  readonly #connection: RelayParts['connection'];
  readonly #advice: Advice;
  readonly #settle: (relayed: Relayed) => void;
  #channel: ClientChannel | undefined;
  #open: Awaited<RelayParts['connection']> | undefined;
  #paused = false;
  #flushing = false;
  /** Input that came before the host was ready. The session's window bounds it. */
  readonly #early: Buffer[] = [];
  #earlyEnd = false;
  /** Output that git has no room for. While there is some, the host is paused. */
  readonly #held: {readonly stream: OutputStream; readonly bytes: Buffer}[] = [];
  #beginning = '';
  #exit: {readonly code: number; readonly failure: SshFailure | undefined} | undefined;
  #exitSent = false;
  #isFinished = false;
  #received = 0;
  #sent = 0;
  readonly #stopWaiting: () => void;

  constructor({socket, command, connection, advice, startTimer}: RelayParts) {
    const {promise, resolve} = Promise.withResolvers<Relayed>();
    this.done = promise;
    this.#settle = resolve;
    this.#socket = socket;
    this.#command = command;
    this.#session = new MuxSession(command);
    this.#connection = connection;
    this.#advice = advice;
    socket.on('data', (chunk: Buffer) => this.#fromGit(chunk));
    socket.on('drain', () => {
      socket.resume();
      this.#flush();
    });
    // the close that follows ends the relay
    socket.on('error', () => {});
    socket.on('close', () => void this.#end());
    this.#stopWaiting = startTimer(ASK_DEADLINE, () => socket.destroy());
  }

  /** Git's side was sent everything, including the exit code. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  #fromGit(chunk: Buffer): void {
    try {
      for (const event of this.#session.receive(chunk)) this.#handle(event);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#socket.destroy();
    }
  }

  #handle(event: MuxEvent): void {
    switch (event.kind) {
      case 'reply':
        // read no more from a client that does not read our replies: they would pile up
        if (!this.#socket.write(event.bytes)) this.#socket.pause();
        return;
      case 'execute':
        this.#stopWaiting();
        void this.#execute(event.gitProtocol);
        return;
      case 'input':
        // the bytes are a view of a buffer that is reused: to keep them, copy them
        if (this.#channel === undefined) this.#early.push(Buffer.from(event.bytes));
        else this.#toServer(this.#channel, event.bytes);
        return;
      case 'input-end':
        if (this.#channel === undefined) this.#earlyEnd = true;
        else this.#channel.end();
        return;
      case 'window':
        this.#flush();
        return;
      case 'closed':
        this.#socket.end();
        return;
    }
  }

  async #execute(gitProtocol: string | undefined): Promise<void> {
    try {
      const connection = await this.#connection;
      const channel = await connection.execute(this.#command, gitProtocol);
      if (this.#socket.destroyed) channel.destroy();
      else this.#join(channel, connection);
    } catch (error) {
      this.#finish(SSH_FAILED, failureFrom(error));
    }
  }

  #join(channel: ClientChannel, connection: Awaited<RelayParts['connection']>): void {
    this.#channel = channel;
    this.#open = connection;
    channel.on('data', (bytes: Buffer) => this.#fromServer('stdout', bytes));
    channel.stderr.on('data', (bytes: Buffer) => this.#fromServer('stderr', bytes));
    channel.on('error', () => {});
    // not the event `exit`, which may precede our listener: a server that rejects sends everything in one packet
    channel.on('close', (code: number | null | undefined, signal: string | undefined) => {
      if (typeof code === 'number') this.#finish(code & 0xff, undefined);
      else this.#finish(SSH_FAILED, signal === undefined ? connection.failure : killedBy(signal));
      // git's side may stay connected for long
      connection.close();
    });
    for (const bytes of this.#early.splice(0)) this.#toServer(channel, bytes);
    if (this.#earlyEnd) channel.end();
  }

  #toServer(channel: ClientChannel, bytes: Buffer): void {
    if (!channel.writable) return;
    const {length} = bytes;
    this.#sent += length;
    // a copy, because ssh2 may keep the bytes until the server's window opens
    channel.write(Buffer.from(bytes), () => {
      const more = this.#session.taken(length);
      if (more !== undefined && this.#socket.writable) this.#socket.write(more);
    });
  }

  #fromServer(stream: OutputStream, bytes: Buffer): void {
    if (this.#beginning.length < SEARCHED) this.#beginning += bytes.toString('latin1', 0, SEARCHED);
    this.#held.push({stream, bytes});
    if (this.#flushing) return;
    // several packets arrive in one read: send them in one write
    this.#flushing = true;
    process.nextTick(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  /** Sends what fits into the client's window and the socket. The host is paused while something is left. */
  #flush(): void {
    this.#socket.cork();
    while (this.#held.length > 0 && !this.#socket.writableNeedDrain && this.#socket.writable) {
      const [next] = this.#held;
      if (next === undefined) break;
      const fitting = this.#session.fitting(next.bytes.length);
      if (fitting === 0) break;
      for (const part of this.#session.output(next.bytes.subarray(0, fitting), next.stream))
        this.#socket.write(part);
      this.#received += fitting;
      if (fitting === next.bytes.length) this.#held.shift();
      else this.#held[0] = {stream: next.stream, bytes: next.bytes.subarray(fitting)};
    }
    this.#socket.uncork();
    this.#sendExit();
    this.#holdBack(this.#held.length > 0);
  }

  /**
   * Stops reading from the host's socket, instead of filling ssh2's window of 2 MiB: the garbage collector would take
   * data that old for permanent, and a clone would need twice the memory.
   */
  #holdBack(paused: boolean): void {
    if (this.#open === undefined || this.#paused === paused) return;
    this.#paused = paused;
    if (paused) this.#open.pause();
    else this.#open.resume();
  }

  #finish(code: number, known: SshFailure | undefined): void {
    if (this.#exit !== undefined) return;
    const failure = known ?? this.#rejectionIn(code);
    this.#exit = {code, failure};
    const lines = failure === undefined ? [] : linesOf(failure);
    if (lines.length > 0) this.#held.push({stream: 'stderr', bytes: Buffer.from(`${lines.join('\n')}\n`)});
    this.#flush();
  }

  /** Finds what a failed command says about the key. */
  #rejectionIn(code: number): SshFailure | undefined {
    const {pattern, failure} = this.#advice;
    return code !== 0 && pattern.test(this.#beginning) ? failure : undefined;
  }

  #sendExit(): void {
    if (this.#exit === undefined || this.#exitSent || this.#held.length > 0) return;
    this.#exitSent = true;
    if (!this.#socket.writable) return;
    // ssh closes when git has read everything; if we closed, it would drop what git has not read yet
    this.#socket.write(this.#session.finish(this.#exit.code), () => {
      this.#isFinished = true;
    });
  }

  async #end(): Promise<void> {
    this.#stopWaiting();
    this.#settle({
      exitCode: this.#exitSent ? this.#exit?.code : undefined,
      failure: this.#exit?.failure,
      received: this.#received,
      sent: this.#sent,
    });
    try {
      (await this.#connection).close();
    } catch {
      // it never opened, and #execute has reported why
    }
  }
}

/** Returns what the user reads, before git's own `Could not read from remote repository`. */
function linesOf({message, hints}: SshFailure): string[] {
  return [`orgkey: error: ${message}`, ...hints.map((hint) => `orgkey: hint: ${hint}`)];
}

function killedBy(signal: string): SshFailure {
  const name = printable(signal, 40);
  return new SshFailure('ERR_CONNECTION_LOST', `${name} ended the command at the host`);
}

function failureFrom(error: unknown): SshFailure {
  return error instanceof SshFailure
    ? error
    : new SshFailure('ERR_SSH_PROTOCOL', 'the connection failed for an unknown reason', {
        cause: error,
      });
}
