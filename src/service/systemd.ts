import {join} from 'node:path';
import {absoluteVariable} from '../places/absolute-variable.ts';
import {printable} from '../text/printable.ts';
import {applyChanges, writesNeeded, type Change} from './change.ts';
import type {DaemonCommand, Machine} from './machine.ts';
import {
  resultOf,
  type ServiceResult,
  type ServiceStatus,
  DONE,
  failure,
  notInstalled,
} from './service-result.ts';
import {
  gitSocketUnit,
  type Sandbox,
  scopedSocketUnit,
  serviceUnit,
  systemRuntimeDirectory,
  type UnitScope,
  whyUnservable,
} from './systemd-units.ts';
import type {PackagedUnits} from './packaged-units.ts';
import {type OwnFile, removals, UnitFiles} from './unit-files.ts';
import type {Environment} from '../text/environment.ts';

/** The daemon under systemd: the system manager, or the user's own manager. */
export class SystemdService {
  readonly kind: 'systemd-user' | 'systemd-system';
  readonly runtimeDirectory: string;
  readonly #scope: UnitScope;
  readonly #machine: Machine;
  readonly #daemon: DaemonCommand;
  readonly #files: UnitFiles;
  readonly #environment: Environment;
  readonly #sockets: readonly string[];

  /** `directories`: of the administrator's files and of packages' files. */
  constructor(
    scope: UnitScope,
    machine: Machine,
    daemon: DaemonCommand,
    directories = {administrator: '/etc', packages: '/usr/lib'},
  ) {
    this.kind = scope === 'user' ? 'systemd-user' : 'systemd-system';
    this.#scope = scope;
    this.#machine = machine;
    this.#daemon = daemon;
    // not set without a login session, for example under cron
    const runtime = absoluteVariable(machine.environment, 'XDG_RUNTIME_DIR') ?? `/run/user/${machine.uid}`;
    this.#environment = {...machine.environment, XDG_RUNTIME_DIR: runtime};
    this.runtimeDirectory = scope === 'user' ? join(runtime, 'orgkey') : systemRuntimeDirectory;
    const units =
      scope === 'user'
        ? join(machine.homeDirectory, '.config/systemd/user')
        : join(directories.administrator, 'systemd/system');
    this.#files = new UnitFiles(scope, daemon, {...directories, units});
    this.#sockets = [gitSocketUnit, ...daemon.sockets.map(scopedSocketUnit)];
  }

  async plan(): Promise<ServiceResult> {
    const problem = this.#unsupported() ?? (await this.#unmanaged());
    if (problem !== undefined) return problem;
    const changes = await this.#installation(await this.#files.sandbox());
    return {kind: 'done', changes};
  }

  async install(): Promise<ServiceResult> {
    const problem = this.#unsupported() ?? (await this.#unmanaged());
    if (problem !== undefined) return problem;
    const result = await this.#apply(await this.#installation(await this.#files.sandbox()));
    if (result.kind === 'done' || !(await this.#lacksNamespaces())) return result;
    return this.#apply(await this.#installation('without-namespaces'));
  }

  async planUninstall(): Promise<readonly Change[]> {
    const silence = await this.#askManager();
    const packaged = await this.#files.packaged();
    const files = await this.#files.own(packaged);
    const units = await this.#unitsInUse(packaged);
    if (files.length + units.length === 0) return [];
    return [
      ...(units.length === 0
        ? []
        : [{...this.#systemctl('disable', '--now', ...units), failure: 'survived'} as const]),
      ...removals(files),
      ...(silence === undefined ? [] : this.#links(units)),
      {...this.#systemctl('daemon-reload'), failure: 'survived'},
      ...(units.length === 0
        ? []
        : [{...this.#systemctl('reset-failed', ...units), failure: 'ignored'} as const]),
      ...(this.#scope === 'system' ? [EMPTY_DIRECTORIES] : []),
    ];
  }

  async uninstall(): Promise<ServiceResult> {
    return this.#apply(await this.planUninstall());
  }

  async start(): Promise<ServiceResult> {
    const status = await this.status();
    if (!status.installed) return notInstalled;
    if (status.state === 'running') return DONE;
    return this.#apply(this.#starting());
  }

  async stop(): Promise<ServiceResult> {
    const {installed, state} = await this.status();
    if (!installed || state === 'stopped') return DONE;
    // stop the sockets too, or the next request starts the daemon again
    return this.#apply([this.#systemctl('stop', ...this.#sockets, serviceUnit)]);
  }

  async restart(): Promise<ServiceResult> {
    const {installed, state} = await this.status();
    if (!installed) return notInstalled;
    if (state === 'failed' || state === 'stopped') return this.start();
    return this.#apply([this.#systemctl('restart', serviceUnit)]);
  }

  async status(): Promise<ServiceStatus> {
    const [service, socket] = await Promise.all([this.#show(serviceUnit), this.#show(gitSocketUnit)]);
    const installed = service.get('LoadState') === 'loaded' && socket.get('LoadState') === 'loaded';
    const paths = await this.#files.replaced();
    const replaced = paths.length === 0 ? {} : {replaced: paths};
    const pid = Number(service.get('MainPID') ?? 0);
    if (service.get('ActiveState') === 'active') return {installed, state: 'running', pid, ...replaced};
    if ([service, socket].some(isFailed))
      return {installed, state: 'failed', reason: reasonOf(service, socket), ...replaced};
    return {installed, ...replaced, state: socket.get('ActiveState') === 'active' ? 'listening' : 'stopped'};
  }

  async #installation(sandbox: Sandbox): Promise<readonly Change[]> {
    const packaged = await this.#files.packaged();
    const wanted = this.#files.wanted(sandbox, packaged);
    const writes = await writesNeeded(wanted);
    const own = await this.#files.own(packaged);
    const gone = own.filter((file) => !wanted.some(({path}) => path === file.path));
    const changed = writes.length + gone.length > 0;
    const status = await this.status();
    const stale = gone.map(({name}) => name).filter((name) => isScopedSocket(name));
    return [
      ...(this.#scope === 'user'
        ? ([{kind: 'make-directory', path: this.#daemon.stateDirectory, mode: 0o700}] as const).filter(
            () => changed,
          )
        : []),
      ...(stale.length > 0 ? [this.#systemctl('disable', '--now', ...stale)] : []),
      ...removals(gone),
      ...writes,
      ...writes
        .filter(({path}) => path.endsWith('/sysusers.d/orgkey.conf'))
        .map(({path}) => ({kind: 'run', command: ['systemd-sysusers', path], failure: 'reported'}) as const),
      ...(changed ? [this.#systemctl('daemon-reload')] : []),
      ...(await this.#enabling(gone)),
      ...this.#activation(
        [...writes, ...gone.filter(({isSame}) => !isSame)].map(({path}) => path),
        status,
      ),
    ];
  }

  /** A link to a copy that is gone enables nothing. */
  async #enabling(gone: readonly OwnFile[]): Promise<readonly Change[]> {
    const units = this.#enabledUnits();
    if (gone.some(({name}) => units.includes(name))) return [this.#systemctl('reenable', ...units)];
    return (await this.#enabled()) ? [] : [this.#systemctl('enable', ...units)];
  }

  /** Binds the sockets whose units changed again, in one transaction with the daemon, which gets them at its start. */
  #activation(written: readonly string[], {state}: ServiceStatus): readonly Change[] {
    const sockets = this.#sockets.filter((unit) => written.includes(this.#files.path(unit)));
    if (state === 'stopped' || state === 'failed') return this.#starting();
    if (written.length === 0) return [];
    const restarting = this.#systemctl('restart', ...sockets, serviceUnit);
    // systemd rejects a new socket while the old daemon is still running; the daemon's start then binds it
    return sockets.length === 0
      ? [restarting]
      : [{...restarting, failure: 'ignored'}, this.#systemctl('start', ...this.#sockets, serviceUnit)];
  }

  #starting(): readonly Change[] {
    return [
      // after a crash loop systemd does not start the unit before this
      {...this.#systemctl('reset-failed', ...this.#sockets, serviceUnit), failure: 'ignored'},
      this.#systemctl('start', ...this.#sockets),
      this.#systemctl('start', serviceUnit),
    ];
  }

  #enabledUnits(): readonly string[] {
    // a user's daemon starts with the first request; the system's starts at boot, and prefetches its tokens
    return this.#scope === 'user' ? this.#sockets : [...this.#sockets, serviceUnit];
  }

  async #enabled(): Promise<boolean> {
    const units = this.#enabledUnits();
    const {stdout} = await this.#run(['is-enabled', ...units]);
    const answers = stdout.trim().split('\n');
    return answers.length === units.length && answers.every((answer) => answer === 'enabled');
  }

  /** Returns the units to disable: the installed ones, and those of a package if they were set up. */
  async #unitsInUse(packaged: PackagedUnits | undefined): Promise<readonly string[]> {
    const installed = await this.#files.installed();
    if (packaged === undefined) return installed;
    const {stdout} = await this.#run(['is-enabled', ...packaged.keys()]);
    const isEnabled = stdout.split('\n').includes('enabled');
    const isUsed = isEnabled || (await this.status()).state !== 'stopped';
    return [...new Set([...installed, ...(isUsed ? packaged.keys() : [])])];
  }

  /** A forbidden user namespace fails with status 217 (USER), 218 (CAPABILITIES) or 226 (NAMESPACE). */
  async #lacksNamespaces(): Promise<boolean> {
    if (this.#scope === 'system') return false;
    const status = (await this.#show(serviceUnit)).get('ExecMainStatus');
    return status === '217' || status === '218' || status === '226';
  }

  async #show(unit: string): Promise<ReadonlyMap<string, string>> {
    const properties = 'LoadState,ActiveState,SubState,Result,MainPID,ExecMainStatus';
    const {stdout} = await this.#run(['show', `--property=${properties}`, unit]);
    return new Map(
      stdout.split('\n').map((line) => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  }

  #run(args: readonly string[]) {
    return this.#machine.run(this.#systemctlCommand(args), this.#environment);
  }

  #systemctl(...args: readonly string[]): Extract<Change, {kind: 'run'}> {
    return {kind: 'run', command: this.#systemctlCommand(args), failure: 'reported'};
  }

  #systemctlCommand(args: readonly string[]): readonly string[] {
    return this.#scope === 'user' ? ['systemctl', '--user', ...args] : ['systemctl', ...args];
  }

  async #apply(changes: readonly Change[]): Promise<ServiceResult> {
    const failed = await applyChanges(changes, {run: this.#machine.run, environment: this.#environment});
    const journal = `${this.#scope === 'user' ? 'journalctl --user' : 'journalctl'} -u ${serviceUnit} -n 20`;
    return resultOf(changes, failed, `run: ${journal}`);
  }

  #unsupported(): ServiceResult | undefined {
    const message = whyUnservable(this.#daemon.sockets, this.#scope);
    if (message !== undefined) return failure(message);
    const {node, main, configFile = '', stateDirectory} = this.#daemon;
    // a unit cannot quote line breaks
    return [node, main, configFile, stateDirectory].some((path) => /\p{Cc}/u.test(path))
      ? failure('a unit cannot hold a path with control characters')
      : undefined;
  }

  async #unmanaged(): Promise<ServiceResult | undefined> {
    const silence = await this.#askManager();
    if (silence === undefined) return undefined;
    const isUser = this.#scope === 'user';
    return failure(
      `${isUser ? "systemd's user manager" : 'systemd'} does not answer: ${silence}`,
      isUser
        ? 'to use orgkey without it: orgkey setup --service plain'
        : 'on a machine without systemd, start the daemon yourself: orgkey daemon',
    );
  }

  /**
   * Asks the manager where it reads units: a user's manager has the variables of the session, which may differ from the
   * shell's. Returns its error if it does not answer.
   */
  async #askManager(): Promise<string | undefined> {
    const {code, stdout, stderr} = await this.#run(['show', '--property=UnitPath']);
    if (code !== 0) return printable(stderr.trim().split('\n').at(-1) ?? '');
    if (this.#scope === 'system') return undefined;
    // a path with spaces is quoted; systemd's own paths come first
    const paths = [
      ...stdout
        .trim()
        .replace(/^UnitPath=/, '')
        .matchAll(/"([^"]*)"|(\S+)/g),
    ];
    const found = paths.map(([, quoted, plain]) => quoted ?? plain);
    const directory = found.find((path) => path?.endsWith('/systemd/user'));
    if (directory !== undefined) this.#files.moveTo(directory);
    return undefined;
  }

  /** Removes the links that enable units, for a manager that does not answer and so does not do it itself. */
  #links(units: readonly string[]): readonly Change[] {
    const target = this.#scope === 'user' ? 'default.target' : 'multi-user.target';
    return units.map((name) => ({
      kind: 'remove',
      path: this.#files.path(`${name.endsWith('.socket') ? 'sockets.target' : target}.wants/${name}`),
    }));
  }
}

/** Removes the directories that the socket units made. */
const EMPTY_DIRECTORIES: Change = {
  kind: 'run',
  command: ['find', systemRuntimeDirectory, '-depth', '-type', 'd', '-empty', '-delete'],
  failure: 'ignored',
};

function isScopedSocket(name: string): boolean {
  return name.startsWith('orgkey-') && name.endsWith('.socket');
}

function isFailed(unit: ReadonlyMap<string, string>): boolean {
  return unit.get('ActiveState') === 'failed' || unit.get('SubState') === 'auto-restart';
}

function reasonOf(service: ReadonlyMap<string, string>, socket: ReadonlyMap<string, string>): string {
  const hasGivenUp = [service, socket].some((unit) => unit.get('Result')?.endsWith('start-limit-hit'));
  const status = service.get('ExecMainStatus') ?? '0';
  const ended = status === '0' ? `systemd reports ${socket.get('Result')}` : `it ended with status ${status}`;
  return hasGivenUp ? `${ended}, so often that systemd gave up` : ended;
}
