import {spawn, type ChildProcess} from 'node:child_process';
import {mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {until} from './patience.ts';
import {scratchDirectory} from './scratch-directory.ts';

/** One step of a job, with what its log shows: masked values are replaced as the platform does. */
export interface Step {
  readonly code: number | string;
  readonly log: string;
}

export interface JobOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** The Node that the platform brings. Default: ours. */
  readonly node?: string;
  /** A longer path makes those of sockets too long. */
  readonly temporary?: string;
}

const root = join(import.meta.dirname, '../..');
export const setupOrgkey = join(root, 'scripts/deploy/pipelines/setup-orgkey');
/** An installed orgkey: what the build made. */
export const builtOrgkey = join(root, 'dist/orgkey.cjs');

/**
 * One job on a machine of its own, which other jobs use later: a home, a workspace, folders for temporary files. What
 * differs between platforms is in the classes below.
 */
abstract class PipelineJob {
  readonly machine: string;
  readonly node: string;
  readonly temporary: string;
  readonly environment: Record<string, string>;
  /** In the order in which they came. */
  readonly steps: Step[] = [];
  readonly #masks: string[] = [];
  readonly #before: readonly string[];
  hasFailed = false;

  constructor(t: ExecutionContext, {environment = {}, node = process.execPath, temporary}: JobOptions) {
    this.machine = scratchDirectory(t);
    this.node = node;
    this.temporary = join(this.machine, temporary ?? 'work/_temp');
    for (const path of [this.home, this.workspace, this.temporary, join(this.machine, 'tmp')])
      mkdirSync(path, {recursive: true});
    writeFileSync(join(this.home, '.gitconfig'), '[user]\n\tname = A\n');
    this.environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: this.home,
      TMPDIR: join(this.machine, 'tmp'),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      LC_ALL: 'C',
      ...environment,
    };
    this.#before = this.#seen();
    t.teardown(() => this.endOrphans());
  }

  get home(): string {
    return join(this.machine, 'home');
  }

  get workspace(): string {
    return join(this.machine, 'work/site');
  }

  /** Whatever was made outside of the workspace and is still there: files, changed settings of git, processes. */
  get left(): readonly string[] {
    const processes = this.orphans().map((pid) => `process ${pid}: ${commandOf(pid)}`);
    return [...this.#seen().filter((path) => !this.#before.includes(path)), ...processes];
  }

  /** What is left after short-lived processes have ended, as the timers of git's helper. */
  async remains(): Promise<readonly string[]> {
    await until(
      'the end of all processes',
      () => this.left,
      (left) => !left.join().includes('process '),
    );
    return this.left;
  }

  /** Processes of this job that run now. The platform knows them by a variable of its own. */
  orphans(): readonly number[] {
    return processesWith(this.tracking.join('='));
  }

  /** What the platform does at the very end of a job. */
  endOrphans(): readonly number[] {
    const orphans = this.orphans();
    for (const pid of orphans) process.kill(pid, 'SIGKILL');
    return orphans;
  }

  /** Runs a script as a step. After a failed step it is skipped, as without a condition. */
  async run(script: string): Promise<Step | undefined> {
    return this.hasFailed ? undefined : this.step(['bash', '-e', '-c', script], {});
  }

  abstract get tracking(): readonly [name: string, value: string];

  /** Takes a command out of the log, or returns false. */
  protected abstract take(line: string): boolean;

  /** Runs the platform's own work around one process. `started` gets it at once. */
  protected async step(
    command: readonly string[],
    own: Readonly<Record<string, string>>,
    started?: (child: ChildProcess) => void,
  ): Promise<Step> {
    const [program = '', ...args] = command;
    const [name, value] = this.tracking;
    const child = this.spawn(program, args, {...this.environment, ...own, [name]: value});
    started?.(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (part: string) => (text += part));
    // a daemon that kept the streams would hold the step: 'close' waits for them
    const code = await new Promise<number | string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => resolve(status ?? signal ?? '?'));
    });
    const shown = text.split('\n').filter((line) => !this.take(line));
    const done = {code, log: this.#masked(shown.join('\n'))};
    if (code !== 0) this.hasFailed = true;
    this.steps.push(done);
    return done;
  }

  protected spawn(program: string, args: readonly string[], env: Record<string, string>): ChildProcess {
    return spawn(program, args, {cwd: this.workspace, env, stdio: ['ignore', 'pipe', 'pipe']});
  }

  protected mask(value: string): void {
    this.#masks.push(value);
  }

  get masks(): readonly string[] {
    return this.#masks;
  }

  #masked(text: string): string {
    return this.#masks.reduce((shown, mask) => shown.replaceAll(mask, '***'), text);
  }

  #seen(): string[] {
    const places = [this.home, this.temporary, join(this.machine, 'tmp')];
    const files = places.flatMap((place) =>
      readdirSync(place, {recursive: true, encoding: 'utf8'}).map((name) => join(place, name)),
    );
    return [...files, `global settings: ${readFileSync(join(this.home, '.gitconfig'), 'utf8')}`];
  }
}

/** A runner of GitHub Actions. It does what its documentation says, and refuses inputs that action.yml does not have. */
export class GithubRunner extends PipelineJob {
  readonly tracking = ['RUNNER_TRACKING_ID', `github_${process.pid}_${counter++}`] as const;
  readonly #state: Record<string, string> = {};
  readonly commands: string[] = [];
  readonly #defaults: Readonly<Record<string, string>>;

  constructor(
    t: ExecutionContext,
    action: {readonly inputs: Readonly<Record<string, {readonly default?: string}>>},
    options: JobOptions,
  ) {
    super(t, options);
    this.#defaults = Object.fromEntries(
      Object.entries(action.inputs).map(([name, input]) => [name, input.default ?? '']),
    );
    Object.assign(this.environment, {
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: this.inside(this.workspace),
      RUNNER_TEMP: this.inside(this.temporary),
    });
  }

  /** The main step of the action. */
  async use(
    inputs: Readonly<Record<string, string>>,
    started?: (child: ChildProcess) => void,
  ): Promise<Step> {
    const unknown = Object.keys(inputs).filter((name) => !(name in this.#defaults));
    if (unknown.length > 0) throw new Error(`action.yml has no input ${unknown.join(', ')}`);
    const given = Object.entries({...this.#defaults, ...inputs}).map(([name, value]): [string, string] => [
      `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`,
      value,
    ]);
    return this.step(
      [this.inside(this.node), this.inside(join(setupOrgkey, 'main.cjs'))],
      Object.fromEntries(given),
      started,
    );
  }

  /** The post step: it runs whatever happened before. */
  async post(): Promise<Step> {
    const state = Object.entries(this.#state).map(([name, value]) => [`STATE_${name}`, value]);
    return this.step(
      [this.inside(this.node), this.inside(join(setupOrgkey, 'post.cjs'))],
      Object.fromEntries(state),
    );
  }

  /** The path as the steps see it. */
  protected inside(path: string): string {
    return path;
  }

  protected override async step(
    command: readonly string[],
    own: Readonly<Record<string, string>>,
    started?: (child: ChildProcess) => void,
  ): Promise<Step> {
    const folder = join(this.temporary, '_runner_file_commands');
    mkdirSync(folder, {recursive: true});
    const file = (name: string) => join(folder, name);
    const files = {GITHUB_ENV: file('env'), GITHUB_PATH: file('path'), GITHUB_STATE: file('state')};
    for (const path of Object.values(files)) writeFileSync(path, '');
    const named = Object.entries(files).map(([name, path]) => [name, this.inside(path)]);
    const done = await super.step(command, {...own, ...Object.fromEntries(named)}, started);
    for (const [name, value] of blocksOf(readFileSync(files.GITHUB_ENV, 'utf8'))) {
      if (/^(?:NODE_OPTIONS$|GITHUB_|RUNNER_)/.test(name)) throw new Error(`a step may not set ${name}`);
      this.environment[name] = value;
    }
    for (const path of readFileSync(files.GITHUB_PATH, 'utf8').split('\n').filter(Boolean))
      this.environment['PATH'] = `${path}:${this.environment['PATH']}`;
    Object.assign(this.#state, Object.fromEntries(blocksOf(readFileSync(files.GITHUB_STATE, 'utf8'))));
    rmSync(folder, {recursive: true});
    return done;
  }

  protected take(line: string): boolean {
    const [, mask] = /^::add-mask::(.*)$/.exec(line) ?? [];
    if (mask !== undefined) this.mask(unescaped(mask));
    const isCommand = /^::(?:add-mask|error|warning)[ :]/.test(line);
    if (isCommand && mask === undefined) this.commands.push(unescaped(line));
    return isCommand;
  }
}

interface TaskDefinition {
  readonly inputs: readonly {readonly name: string; readonly defaultValue?: string}[];
  readonly restrictions: {readonly settableVariables: {readonly allowed: readonly string[]}};
}

/** An agent of Azure Pipelines, with the restrictions of the task. */
export class AzureAgent extends PipelineJob {
  readonly tracking = ['VSTS_PROCESS_LOOKUP_ID', `vsts_${process.pid}_${counter++}`] as const;
  readonly issues: string[] = [];
  readonly #task: TaskDefinition;
  readonly #taskVariables: Record<string, string> = {};
  #isTask = false;

  constructor(t: ExecutionContext, task: TaskDefinition, options: JobOptions) {
    super(t, options);
    this.#task = task;
    Object.assign(this.environment, {
      TF_BUILD: 'True',
      AGENT_TEMPDIRECTORY: this.temporary,
      BUILD_SOURCESDIRECTORY: this.workspace,
    });
  }

  /** The execution of the task. `endpoints`: the variables of the service connections that it names. */
  async use(
    inputs: Readonly<Record<string, string>>,
    endpoints: Readonly<Record<string, string>> = {},
    started?: (child: ChildProcess) => void,
  ): Promise<Step> {
    const names = this.#task.inputs.map(({name}) => name);
    const unknown = Object.keys(inputs).filter((name) => !names.includes(name));
    if (unknown.length > 0) throw new Error(`task.json has no input ${unknown.join(', ')}`);
    const given = this.#task.inputs.flatMap(({name, defaultValue}): [string, string][] => {
      const value = inputs[name] ?? defaultValue;
      return value === undefined ? [] : [[`INPUT_${name.replaceAll(/[. ]/g, '_').toUpperCase()}`, value]];
    });
    return this.#asTask('main.cjs', {...Object.fromEntries(given), ...endpoints}, started);
  }

  async post(endpoints: Readonly<Record<string, string>> = {}): Promise<Step> {
    const variables = Object.entries(this.#taskVariables).map(([name, value]) => [
      `VSTS_TASKVARIABLE_${name.toUpperCase()}`,
      value,
    ]);
    return this.#asTask('post.cjs', {...Object.fromEntries(variables), ...endpoints});
  }

  /** A step of a template, with its own variables. */
  script(text: string, own: Readonly<Record<string, string>>): Promise<Step> {
    return this.step(['bash', '-c', text], own);
  }

  async #asTask(
    file: string,
    own: Readonly<Record<string, string>>,
    started?: (child: ChildProcess) => void,
  ): Promise<Step> {
    this.#isTask = true;
    try {
      return await this.step([this.node, join(setupOrgkey, file)], own, started);
    } finally {
      this.#isTask = false;
    }
  }

  protected take(line: string): boolean {
    const [, what = '', properties = '', rest = ''] =
      /^##vso\[([\w.]+)(?: ([^\]]*))?\](.*)$/.exec(line) ?? [];
    if (what === '') return false;
    if (this.#isTask && !allowedInRestrictedMode.includes(what)) throw new Error(`${what} is not allowed`);
    const value = unescaped(rest.replaceAll('%AZP25', '%25'));
    const [, variable = ''] = /\bvariable=([^;]+)/.exec(properties) ?? [];
    switch (what) {
      case 'task.setsecret':
        this.mask(value);
        break;
      case 'task.setvariable':
        this.#set(variable, value);
        break;
      case 'task.settaskvariable':
        this.#taskVariables[variable] = value;
        break;
      case 'task.prependpath':
        this.environment['PATH'] = `${value}:${this.environment['PATH']}`;
        break;
      case 'task.complete':
        if (properties.includes('result=Failed')) this.hasFailed = true;
        break;
      default:
        this.issues.push(`${properties}: ${value}`);
    }
    return true;
  }

  #set(name: string, value: string): void {
    const allowed = this.#task.restrictions.settableVariables.allowed;
    const isAllowed = allowed.some((pattern) =>
      new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'i').test(name),
    );
    if (this.#isTask && !isAllowed) throw new Error(`the task may not set ${name}`);
    this.environment[name.toUpperCase().replaceAll('.', '_')] = value;
  }
}

const allowedInRestrictedMode = [
  'task.logdetail',
  'task.logissue',
  'task.complete',
  'task.setprogress',
  'task.setsecret',
  'task.setvariable',
  'task.debug',
  'task.settaskvariable',
  'task.prependpath',
];

let counter = 0;

/** Reads `NAME<<END … END` and `NAME=value`. */
function blocksOf(text: string): [name: string, value: string][] {
  const found = text.matchAll(/^([^=<\n]+)(?:=(.*)|<<(.+)\n([^]*?)\n\3)$/gm);
  return [...found].map(([, name = '', short, , long = '']) => [name, short ?? long]);
}

function unescaped(text: string): string {
  return text.replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%');
}

/** Returns the processes other than ours that have this variable, written as `NAME=value`. */
export function processesWith(variable: string): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && entry !== String(process.pid))
    .filter((pid) => variablesOf(pid).includes(variable))
    .map(Number);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return 'ended';
  }
}

/** Empty if the process has ended or belongs to another user. A zombie has no variables. */
function variablesOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}
