import {spawn, type ChildProcess} from 'node:child_process';
import {closeSync, existsSync, fstatSync, readdirSync, readFileSync} from 'node:fs';
import {connect} from 'node:net';
import {join} from 'node:path';
import {printable} from '../text/printable.ts';
import {applyChanges, readText, type Change} from './change.ts';
import {daemonLog, openDaemonLog, readSince} from './daemon-log.ts';
import {daemonNodeFlags, unsafeVariables} from './node-flags.ts';
import type {DaemonCommand, Environment, Machine} from './machine.ts';
import type {Outcome, ServiceStatus} from './outcome.ts';
import {otherServes} from './other-serves.ts';
import {markProcess} from './process-mark.ts';
import {STOP_SECONDS} from './stop-limits.ts';

/** How long a daemon may take to serve, in milliseconds: longer than any request of git's. */
const patience = 20_000;
const interval = 20;

/** The daemon as a detached process, where nothing on the machine supervises: containers, WSL without systemd. */
export class PlainService {
  readonly kind = 'plain';
  readonly runtimeDirectory: string;
  readonly #machine: Machine;
  readonly #daemon: DaemonCommand;

  constructor(machine: Machine, daemon: DaemonCommand) {
    this.runtimeDirectory = daemon.runtimeDirectory;
    this.#machine = machine;
    this.#daemon = daemon;
  }

  async plan(): Promise<Outcome> {
    return {kind: 'done', changes: []};
  }

  /** Nothing makes it start by itself here: it only starts it. */
  async install(): Promise<Outcome> {
    return this.start();
  }

  async planUninstall(): Promise<readonly Change[]> {
    const pid = await this.#pid();
    return pid === undefined ? [] : [ending(pid)];
  }

  async uninstall(): Promise<Outcome> {
    const stopped = await this.stop();
    if (stopped.kind === 'failed') return stopped;
    const changes = [{kind: 'remove', path: this.#pidFile()}] as const;
    await applyChanges(changes, this.#machine);
    return stopped;
  }

  async start(): Promise<Outcome> {
    if ((await this.#pid()) !== undefined) return {kind: 'done', changes: []};
    const command = this.#command();
    try {
      const log = openDaemonLog(this.#daemon.stateDirectory);
      try {
        return await this.#launch(command, log);
      } finally {
        closeSync(log);
      }
    } catch (error) {
      const message = error instanceof Error ? printable(error.message) : 'unknown';
      return {kind: 'failed', message: `cannot start the daemon: ${message}`, hint: undefined};
    }
  }

  async stop(): Promise<Outcome> {
    const pid = await this.#pid();
    if (pid === undefined) return {kind: 'done', changes: []};
    try {
      process.kill(pid, 'SIGTERM');
    } catch (error) {
      const message = error instanceof Error ? error.message : 'unknown';
      return {kind: 'failed', message: `cannot stop process ${pid}: ${message}`, hint: undefined};
    }
    for (let waited = 0; waited < STOP_SECONDS * 1000; waited += interval) {
      if ((await this.#pid()) !== pid) {
        return {kind: 'done', changes: [ending(pid)]};
      }
      await this.#machine.wait(interval);
    }
    return {kind: 'failed', message: `process ${pid} does not end`, hint: `run: kill -9 ${pid}`};
  }

  /** Without a supervisor nobody listens between the two. */
  async restart(): Promise<Outcome> {
    const stopped = await this.stop();
    if (stopped.kind === 'failed') return stopped;
    const started = await this.start();
    const isUntouched = started.kind === 'done' && [...stopped.changes, ...started.changes].length === 0;
    if (!isUntouched || (await this.#pid()) !== undefined) return started;
    return {
      kind: 'failed',
      message: printable(otherServes(this.runtimeDirectory)),
      hint: 'end it where it was started',
    };
  }

  async status(): Promise<ServiceStatus> {
    const pid = await this.#pid();
    const state = pid === undefined ? 'stopped' : 'running';
    return {installed: true, state, pid, reason: undefined};
  }

  async #launch(command: readonly string[], log: number): Promise<Outcome> {
    const [node = '', ...args] = command;
    closeInherited();
    const offset = fstatSync(log).size;
    // the log is shared by all that start one now: what serves is told by our own child alone, over a pipe of its own
    const child = spawn(node, args, {
      cwd: '/',
      detached: true,
      env: withoutUnsafe(this.#machine.environment),
      stdio: ['ignore', 'pipe', log],
    });
    child.unref();
    const ended = await this.#serving(child);
    child.stdout?.destroy();
    const mark = ended === 'serving' ? await markProcess(child.pid ?? 0, this.#machine) : undefined;
    if (mark === undefined) {
      const said = readSince(log, offset);
      return (await this.#otherServes(said))
        ? {kind: 'done', changes: []}
        : this.#notServing(child, ended === 'serving' ? 'late' : ended, said);
    }
    const failure = await applyChanges(
      [{kind: 'write', path: this.#pidFile(), text: `${child.pid} ${mark}\n`, mode: 0o600}],
      this.#machine,
    );
    if (failure !== undefined) return {kind: 'failed', message: failure.message, hint: undefined};
    return {kind: 'done', changes: [{kind: 'run', command, failure: 'reported'}]};
  }

  /** `serving` once it has said `ready …`; `late`; else how the daemon ended. */
  async #serving(child: ChildProcess): Promise<string> {
    let said = '';
    let ended: string | undefined;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.on('error', (error) => (ended = printable(error.message)));
    child.on('exit', (code, signal) => (ended = signal === null ? `status ${code}` : `signal ${signal}`));
    for (let waited = 0; waited < patience; waited += interval) {
      if (ended !== undefined) return ended;
      if (/^ready .+\n/m.test(said)) return 'serving';
      await this.#machine.wait(interval);
    }
    return 'late';
  }

  /**
   * Of several gits that start it at once, one wins: the others' daemons end, and that is no failure. The one that has
   * won may still be on its way.
   */
  async #otherServes(said: string): Promise<boolean> {
    const {runtimeDirectory} = this.#daemon;
    if (!said.includes(otherServes(runtimeDirectory))) return false;
    for (let waited = 0; waited < patience; waited += interval) {
      if (await accepts(join(runtimeDirectory, 'git.sock'))) return true;
      await this.#machine.wait(interval);
    }
    return false;
  }

  #notServing(child: ChildProcess, ended: string, said: string): Outcome {
    // Ended is what we were told; a daemon that is merely late must not come up behind the report of its failure
    if (ended === 'late') child.kill('SIGTERM');
    const why = said.trim().split('\n').at(-1) ?? '';
    const message = `the daemon ${ended === 'late' ? 'does not serve' : `ended with ${ended}`}`;
    return {
      kind: 'failed',
      message: why === '' ? message : `${message}: ${printable(why)}`,
      hint: `see ${daemonLog(this.#daemon.stateDirectory)}`,
    };
  }

  #command(): readonly string[] {
    const {node, main, configFile, runtimeDirectory, stateDirectory} = this.#daemon;
    return [
      node,
      ...daemonNodeFlags,
      main,
      'daemon',
      '--runtime-dir',
      runtimeDirectory,
      '--state-dir',
      stateDirectory,
      ...(configFile === undefined ? [] : ['--config', configFile]),
    ];
  }

  /** The daemon that we started, if it still is that very process. */
  async #pid(): Promise<number | undefined> {
    const text = (await readText(this.#pidFile())) ?? '';
    const [, pid, mark] = /^([1-9]\d{0,9}) (.+)\n$/.exec(text) ?? [];
    if (pid === undefined) return undefined;
    return (await markProcess(Number(pid), this.#machine)) === mark ? Number(pid) : undefined;
  }

  #pidFile(): string {
    return join(this.#daemon.stateDirectory, 'daemon.pid');
  }
}

/** Whether somebody listens there. Never rejects. */
function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({path}, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function ending(pid: number): Change {
  return {kind: 'run', command: ['kill', '-TERM', String(pid)], failure: 'reported'};
}

function withoutUnsafe(environment: Environment): Record<string, string | undefined> {
  const kept = Object.entries(environment).filter(
    ([name]) => !unsafeVariables.some((unsafe) => unsafe === name),
  );
  return Object.fromEntries(kept);
}

/**
 * Whoever called us may wait until the last copy of a pipe is closed. What we have inherited has no
 * close-on-exec flag, and what Node opened itself has: so the two can be told apart.
 */
function closeInherited(): void {
  if (!existsSync('/proc/self/fdinfo')) return;
  for (const name of readdirSync('/proc/self/fd')) {
    const descriptor = Number(name);
    if (descriptor > 2 && !closesOnExec(descriptor)) closeSync(descriptor);
  }
}

const closeOnExec = 0o2000000;

function closesOnExec(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1];
    return (Number.parseInt(flags ?? '0', 8) & closeOnExec) !== 0;
  } catch {
    // Gone since it was listed: the descriptor of the list itself
    return true;
  }
}
