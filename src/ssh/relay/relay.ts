import type {Socket} from 'node:net';

import type {ClientChannel} from 'ssh2';

import {printable} from '../../text/printable.ts';
import {MuxSession, type MuxEvent} from './mux-session.ts';
import type {StartTimer} from '../grant/single-use-socket.ts';
import type {SshConnection} from './ssh-connection.ts';
import {SshFailure} from '../ssh-failure.ts';
import {WireError} from './wire.ts';

export interface Relayed {
  /** How git's side saw it end: the exit code that was passed on; `undefined`: git went away before. */
  readonly exitCode: number | undefined;
  readonly failure: SshFailure | undefined;
  /** Bytes that git got and sent. */
  readonly received: number;
  readonly sent: number;
}

/** What the server says where it does not know the key, and what that is. */
export interface Advice {
  readonly pattern: RegExp;
  readonly failure: SshFailure;
}

export interface Relaying {
  /** When git's side has gone. Never rejects. */
  readonly done: Promise<Relayed>;
  /** Git's side was given all that there is, to the exit code. */
  readonly isFinished: boolean;
}

/**
 * Joins the ssh program that git started to the granted command at the far end, until either is done. `connection`
 * may still be on its way, or fail: git's side hears of it as the command's error output.
 */
export function relay(
  socket: Socket,
  command: string,
  connection: Promise<SshConnection>,
  advice: Advice,
  startTimer: StartTimer,
): Relaying {
  return new Relay(socket, command, connection, advice, startTimer);
}

/** In milliseconds; ssh asks for the command as soon as it is connected. */
const ASK_DEADLINE = 5000;

/** ssh's own exit code where it has no better one. */
const SSH_FAILED = 255;
/** In bytes; only the beginning is searched for the server's refusal. */
const SEARCHED = 4096;

type OutputStream = 'stdout' | 'stderr';

class Relay implements Relaying {
  readonly done: Promise<Relayed>;
  readonly #socket: Socket;
  readonly #session: MuxSession;
  readonly #command: string;
  readonly #connection: Promise<SshConnection>;
  readonly #advice: Advice;
  readonly #settle: (relayed: Relayed) => void;
  #channel: ClientChannel | undefined;
  #open: SshConnection | undefined;
  #paused = false;
  #flushing = false;
  /** Input that came before the far end was ready; bounded by the session's window. */
  readonly #early: Buffer[] = [];
  #earlyEnd = false;
  /** Output that did not fit; while there is some, the far end is paused. */
  readonly #held: {readonly stream: OutputStream; readonly bytes: Buffer}[] = [];
  #beginning = '';
  #exit: {readonly code: number; readonly failure: SshFailure | undefined} | undefined;
  #exitSent = false;
  #isFinished = false;
  #received = 0;
  #sent = 0;

  readonly #stopWaiting: () => void;

  constructor(
    socket: Socket,
    command: string,
    connection: Promise<SshConnection>,
    advice: Advice,
    startTimer: StartTimer,
  ) {
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
    // a broken pipe is told by the close that follows
    socket.on('error', () => {});
    socket.on('close', () => void this.#gitIsGone());
    this.#stopWaiting = startTimer(ASK_DEADLINE, () => socket.destroy());
  }

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
        // who does not hear the answers is asked nothing more: they would pile up here
        if (!this.#socket.write(event.bytes)) this.#socket.pause();
        return;
      case 'execute':
        this.#stopWaiting();
        void this.#execute(event.gitProtocol);
        return;
      case 'input':
        // a view into a buffer that is read into again: early bytes must be kept as a copy
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

  #join(channel: ClientChannel, connection: SshConnection): void {
    this.#channel = channel;
    this.#open = connection;
    channel.on('data', (bytes: Buffer) => this.#fromServer('stdout', bytes));
    channel.stderr.on('data', (bytes: Buffer) => this.#fromServer('stderr', bytes));
    channel.on('error', () => {});
    // the event `exit` may be over before anybody can listen: a server that refuses says all in one packet
    channel.on('close', (code: number | null | undefined, signal: string | undefined) => {
      if (typeof code === 'number') this.#finish(code & 0xff, undefined);
      else this.#finish(SSH_FAILED, signal === undefined ? connection.failure : killedBy(signal));
      // git's side may take its time, or never go
      connection.close();
    });
    for (const bytes of this.#early.splice(0)) this.#toServer(channel, bytes);
    if (this.#earlyEnd) channel.end();
  }

  #toServer(channel: ClientChannel, bytes: Buffer): void {
    if (!channel.writable) return;
    const {length} = bytes;
    this.#sent += length;
    // ssh2 may keep the bytes until the server's window opens
    channel.write(Buffer.from(bytes), () => {
      const more = this.#session.taken(length);
      if (more !== undefined && this.#socket.writable) this.#socket.write(more);
    });
  }

  #fromServer(stream: OutputStream, bytes: Buffer): void {
    if (this.#beginning.length < SEARCHED) this.#beginning += bytes.toString('latin1', 0, SEARCHED);
    this.#held.push({stream, bytes});
    if (this.#flushing) return;
    // several packets come with one read, and go with one write
    this.#flushing = true;
    process.nextTick(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  /** Sends what fits the client's window and the socket; the far end waits while something is left. */
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
   * The far end waits at the network, not in ssh2's window of 2 MiB: what is held that long is taken for permanent by
   * the garbage collector, and a clone takes twice the memory.
   */
  #holdBack(paused: boolean): void {
    if (this.#open === undefined || this.#paused === paused) return;
    this.#paused = paused;
    if (paused) this.#open.pause();
    else this.#open.resume();
  }

  #finish(code: number, known: SshFailure | undefined): void {
    if (this.#exit !== undefined) return;
    const failure = known ?? this.#refusalIn(code);
    this.#exit = {code, failure};
    const lines = failure === undefined ? [] : linesOf(failure);
    if (lines.length > 0) this.#held.push({stream: 'stderr', bytes: Buffer.from(`${lines.join('\n')}\n`)});
    this.#flush();
  }

  /** What a command that failed said of the key. */
  #refusalIn(code: number): SshFailure | undefined {
    const {pattern, failure} = this.#advice;
    return code !== 0 && pattern.test(this.#beginning) ? failure : undefined;
  }

  #sendExit(): void {
    if (this.#exit === undefined || this.#exitSent || this.#held.length > 0) return;
    this.#exitSent = true;
    if (!this.#socket.writable) return;
    // ssh closes when git has read everything; if we did, it would drop what git has not read yet
    this.#socket.write(this.#session.finish(this.#exit.code), () => {
      this.#isFinished = true;
    });
  }

  async #gitIsGone(): Promise<void> {
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
      // there is none to close; why was told where it was waited for
    }
  }
}

/** As people see it, before git's own `Could not read from remote repository`. */
function linesOf({message, hints}: SshFailure): string[] {
  return [`orgkey: error: ${message}`, ...hints.map((hint) => `orgkey: hint: ${hint}`)];
}

function killedBy(signal: string): SshFailure {
  const name = printable(signal, 40);
  return new SshFailure('ERR_CONNECTION_LOST', `the command at the host was ended by ${name}`);
}

function failureFrom(error: unknown): SshFailure {
  return error instanceof SshFailure
    ? error
    : new SshFailure('ERR_SSH_PROTOCOL', 'the connection failed for a reason that is not known', {
        cause: error,
      });
}
