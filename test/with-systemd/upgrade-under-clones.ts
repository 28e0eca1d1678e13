// Upgrades orgkey again and again while a user's clones run.
import {execFile} from 'node:child_process';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {askPath} from '../helpers/daemon.ts';
import {NEWER, OLDER} from '../helpers/two-versions.ts';

export interface Upgrading {
  readonly home: string;
  /** The PATH of the machine, with Node's directory first. */
  readonly path: string;
  /** Holds the two tarballs. */
  readonly packages: string;
  readonly tell: (what: string) => void;
}

/** Clones that run at any time. */
const CLONERS = 2;

/** Clones that end between two upgrades. */
const BETWEEN = 4;

/**
 * Installs the older version and sets it up. Then, while clones run, installs each version over the other, and either
 * restarts the service or leaves that to the daemon.
 */
export async function upgrade({home, path, packages, tell}: Upgrading): Promise<unknown> {
  const prefix = join(home, 'prefix');
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${join(prefix, 'bin')}:${path}`,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
  };
  const urls: readonly string[] = (env['ORGKEY_CLONES'] ?? '').split(' ');
  const socket = join(env['XDG_RUNTIME_DIR'] ?? '', 'orgkey/git.sock');
  const install = async (version: string) => {
    const tarball = join(packages, `orgkey-${version}.tgz`);
    const flags = ['--ignore-scripts', '--offline', '--silent', '--no-audit', '--no-fund'];
    await succeed(['npm', 'install', '--global', ...flags, '--prefix', prefix, tarball]);
  };

  await install(OLDER);
  await succeed(['orgkey', 'setup', '--config', join(home, 'config.yaml')]);
  let clones = 0;
  const over = new AbortController();
  const failures: string[] = [];
  const cloners = Array.from({length: CLONERS}, async (_, cloner) => {
    for (let at = cloner; !over.signal.aborted; at += CLONERS) {
      const directory = join(home, `clone-${cloner}`);
      const cloned = await run([
        'git',
        'clone',
        '-q',
        '--recurse-submodules',
        urls[at % urls.length] ?? '',
        directory,
      ]);
      clones++;
      if (cloned.code !== 0) failures.push(`clone ${at}: ${cloned.stderr}`);
      rmSync(directory, {recursive: true, force: true});
    }
  });

  const upgrades = Number(env['ORGKEY_UPDATES'] ?? 4);
  const served: string[] = [];
  for (let round = 0; round < upgrades; round++) {
    const version = round % 2 === 0 ? NEWER : OLDER;
    const isRestarted = round % 4 === 0;
    await moreClones();
    await install(version);
    if (isRestarted) await succeed(['orgkey', 'service', 'restart']);
    else await until(async () => (await versionThatAnswers()) === version);
    served.push(await versionThatAnswers());
    tell(`${clones} clones, ${failures.length} failed; ${version} is installed`);
  }
  await moreClones();
  over.abort();
  await Promise.all(cloners);
  return {failures, served, clones, upgrades};

  async function moreClones(): Promise<void> {
    const target = clones + BETWEEN;
    await until(async () => clones >= target);
  }

  async function versionThatAnswers(): Promise<string> {
    const answer = await askPath(socket, 'action=hello\ntimeout=0\nnonce=1\n').catch(String);
    return /^version=(.*)$/m.exec(answer)?.[1] ?? answer;
  }

  function run([program = '', ...args]: readonly string[]) {
    return new Promise<{readonly code: number | string; readonly stdout: string; readonly stderr: string}>(
      (resolve) => {
        execFile(program, args, {env, cwd: home, timeout: 60_000}, (error, stdout, stderr) =>
          resolve({code: error === null ? 0 : (error.code ?? error.signal ?? 1), stdout, stderr}),
        );
      },
    );
  }

  async function succeed(command: readonly string[]): Promise<void> {
    const {code, stdout, stderr} = await run(command);
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  }
}

/** Polls until a condition holds. @throws after half a minute. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await isSo()); waited += 20) {
    if (waited > 30_000) throw new Error(`this never became true: ${isSo.toString()}`);
    await wait(20);
  }
}
