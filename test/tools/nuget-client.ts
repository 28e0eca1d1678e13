import {spawn, type ChildProcess} from 'node:child_process';
import {createInterface} from 'node:readline';
import type {ExecutionContext} from 'ava';
import {main} from '../helpers/program.ts';
import {inTime} from '../helpers/patience.ts';
import {tether} from '../helpers/tether.ts';

export interface NugetMessage {
  readonly RequestId: string;
  readonly Type: string;
  readonly Method: string;
  readonly Payload?: Readonly<Record<string, unknown>>;
}

const SILENT = 'NuGet reads no such message';

/** What NuGet does with a plugin: it starts it, shakes hands from its side, asks, and closes it. */
export class NugetClient {
  readonly process: ChildProcess;
  /** All that the plugin sent, in order. */
  readonly received: NugetMessage[] = [];
  readonly ended: Promise<number | string>;
  readonly #waiting = new Set<() => void>();
  #last = 0;
  stderr = '';

  constructor(
    t: ExecutionContext,
    environment: Readonly<Record<string, string>>,
    command: readonly [string, ...string[]] = [process.execPath, main, 'helper', 'nuget', '-Plugin'],
  ) {
    const [program, ...args] = command;
    this.process = spawn(program, args, {
      env: {PATH: process.env['PATH'] ?? '', ORGKEY_NO_START: '1', ...environment},
      stdio: 'pipe',
    });
    tether(this.process);
    t.teardown(() => this.process.kill('SIGKILL'));
    this.ended = new Promise((resolve) =>
      this.process.once('close', (code, signal) => resolve(code ?? signal ?? '?')),
    );
    this.process.stdin?.on('error', () => undefined);
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    const lines = createInterface({input: this.process.stdout ?? process.stdin});
    lines.on('line', (line) => {
      // nothing but messages, one a line, without a byte order mark
      this.received.push(JSON.parse(line) as never);
      for (const look of this.#waiting) look();
    });
  }

  write(text: string): void {
    this.process.stdin?.write(text);
  }

  /** Resolves when the plugin's input has these bytes. */
  async written(bytes: Uint8Array): Promise<void> {
    await new Promise((resolve) => this.process.stdin?.write(bytes, resolve));
  }

  send(type: string, method: string, payload: object | null, id = this.newId()): string {
    this.write(`${JSON.stringify({RequestId: id, Type: type, Method: method, Payload: payload})}\n`);
    return id;
  }

  newId(): string {
    this.#last += 1;
    return `11111111-2222-4333-8444-${String(this.#last).padStart(12, '0')}`;
  }

  /** Waits for a message that is there already, or comes. */
  async message(what: string, isIt: (message: NugetMessage) => boolean): Promise<NugetMessage> {
    const {promise, resolve} = Promise.withResolvers<NugetMessage>();
    const look = () => {
      const found = this.received.find(isIt);
      if (found !== undefined) resolve(found);
    };
    this.#waiting.add(look);
    look();
    try {
      return await inTime(what, promise, () => ({received: this.received, stderr: this.stderr}));
    } finally {
      this.#waiting.delete(look);
    }
  }

  /** Sends a request and waits for its answer. */
  async ask(method: string, payload: object): Promise<NonNullable<NugetMessage['Payload']>> {
    const id = this.send('Request', method, payload);
    return (await this.answerTo(id)).Payload ?? {};
  }

  answerTo(id: string): Promise<NugetMessage> {
    return this.message(
      `the answer to ${id}`,
      ({RequestId, Type}) => RequestId === id && Type === 'Response',
    );
  }

  /** Waits for the plugin's own handshake, answers it, and does the client's. */
  async shakeHands(): Promise<void> {
    const theirs = await this.message(
      'a handshake',
      ({Type, Method}) => Type === 'Request' && Method === 'Handshake',
    );
    this.send('Response', 'Handshake', {ResponseCode: 'Success', ProtocolVersion: '2.0.0'}, theirs.RequestId);
    const {ResponseCode} = await this.ask('Handshake', {
      ProtocolVersion: '2.0.0',
      MinimumProtocolVersion: '1.0.0',
    });
    if (ResponseCode !== 'Success') throw new Error(SILENT);
  }

  credentials(
    address: string,
    isRetry: 'first' | 'retry' = 'first',
  ): Promise<NonNullable<NugetMessage['Payload']>> {
    return this.ask('GetAuthenticationCredentials', requestFor(address, isRetry));
  }
}

export function requestFor(address: string, isRetry: 'first' | 'retry' = 'first'): object {
  return {Uri: address, IsRetry: isRetry === 'retry', IsNonInteractive: true, CanShowDialog: false};
}
