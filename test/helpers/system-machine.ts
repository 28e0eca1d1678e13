import {execFile, spawnSync} from 'node:child_process';
import {join} from 'node:path';
import {BuiltApp} from './systemd-home.ts';

const root = join(import.meta.dirname, '../..');
const withSystemdSystem = join(root, 'scripts/with-systemd-system');

/** Why no systemd can be process 1 of anything here; `undefined` where it can. */
export function whyNoSystem(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'only root can make the namespaces';
  const tried = spawnSync(withSystemdSystem, ['true'], {encoding: 'utf8', timeout: 120_000});
  if (tried.status === 0) return undefined;
  return tried.stderr.trim() || `with-systemd-system exits with ${tried.status}`;
}

/** A machine that boots with nothing but a journal, and orgkey as it is installed. Nothing that happens there stays. */
export class SystemMachine {
  readonly #app = new BuiltApp();

  /** Boots, runs a scenario of `inside-system.ts` as root, and gives what it found. */
  run(scenario: string): Promise<Record<string, unknown>> {
    const app = this.#app.directory;
    const inside = join(root, 'test/with-systemd/inside-system.ts');
    const args = ['--show', root, '--show', app, join(app, 'node'), inside, app, scenario];
    const env = {PATH: process.env['PATH'] ?? '', NODE_NO_WARNINGS: '1', LC_ALL: 'C'};
    return new Promise((resolve, reject) => {
      execFile(withSystemdSystem, args, {cwd: '/', env, timeout: 150_000}, (error, stdout, stderr) => {
        if (error !== null) reject(new Error(stderr, {cause: error}));
        else resolve(JSON.parse(stdout));
      });
    });
  }

  remove(): void {
    this.#app.remove();
  }
}
