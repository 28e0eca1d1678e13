import {execFile, spawn, type ChildProcessWithoutNullStreams} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {promisify} from 'node:util';

const run = promisify(execFile);

/** Git with nothing of the machine's or the caller's configuration. */
export class GitProgram {
  readonly #program: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #children = new Set<ChildProcessWithoutNullStreams>();

  /** @param program the `git` to run, a name or a path. */
  constructor(program: string, directory: string) {
    const home = path.join(directory, 'home');
    mkdirSync(home, {recursive: true});
    const configuration = path.join(home, 'gitconfig');
    // The temporary directory may belong to another user than the one who runs the tests
    writeFileSync(
      configuration,
      '[safe]\n\tdirectory = *\n[gc]\n\tauto = 0\n[receive]\n\tautogc = false\n[fastimport]\n\tunpackLimit = 1\n',
    );
    this.#program = program;
    this.#environment = {
      PATH: process.env['PATH'],
      HOME: home,
      XDG_CONFIG_HOME: home,
      LC_ALL: 'C',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: configuration,
      GIT_TERMINAL_PROMPT: '0',
    };
  }

  async run(args: readonly string[], directory?: string): Promise<string> {
    const {stdout} = await run(this.#program, args, {cwd: directory, env: this.#environment});
    return stdout.trim();
  }

  /** Starts git with pipes; it is ended with the cloud. */
  start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcessWithoutNullStreams {
    const child = spawn(this.#program, args, {env: {...this.#environment, ...environment}, stdio: 'pipe'});
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    // EPIPE: the other end is gone, its exit says so
    child.stdin.on('error', () => undefined);
    return child;
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}
