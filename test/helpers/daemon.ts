import {spawn, type ChildProcess} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {connectControl} from '../../src/control/control-client.ts';
import type {ControlCalls, ControlEvent, ControlMethod, Status} from '../../src/control/control-protocol.ts';
import {inTime} from './patience.ts';
import {tether} from './tether.ts';
import {main, helper} from './program.ts';
export {helper};

export interface DaemonOptions {
  /** The text of the configuration; `undefined` if the file does not exist. */
  readonly configuration?: string | undefined;
  /** Which file `--config` names; empty: without the option. Default: where `configuration` is. */
  readonly config?: string;
  /** More variables. Of this process' own environment, only the PATH is passed on. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the process; default: ours. */
  readonly uid?: number;
  /** How many files it may have open; default: as many as we may. */
  readonly descriptors?: number;
  /** Default: new ones, which `close` removes. */
  readonly directory?: string;
  readonly args?: readonly string[];
}

/** A real daemon in its own process, with its own directories. */
export class TestDaemon {
  readonly directory: string;
  readonly process: ChildProcess;
  stderr = '';
  stdout = '';
  readonly #ended: Promise<number | string>;
  readonly #isTemporary: boolean;

  constructor({
    configuration,
    config,
    environment = {},
    uid,
    descriptors,
    directory,
    args = [],
  }: DaemonOptions) {
    this.#isTemporary = directory === undefined;
    this.directory = directory ?? mkdtempSync(join(tmpdir(), 'orgkey-test-'));
    if (configuration !== undefined) this.configure(configuration);
    const named = config ?? this.configFile;
    const options = [
      ...(named === '' ? [] : ['--config', named]),
      '--runtime-dir',
      this.runtime,
      '--state-dir',
      join(this.directory, 'state'),
    ];
    const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors} && `;
    const command = [process.execPath, main, 'daemon', ...options, '--log-level', 'debug', ...args];
    this.process = spawn('/bin/sh', ['-c', `${limit}exec "$@"`, 'sh', ...command], {
      env: {PATH: process.env['PATH'] ?? '', HOME: this.directory, ...environment},
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid === undefined ? {} : {uid, gid: uid}),
    });
    tether(this.process);
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#ended = new Promise((resolve) =>
      this.process.once('close', (code, signal) => resolve(code ?? signal ?? '?')),
    );
  }

  get configFile(): string {
    return join(this.directory, 'config.yaml');
  }

  get runtime(): string {
    return join(this.directory, 'run');
  }

  get socket(): string {
    return join(this.runtime, 'git.sock');
  }

  /** The variables with which git finds it. */
  get environment(): Record<string, string> {
    return {
      ORGKEY_RUNTIME_DIR: this.runtime,
      ORGKEY_STATE_DIR: join(this.directory, 'state'),
      // A test that wants a daemon started sets it
      ORGKEY_NO_START: '1',
    };
  }

  configure(text: string): void {
    writeFileSync(this.configFile, text, {mode: 0o600});
  }

  /** Resolves when the daemon reports that it is ready; ends it if it does not, because the caller has no handle yet. */
  async ready(): Promise<this> {
    try {
      await this.says(/^ready /m, 'stdout');
    } catch (error) {
      await this.close();
      throw error;
    }
    return this;
  }

  /** Resolves when it has printed that text; rejects if it ends before. */
  async says(pattern: RegExp, where: 'stdout' | 'stderr' = 'stderr'): Promise<void> {
    if (pattern.test(this[where])) return;
    const said = new Promise<void>((resolve, reject) => {
      const look = () => {
        if (pattern.test(this[where])) resolve();
      };
      this.process[where]?.on('data', look);
      void this.#ended.then((code) => reject(new Error(`the daemon ended with ${code}: ${this.stderr}`)));
    });
    await inTime(`the daemon to say ${pattern}`, said, () => this.stderr);
  }

  /** Resolves with the exit code, or the signal that ended it. */
  ended(): Promise<number | string> {
    return inTime('the daemon to end', this.#ended, () => this.stderr);
  }

  /** Sends bytes as git's client does and reads to the end. */
  ask(request: string | Uint8Array, socket = this.socket): Promise<string> {
    return askPath(socket, request);
  }

  /** Sends `get` for the parts of a URL. @throws if it hangs up without an answer */
  async get(attributes: Readonly<Record<string, string>>): Promise<string> {
    const lines = Object.entries(attributes).map(([key, value]) => `${key}=${value}\n`);
    const answer = await this.ask(`action=get\ntimeout=900\n${lines.join('')}`);
    if (answer === '') throw new Error(`the daemon hung up: ${this.stderr}`);
    return answer;
  }

  status(): Promise<Status> {
    return this.call('status', undefined);
  }

  /** Calls as the command line does; `onEvent` gets what precedes the result, `signal` hangs up. */
  async call<Method extends ControlMethod>(
    method: Method,
    params: ControlCalls[Method]['params'],
    onEvent?: (event: ControlEvent) => void,
    signal?: AbortSignal,
  ): Promise<ControlCalls[Method]['result']> {
    const control = await connectControl(join(this.runtime, 'control/control.sock'));
    if (onEvent) control.onEvent(onEvent);
    const gaveUp = Promise.withResolvers<never>();
    signal?.addEventListener('abort', () => gaveUp.reject(signal.reason));
    try {
      return await Promise.race([control.call(method, params), gaveUp.promise]);
    } finally {
      control.close();
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    this.process.kill(signal);
    return this.ended();
  }

  async close(): Promise<void> {
    if (this.process.exitCode === null) await this.stop('SIGKILL');
    if (this.#isTemporary) rmSync(this.directory, {recursive: true, force: true});
  }
}

export async function startDaemon(options: DaemonOptions): Promise<TestDaemon> {
  return new TestDaemon(options).ready();
}

/** Starts a daemon for one test, which ends it. */
export async function daemonFor(t: Teardown, options: DaemonOptions): Promise<TestDaemon> {
  const daemon = await startDaemon(options);
  t.teardown(() => daemon.close());
  return daemon;
}

/** What a test does at its end. */
interface Teardown {
  readonly teardown: (end: () => Promise<void>) => void;
}

/** Sends one request to a Unix socket and half-closes it, as git's client does. */
export function askPath(path: string, request: string | Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({path, allowHalfOpen: true});
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('connect', () => socket.end(request));
    socket.on('data', (text: string) => (answer += text));
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
  });
}
