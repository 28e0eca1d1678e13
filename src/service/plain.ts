import {spawn, type ChildProcess} from 'node:child_process';
import {closeSync, existsSync, fstatSync, readdirSync, readFileSync} from 'node:fs';
import {connect} from 'node:net';
import {join} from 'node:path';
import {readServiceVariables} from '../places/environment-file.ts';
import {noteOfDirectories} from '../places/paths.ts';
import {messageOf, OrgkeyError} from '../text/orgkey-error.ts';
import {printable} from '../text/printable.ts';
import {applyChanges, readText, type Change} from './change.ts';
import {daemonLog, openDaemonLog, readSince} from './daemon-log.ts';
import {lastFailedStart, processRecord, reportedFailure} from './failed-start.ts';
import {unsafeVariables, daemonWords} from './node-flags.ts';
import {noteDirectory} from './note-directory.ts';
import type {DaemonCommand, Machine} from './machine.ts';
import {otherServes, type ServiceResult, type ServiceStatus, DONE, failure} from './service-result.ts';
import {markProcess} from './process-mark.ts';
import {STOP_SECONDS} from './stop-limits.ts';
import type {Environment} from '../text/environment.ts';

/** Time for a daemon to start serving, in milliseconds: longer than any request of git. */
const START_LIMIT = 20_000;

/** In milliseconds. */
const POLL_INTERVAL = 20;

/** A core dump would hold every secret in memory. Node cannot set this limit, and has no other way to forbid one. */
const WITHOUT_CORE = 'ulimit -c 0; exec "$0" "$@"';

/** The daemon as a detached process, for machines without a supervisor: containers, WSL without systemd. */
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

  async plan(): Promise<ServiceResult> {
    return DONE;
  }

  /** Only starts the daemon: nothing here could start it automatically. */
  async install(): Promise<ServiceResult> {
    return this.start();
  }

  async planUninstall(): Promise<readonly Change[]> {
    const pid = await this.#pid();
    return pid === undefined ? [] : [ending(pid)];
  }

  async uninstall(): Promise<ServiceResult> {
    // a daemon that was started elsewhere is not ours to stop
    const isOurs = (await this.#pid()) !== undefined;
    const stopped = isOurs ? await this.stop() : DONE;
    if (stopped.kind === 'failed') return stopped;
    const paths = [this.#record(), noteOfDirectories(this.#daemon.stateDirectory)];
    await applyChanges(
      paths.map((path) => ({kind: 'remove', path}) as const),
      this.#machine,
    );
    return stopped;
  }

  async start(): Promise<ServiceResult> {
    if ((await this.#pid()) !== undefined) return DONE;
    const command = daemonWords(this.#daemon);
    try {
      const log = openDaemonLog(this.#daemon.stateDirectory);
      try {
        return await this.#launch(command, log);
      } finally {
        closeSync(log);
      }
    } catch (error) {
      const reason = printable(messageOf(error));
      const hint = error instanceof OrgkeyError ? error.hint : undefined;
      return failure(`cannot start the daemon: ${reason}`, hint);
    }
  }

  async stop(): Promise<ServiceResult> {
    const pid = await this.#pid();
    if (pid === undefined) return this.#stopStranger();
    try {
      process.kill(pid, 'SIGTERM');
    } catch (error) {
      return failure(`cannot stop process ${pid}: ${messageOf(error)}`);
    }
    for (let waited = 0; waited < STOP_SECONDS * 1000; waited += POLL_INTERVAL) {
      if ((await this.#pid()) !== pid) return {kind: 'done', changes: [ending(pid)]};
      await this.#machine.wait(POLL_INTERVAL);
    }
    return failure(`process ${pid} did not end`, `run: kill -9 ${pid}`);
  }

  /** Without a supervisor no process listens in between. */
  async restart(): Promise<ServiceResult> {
    const stopped = await this.stop();
    return stopped.kind === 'failed' ? stopped : this.start();
  }

  /** A daemon that we did not start, or from another sandbox, may serve: then nothing is stopped. */
  async #stopStranger(): Promise<ServiceResult> {
    return (await accepts(this.runtimeDirectory))
      ? failure(printable(otherServes(this.runtimeDirectory)), 'stop it where it was started')
      : DONE;
  }

  async status(): Promise<ServiceStatus> {
    const pid = await this.#pid();
    if (pid !== undefined) return {installed: true, state: 'running', pid};
    if (await accepts(this.runtimeDirectory))
      return {installed: true, state: 'running', reason: 'it was started elsewhere'};
    const failed = lastFailedStart(this.#daemon.stateDirectory, this.runtimeDirectory);
    if (failed === undefined) return {installed: true, state: 'stopped'};
    return {installed: true, state: 'failed', reason: failed.message, hint: failed.hint};
  }

  async #launch(command: readonly string[], log: number): Promise<ServiceResult> {
    const [node = '', ...args] = command;
    const {environment} = this.#machine;
    closeInherited();
    const offset = fstatSync(log).size;
    // several starters may share the log, so our own child reports over a pipe that it serves
    const child = spawn('/bin/sh', ['-c', WITHOUT_CORE, node, ...args], {
      cwd: '/',
      detached: true,
      // as under systemd, the file precedes the variables of the shell
      env: withoutUnsafe({...environment, ...readServiceVariables(environment['HOME'])}),
      stdio: ['ignore', 'pipe', log],
    });
    child.unref();
    const ended = await this.#serving(child);
    child.stdout?.destroy();
    const mark = ended === 'serving' ? await markProcess(child.pid ?? 0, this.#machine) : undefined;
    if (mark === undefined) {
      const output = readSince(log, offset);
      return (await this.#otherServes(output))
        ? DONE
        : this.#notServing(child, ended === 'serving' ? 'late' : ended, output);
    }
    const record = {
      kind: 'write',
      path: this.#record(),
      text: `${child.pid} ${mark}\n`,
      mode: 0o600,
    } as const;
    const failed = await applyChanges([record, await noteDirectory(this.#daemon)], this.#machine);
    if (failed !== undefined) return failure(failed.message);
    return {kind: 'done', changes: [{kind: 'run', command, failure: 'reported'}]};
  }

  /** Resolves to `serving` after the daemon's line `ready …`, to `late`, or to a description of its end. */
  async #serving(child: ChildProcess): Promise<string> {
    let output = '';
    let ended: string | undefined;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', (error) => (ended = printable(error.message)));
    child.on('exit', (code, signal) => (ended = signal === null ? `status ${code}` : `signal ${signal}`));
    for (let waited = 0; waited < START_LIMIT; waited += POLL_INTERVAL) {
      if (ended !== undefined) return ended;
      if (/^ready .+\n/m.test(output)) return 'serving';
      await this.#machine.wait(POLL_INTERVAL);
    }
    return 'late';
  }

  /**
   * If several gits start a daemon at once, one wins and the other daemons end. That is not a failure. The winner may
   * not listen yet.
   */
  async #otherServes(output: string): Promise<boolean> {
    const {runtimeDirectory} = this.#daemon;
    if (!output.includes(otherServes(runtimeDirectory))) return false;
    for (let waited = 0; waited < START_LIMIT; waited += POLL_INTERVAL) {
      if (await accepts(runtimeDirectory)) return true;
      await this.#machine.wait(POLL_INTERVAL);
    }
    return false;
  }

  #notServing(child: ChildProcess, ended: string, output: string): ServiceResult {
    // a late daemon must not start serving after we have reported its failure
    if (ended === 'late') child.kill('SIGTERM');
    const reported = reportedFailure(output);
    const why = reported?.message ?? printable(output.trim().split('\n').at(-1) ?? '');
    const message = `the daemon ${ended === 'late' ? 'does not serve' : `ended with ${ended}`}`;
    return failure(
      why === '' ? message : `${message}: ${why}`,
      reported?.hint ?? `see ${daemonLog(this.#daemon.stateDirectory)}`,
    );
  }

  /** Returns the process of the daemon that we started, if it is still the same. */
  async #pid(): Promise<number | undefined> {
    const text = (await readText(this.#record())) ?? '';
    const [, pid, mark] = /^([1-9]\d{0,9}) (.+)\n$/.exec(text) ?? [];
    if (pid === undefined || (await markProcess(Number(pid), this.#machine)) !== mark) return undefined;
    return Number(pid);
  }

  #record(): string {
    return processRecord(this.runtimeDirectory);
  }
}

/** Whether a process listens on the socket of a runtime directory. Never rejects. */
function accepts(directory: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({path: join(directory, 'git.sock')}, () => {
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
 * Closes inherited descriptors: our caller may wait until the last copy of a pipe is closed. Inherited ones lack the
 * close-on-exec flag, which Node sets on its own.
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
    // closed since it was listed: the descriptor of the list itself
    return true;
  }
}
