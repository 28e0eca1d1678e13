import {execFile, type ExecFileException} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';

import {submoduleInclude} from '../../src/git/git-include.ts';
import {sshWrapper} from './program.ts';

export interface Ran {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A user's home in which git is configured as `setup` does for submodules, isolated from this machine. */
export class GitHome {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;

  /** `name` is the prefix of the directory's name. */
  constructor(environment: Readonly<Record<string, string>> = {}, name = 'home ') {
    this.directory = mkdtempSync(join(tmpdir(), name));
    this.environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: this.directory,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      LC_ALL: 'C',
      ...environment,
    };
    this.write(
      '.gitconfig',
      '[user]\n\tname = Test\n\temail = test@example.com\n[protocol "file"]\n\tallow = always\n',
    );
  }

  write(path: string, text: string, mode = 0o644): string {
    const whole = join(this.directory, path);
    mkdirSync(dirname(whole), {recursive: true});
    writeFileSync(whole, text, {mode});
    return whole;
  }

  /** Configures what `orgkey setup` would. */
  async useWrapper(wrapper = sshWrapper): Promise<void> {
    const path = join(this.directory, 'submodules.gitconfig');
    const {conditions, settings} = submoduleInclude({wrapper, path});
    for (const [key, value] of settings) await this.succeed(['config', '--file', path, key, value]);
    for (const [key, value] of conditions) await this.succeed(['config', '--global', key, value]);
  }

  has(path: string): boolean {
    return existsSync(join(this.directory, path));
  }

  /** Runs `git credential fill` for that request. */
  fill(request: string): Promise<Ran> {
    return this.run('git', ['credential', 'fill'], {input: request});
  }

  /** Runs git; `cwd` below the home. */
  git(
    args: readonly string[],
    {cwd = '.', environment = {}}: {cwd?: string; environment?: Readonly<Record<string, string>>} = {},
  ): Promise<Ran> {
    return this.run('git', args, {cwd, environment});
  }

  run(
    program: string,
    args: readonly string[],
    {
      cwd = '.',
      environment = {},
      input = '',
    }: {cwd?: string; environment?: Readonly<Record<string, string>>; input?: string} = {},
  ): Promise<Ran> {
    const options = {
      cwd: join(this.directory, cwd),
      env: {...this.environment, ...environment},
      maxBuffer: 64 * 1024 * 1024,
      timeout: 120_000,
    };
    return new Promise((resolve) => {
      const child = execFile(program, args, options, (error: ExecFileException | null, stdout, stderr) =>
        resolve({code: error === null ? 0 : (error.code ?? error.signal ?? 'unknown'), stdout, stderr}),
      );
      child.stdin?.on('error', () => undefined).end(input);
    });
  }

  /** Returns what git printed. @throws {Error} with its error message if it fails */
  async succeed(args: readonly string[], options: Parameters<GitHome['git']>[1] = {}): Promise<string> {
    const {code, stdout, stderr} = await this.git(args, options);
    if (code !== 0) throw new Error(`git ${args.join(' ')}: ${String(code)}\n${stderr}`);
    return stdout.trim();
  }

  remove(): void {
    rmSync(this.directory, {recursive: true, force: true, maxRetries: 5});
  }
}

/** Makes a home for one test, which removes it. */
export function homeFor(
  t: {readonly teardown: (end: () => void) => void},
  ...how: ConstructorParameters<typeof GitHome>
): GitHome {
  const home = new GitHome(...how);
  t.teardown(() => home.remove());
  return home;
}
