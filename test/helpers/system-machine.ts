import {execFile, spawnSync} from 'node:child_process';
import {join} from 'node:path';

const root = join(import.meta.dirname, '../..');
const withSystemdSystem = join(root, 'scripts/with-systemd-system');

/** Returns why systemd cannot be process 1 of a namespace here, or `undefined` if it can. */
export function whyNoSystem(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'only root can make the namespaces';
  const tried = spawnSync(withSystemdSystem, ['true'], {encoding: 'utf8', timeout: 120_000});
  if (tried.status === 0) return undefined;
  return tried.stderr.trim() || `with-systemd-system exits with ${tried.status}`;
}

/**
 * Boots a machine with nothing but a journal, and runs a test's script there as root. `script` is a path below the
 * checkout; `things` is a directory outside of /tmp that is visible there, with `node` in it. Changes are discarded.
 */
export function onSystemMachine(
  script: string,
  things: string,
  scenario: string,
): Promise<Record<string, unknown>> {
  const command = [join(things, 'node'), join(root, script), things, scenario];
  const args = ['--show', root, '--show', things, ...command];
  const env = {PATH: process.env['PATH'] ?? '', NODE_NO_WARNINGS: '1', LC_ALL: 'C'};
  return new Promise((resolve, reject) => {
    execFile(withSystemdSystem, args, {cwd: '/', env, timeout: 150_000}, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(stderr, {cause: error}));
      else resolve(JSON.parse(stdout));
    });
  });
}
