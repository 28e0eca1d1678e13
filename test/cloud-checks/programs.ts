import {execFile} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import type {Cloud} from '../cloud/cloud.ts';
import type {Job, Outcome} from './acquire-token.ts';

export type Finished = {readonly status: number; readonly stdout: string; readonly stderr: string};

/** A directory for one test file, with the programs that run in it: nothing of the machine's configuration reaches them. */
export class Workplace {
  readonly directory: string;
  readonly #cloud: Cloud;

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
    this.directory = mkdtempSync(path.join(tmpdir(), 'cloud-checks-'));
  }

  environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      HOME: this.directory,
      LC_ALL: 'C',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      NODE_NO_WARNINGS: '1',
      ...this.#cloud.environment(),
      ...more,
    };
  }

  git(...args: readonly string[]): Promise<Finished> {
    const program = process.env['ORGKEY_TEST_GIT'] ?? 'git';
    const identity = [
      '-c',
      'user.name=A',
      '-c',
      'user.email=a@example.org',
      '-c',
      'protocol.file.allow=never',
    ];
    return this.run(program, [...identity, ...args]);
  }

  gitWithToken(token: string, ...args: readonly string[]): Promise<Finished> {
    return this.git('-c', `http.extraHeader=Authorization: Bearer ${token}`, ...args);
  }

  run(
    program: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Finished> {
    return new Promise((resolve) => {
      const options = {env: this.environment(environment), cwd: this.directory, maxBuffer: 64 * 1024 * 1024};
      execFile(program, args, options, (error, stdout, stderr) => {
        const status = error ? (typeof error.code === 'number' ? error.code : 255) : 0;
        resolve({status, stdout, stderr});
      });
    });
  }

  /** Runs the real SDK in a process of its own. */
  async acquire(job: Job, environment: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    const program = fileURLToPath(new URL('acquire-token.ts', import.meta.url));
    const {stdout, stderr} = await this.run(process.execPath, [program, JSON.stringify(job)], environment);
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as Outcome;
  }

  path(name: string): string {
    return path.join(this.directory, name);
  }

  close(): void {
    rmSync(this.directory, {recursive: true, force: true});
  }
}

/** A repository's URL with a user name, and a password if there is one. */
export function withUser(url: string, username: string, password?: string): string {
  const user = password === undefined ? username : `${username}:${password}`;
  return url.replace('https://', `https://${user}@`);
}
