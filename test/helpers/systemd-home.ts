import {execFile, execFileSync, spawnSync} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import {buildSync} from 'esbuild';

const root = join(import.meta.dirname, '../..');
const withSystemdUser = join(root, 'scripts/with-systemd-user');

/** Returns why systemd cannot run here, or `undefined` if it can. */
export function whyNoSystemd(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'only root can make the namespaces';
  const home = mkdtempSync('/var/lib/orgkey-test-');
  const tried = spawnSync(withSystemdUser, [home, 'true'], {encoding: 'utf8'});
  rmSync(home, {recursive: true, force: true});
  if (tried.status === 0) return undefined;
  return tried.stderr.trim() || `with-systemd-user exits with ${tried.status}`;
}

/**
 * A built orgkey with its Node. It is outside of /tmp, because units have their own, and outside of the checkout,
 * because the user may have no access to it.
 */
export class BuiltApp {
  readonly directory = mkdtempSync('/var/lib/orgkey-test-');

  constructor() {
    const app = this.directory;
    chmodSync(app, 0o755);
    execFileSync(process.execPath, [join(root, 'scripts/build.ts'), '--out', join(app, 'dist')]);
    copyFileSync(join(root, 'package.json'), join(app, 'package.json'));
    copyFileSync(process.execPath, join(app, 'node'));
    writeFileSync(join(app, 'crashing.mjs'), "console.error('orgkey: error: broken');process.exit(1);\n");
    buildSync({
      entryPoints: [join(root, 'test/with-systemd/inside.ts')],
      outfile: join(app, 'inside.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'error',
    });
  }

  remove(): void {
    rmSync(this.directory, {recursive: true, force: true});
  }
}

/** The home of a user with a configuration. */
export class SystemdHome {
  readonly directory = mkdtempSync('/var/lib/orgkey-test-');
  readonly #app: BuiltApp;
  readonly #uid: number;

  constructor(app: BuiltApp, uid: number, configuration: string) {
    this.#app = app;
    this.#uid = uid;
    const config = join(this.directory, 'config.yaml');
    writeFileSync(config, configuration, {mode: 0o600});
    for (const path of [this.directory, config]) chownSync(path, uid, uid);
  }

  /** Runs a scenario of inside.ts under systemd, as the owner; `onProgress` gets its lines. Returns what it found. */
  run(
    scenario: string,
    {
      onProgress,
      environment = {},
    }: {
      readonly onProgress?: (text: string) => void;
      readonly environment?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<Record<string, unknown>> {
    const app = this.#app.directory;
    const command = [join(app, 'node'), join(app, 'inside.mjs'), scenario];
    const args = ['--uid', String(this.#uid), this.directory, ...command];
    const env = {
      PATH: process.env['PATH'] ?? '',
      NODE_NO_WARNINGS: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      ...environment,
    };
    return new Promise((resolve, reject) => {
      const running = execFile(
        withSystemdUser,
        args,
        {cwd: '/', env, timeout: 10 * 60_000},
        (error, stdout, stderr) => {
          if (error !== null) reject(new Error(`${stderr}\n${this.#log()}`, {cause: error}));
          else resolve(JSON.parse(stdout));
        },
      );
      if (onProgress) running.stderr?.on('data', onProgress);
    });
  }

  /** Writes a file of the owner below the home, and returns its path. */
  write(path: string, text: string): string {
    const whole = join(this.directory, path);
    const made = mkdirSync(dirname(whole), {recursive: true});
    if (made !== undefined) execFileSync('chown', ['-R', `${this.#uid}:${this.#uid}`, made]);
    writeFileSync(whole, text);
    chownSync(whole, this.#uid, this.#uid);
    return whole;
  }

  remove(): void {
    rmSync(this.directory, {recursive: true, force: true});
  }

  #log(): string {
    return readFileSync(join(this.directory, 'systemd-user.log'), 'utf8');
  }
}
