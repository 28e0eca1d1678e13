import {join} from 'node:path';
import {applyChanges, readText, type Change} from './change.ts';
import {daemonLog} from './daemon-log.ts';
import {launchdLabel, launchdPlist} from './launchd-plist.ts';
import type {DaemonCommand, Machine} from './machine.ts';
import {noteDirectory} from './note-directory.ts';
import {resultOf, type ServiceResult, type ServiceStatus, DONE, notInstalled} from './service-result.ts';

/** The daemon under macOS's launchd, in the user's login session. */
export class LaunchdService {
  readonly kind = 'launchd';
  readonly runtimeDirectory: string;
  readonly #machine: Machine;
  readonly #daemon: DaemonCommand;
  readonly #plist: string;
  readonly #domain: string;
  readonly #target: string;

  constructor(machine: Machine, daemon: DaemonCommand) {
    this.runtimeDirectory = daemon.runtimeDirectory;
    this.#machine = machine;
    this.#daemon = daemon;
    this.#plist = join(machine.homeDirectory, 'Library/LaunchAgents', `${launchdLabel}.plist`);
    this.#domain = `gui/${machine.uid}`;
    this.#target = `${this.#domain}/${launchdLabel}`;
  }

  async plan(): Promise<ServiceResult> {
    return {kind: 'done', changes: await this.#installation()};
  }

  async install(): Promise<ServiceResult> {
    return this.#apply(await this.#installation());
  }

  async planUninstall(): Promise<readonly Change[]> {
    if ((await readText(this.#plist)) === undefined) return [];
    return [
      {...this.#launchctl('bootout', this.#target), failure: 'ignored'},
      {kind: 'remove', path: this.#plist},
    ];
  }

  async uninstall(): Promise<ServiceResult> {
    return this.#apply(await this.planUninstall());
  }

  async start(): Promise<ServiceResult> {
    const {installed, state} = await this.status();
    if (!installed) return notInstalled;
    if (state === 'running') return DONE;
    return this.#apply([
      {...this.#launchctl('bootstrap', this.#domain, this.#plist), failure: 'ignored'},
      this.#launchctl('kickstart', this.#target),
    ]);
  }

  async stop(): Promise<ServiceResult> {
    // launchd would restart a killed daemon at once
    const {state} = await this.status();
    return state === 'stopped' ? DONE : this.#apply([this.#launchctl('bootout', this.#target)]);
  }

  async restart(): Promise<ServiceResult> {
    const {installed, state} = await this.status();
    if (!installed) return notInstalled;
    if (state !== 'running') return this.start();
    // kickstart -k would kill it before it answered the requests in flight
    const stopped = await this.stop();
    return stopped.kind === 'failed' ? stopped : this.start();
  }

  async status(): Promise<ServiceStatus> {
    const installed = (await readText(this.#plist)) !== undefined;
    const {code, stdout} = await this.#machine.run(
      ['launchctl', 'print', this.#target],
      this.#machine.environment,
    );
    if (code !== 0) return {installed, state: 'stopped'};
    const pid = /^\s*pid = (\d+)$/m.exec(stdout)?.[1];
    if (pid !== undefined) return {installed, state: 'running', pid: Number(pid)};
    const exit = /^\s*last exit code = (\d+)/m.exec(stdout)?.[1];
    const reason = exit === undefined ? undefined : `it ended with status ${exit}`;
    return {installed, state: 'failed', reason};
  }

  async #installation(): Promise<readonly Change[]> {
    const text = launchdPlist(this.#daemon, this.#machine.environment, this.#log());
    const before = await readText(this.#plist);
    const {state} = await this.status();
    if (before === text && state === 'running') return [];
    return [
      {kind: 'make-directory', path: this.#daemon.stateDirectory, mode: 0o700},
      {kind: 'write', path: this.#plist, text, mode: 0o600},
      await noteDirectory(this.#daemon),
      ...(before === undefined
        ? []
        : [{...this.#launchctl('bootout', this.#target), failure: 'ignored'} as const]),
      this.#launchctl('bootstrap', this.#domain, this.#plist),
    ];
  }

  #launchctl(...args: readonly string[]): Extract<Change, {kind: 'run'}> {
    return {kind: 'run', command: ['launchctl', ...args], failure: 'reported'};
  }

  async #apply(changes: readonly Change[]): Promise<ServiceResult> {
    return resultOf(changes, await applyChanges(changes, this.#machine), `see ${this.#log()}`);
  }

  #log(): string {
    return daemonLog(this.#daemon.stateDirectory);
  }
}
