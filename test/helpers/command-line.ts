import {spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {main} from './program.ts';
export {main};

export interface Outcome {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Options of Node itself. */
  readonly flags?: readonly string[];
  readonly directory?: string;
  /** Default: ours. */
  readonly uid?: number;
  /** Called with the command's output, as it comes. */
  readonly onStderr?: (text: string) => void;
}

/** A user with their own home, who types orgkey commands. Nothing of this machine is visible there. */
export class Person {
  readonly home: string;
  readonly environment: Readonly<Record<string, string>>;

  constructor(t: Pick<ExecutionContext, 'teardown'>, environment: Readonly<Record<string, string>> = {}) {
    this.home = mkdtempSync('/tmp/orgkey-test-');
    this.environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: this.home,
      TMPDIR: this.home,
      GIT_CONFIG_NOSYSTEM: '1',
      ORGKEY_NO_START: '1',
      LC_ALL: 'C',
      NODE_NO_WARNINGS: '1',
      // nothing answers there: a test must not reach the real service
      https_proxy: 'http://127.0.0.1:9',
      no_proxy: '127.0.0.1,localhost',
      ...environment,
    };
    t.teardown(async () => {
      const isStarted = readdirSync(this.home, {recursive: true}).some((name) =>
        String(name).endsWith('control/pid'),
      );
      if (isStarted) await this.run('service', ['stop', '--service', 'plain']);
      rmSync(this.home, {recursive: true, force: true, maxRetries: 5});
    });
  }

  /** `run('status', ['--json'])`. */
  run(command: string, argv: readonly string[] = [], options: RunOptions = {}): Promise<Outcome> {
    const {flags = [], ...rest} = options;
    const words = command === '' ? [] : command.split(' ');
    return this.spawn(process.execPath, [...flags, main, ...words, ...argv], rest);
  }

  git(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return this.spawn('git', argv, options);
  }

  spawn(program: string, argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const {input = '', environment = {}, directory = this.home, uid, onStderr} = options;
    return new Promise((resolve, reject) => {
      const child = spawn(program, argv, {
        cwd: directory,
        env: {...this.environment, ...environment},
        ...(uid === undefined ? {} : {uid, gid: uid}),
      });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
        onStderr?.(stderr);
      });
      child.stdin.on('error', () => undefined).end(input);
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({code: code ?? signal ?? '?', stdout, stderr}));
    });
  }

  /** Returns an absolute path below the home. */
  path(path: string): string {
    return join(this.home, path);
  }

  write(path: string, text: string, mode = 0o600): string {
    const whole = this.path(path);
    mkdirSync(dirname(whole), {recursive: true});
    writeFileSync(whole, text, {mode});
    return whole;
  }

  /** Returns the text of a file, or `undefined` if it does not exist. */
  read(path: string): string | undefined {
    try {
      return readFileSync(this.path(path), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Writes a configuration with personal access tokens, which need no network. */
  configure(text = patConfiguration): string {
    return this.write('.config/orgkey/config.yaml', text);
  }
}

export const patConfiguration = `integrations:
  azure:
    - host: dev.azure.com
      credentials:
        - organizations: [contoso, fabrikam]
          personalAccessToken: canary-pat-0123456789
    - host: azure.example.org
      credentials:
        - organizations: [DefaultCollection]
          personalAccessToken: canary-server-pat
orgkey:
  sockets: [{name: team-a, organizations: [contoso]}]
`;
