/**
 * Submodules over ssh: through the relay, against ssh with the key file, side by side, from one OpenSSH server.
 * Run alone it prints a table: `scripts/with-node node scripts/bench/ssh.ts [megabytes]`.
 */
import {spawn} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {writeFile} from 'node:fs/promises';
import {createInterface} from 'node:readline';

import {build} from 'esbuild';

import {makePrivateKey} from '../../src/ssh/key/private-key.ts';
import {GitHome} from '../../test/helpers/git-home.ts';
import {Sshd, whyNoSshd} from '../../test/helpers/sshd.ts';
import {daemonNodeFlags} from '../../src/service/node-flags.ts';

export interface SshFigures {
  /** Medians of a whole `git ls-remote`, in milliseconds. */
  readonly lsRemote: {readonly relay: number; readonly ssh: number};
  /** A whole clone, in seconds; the best of each. */
  readonly clone: {readonly megabytes: number; readonly relay: number; readonly ssh: number};
  /** Resident memory of a process that relays such clones, in MB: before its first grant, and the most it ever had. */
  readonly memory: {readonly idle: number; readonly peak: number};
  /** The part of it that is its own: the rest is Node's program, shared with every other process of Node. */
  readonly ownMemory: {readonly idle: number; readonly peak: number};
  /** Twelve submodules with six jobs, in seconds. */
  readonly twelve: {readonly relay: number; readonly ssh: number};
}

/** Returns `undefined` if no OpenSSH server is available; the reason goes to stderr. */
export async function measureSsh({
  megabytes = 300,
  rounds = 15,
}: {readonly megabytes?: number; readonly rounds?: number} = {}): Promise<SshFigures | undefined> {
  const why = whyNoSshd();
  if (why !== undefined) {
    process.stderr.write(`ssh is not measured: ${why}\n`);
    return undefined;
  }
  const {secret, key} = await makePrivateKey();
  const privateKey = secret.revealText();
  const sshd = await Sshd.start({authorizedKeys: [key.publicLine('bench')], options: ['MaxStartups 100']});
  const home = new GitHome();
  const settings = {
    privateKey,
    organizations: ['bench'],
    host: '127.0.0.1',
    knownHosts: sshd.knownHosts(),
  };
  const relay = await startRelay(settings);
  // The memory of a process that did nothing but the clones
  const cloner = await startRelay(settings);
  const idle = memoryOf(cloner.pid, 'VmRSS');
  const ownIdle = memoryOf(cloner.pid, 'RssAnon');
  let ownPeak = ownIdle;
  const sampling = setInterval(() => {
    ownPeak = Math.max(ownPeak, memoryOf(cloner.pid, 'RssAnon'));
  }, 20);
  try {
    const small = sshd.addRepository('/bench/project/_git/small', await makeRepository(home, 'small', 0.01));
    const large = sshd.addRepository(
      '/bench/project/_git/large',
      await makeRepository(home, 'large', megabytes),
    );
    const ways = {relay: through(relay), ssh: {GIT_SSH_COMMAND: plainSsh(home, privateKey, sshd)}};
    // The relay serves only submodules, so the repository has one
    await home.succeed(['init', '-q', 'top']);
    await home.succeed(['commit', '-q', '--allow-empty', '-m', 'top'], {cwd: 'top'});
    for (let at = 0; at < 12; at++)
      await home.succeed(['submodule', '--quiet', 'add', small, `small-${at}`], {
        cwd: 'top',
        environment: ways.ssh,
      });
    await home.succeed(['commit', '-qm', 'twelve'], {cwd: 'top'});

    const inTop = (way: keyof typeof ways) => ({cwd: 'top', environment: ways[way]});
    const lsRemote = await inTurns(rounds, async (way) => home.succeed(['ls-remote', small], inTop(way)));
    const twelve = await inTurns(3, async (way) => {
      await home.succeed(['submodule', 'deinit', '-q', '--all', '-f'], {cwd: 'top'});
      rmSync(join(home.directory, 'top/.git/modules'), {recursive: true, force: true});
      await home.succeed(['init', '-q', '--bare', '.git/modules/keep'], {cwd: 'top'});
      await home.succeed(['submodule', 'update', '-q', '--init', '--jobs', '6'], inTop(way));
    });
    const clone = await inTurns(3, async (way) => {
      rmSync(join(home.directory, 'top/copy'), {recursive: true, force: true});
      const environment = way === 'ssh' ? ways.ssh : through(cloner);
      await home.succeed(['clone', '-q', '--bare', large, 'copy'], {cwd: 'top', environment});
    });
    return {
      lsRemote: {relay: median(lsRemote.relay), ssh: median(lsRemote.ssh)},
      clone: {megabytes, relay: Math.min(...clone.relay) / 1000, ssh: Math.min(...clone.ssh) / 1000},
      memory: {idle, peak: memoryOf(cloner.pid, 'VmHWM')},
      ownMemory: {idle: ownIdle, peak: ownPeak},
      twelve: {relay: Math.min(...twelve.relay) / 1000, ssh: Math.min(...twelve.ssh) / 1000},
    };
  } finally {
    clearInterval(sampling);
    await Promise.all([relay.stop(), cloner.stop()]);
    await sshd.stop();
    home.remove();
  }
}

function through({directory}: {readonly directory: string}) {
  const wrapper = join(import.meta.dirname, '../../src/shell/orgkey-ssh');
  return {ORGKEY_RUNTIME_DIR: directory, GIT_SSH_COMMAND: `'${wrapper}'`, GIT_SSH_VARIANT: 'ssh'};
}

/** Bundled, as the daemon is when it is installed: the compiler of `.ts` files alone takes 40 MB. */
async function startRelay(settings: object) {
  const bundle = join(import.meta.dirname, '../../.cache/bench');
  await build({
    entryPoints: [join(import.meta.dirname, 'grant-process.ts')],
    outdir: bundle,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    outExtension: {'.js': '.mjs'},
    external: ['cpu-features', '*.node'],
    banner: {
      js: "import {createRequire} from 'node:module'; const require = createRequire(import.meta.url); const __filename = import.meta.filename; const __dirname = import.meta.dirname;",
    },
    logLevel: 'error',
  });
  const child = spawn(process.execPath, [...daemonNodeFlags, join(bundle, 'grant-process.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(settings));
  const [directory] = (await once(createInterface(child.stdout), 'line')) as [string];
  return {
    directory,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill();
      await once(child, 'exit');
    },
  };
}

/** Makes a repository of files that do not compress, and returns its path. */
async function makeRepository(home: GitHome, name: string, megabytes: number): Promise<string> {
  await home.succeed(['init', '-q', name]);
  for (let left = megabytes, at = 0; left > 0; left -= 8, at++)
    await writeFile(join(home.directory, name, `file-${at}`), randomBytes(Math.min(left, 8) * 1024 * 1024));
  await home.succeed(['-c', 'core.bigFileThreshold=1m', 'add', '.'], {cwd: name});
  await home.succeed(['commit', '-qm', 'noise'], {cwd: name});
  return join(home.directory, name);
}

function plainSsh(home: GitHome, privateKey: string, sshd: Sshd): string {
  const key = home.write('key', privateKey, 0o600);
  const known = home.write('known', sshd.knownHosts());
  return `ssh -F none -i '${key}' -o IdentitiesOnly=yes -o 'UserKnownHostsFile="${known}"'`;
}

/** Runs both in turns, so that other load affects both. Returns milliseconds of each. */
async function inTurns(
  rounds: number,
  run: (way: 'relay' | 'ssh') => Promise<unknown>,
): Promise<{relay: number[]; ssh: number[]}> {
  const took = {relay: [] as number[], ssh: [] as number[]};
  for (let round = 0; round < rounds; round++)
    for (const way of ['relay', 'ssh'] as const) {
      const start = performance.now();
      await run(way);
      took[way].push(performance.now() - start);
    }
  return took;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
}

/** Returns MB, as the kernel counts them. */
function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM' | 'RssAnon'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+([0-9]+) kB`, 'm').exec(status)?.[1] ?? NaN) / 1024;
}

function row(what: string, relay: number, ssh: number, unit: string): string {
  const [ours, theirs] = [relay, ssh].map((value) => value.toFixed(2).padStart(9));
  return `${what.padEnd(28)}${ours}${theirs} ${unit}  ${(relay / ssh).toFixed(2)} ×\n`;
}

function grown(what: string, {idle, peak}: SshFigures['memory']): string {
  const [from, to, more] = [idle, peak, peak - idle].map((value) => value.toFixed(1));
  return `${what.padEnd(28)}${from} MB idle, ${to} at most: ${more} more\n`;
}

if (import.meta.main) {
  const figures = await measureSsh({megabytes: Number(process.argv[2] ?? 300)});
  if (figures !== undefined) {
    const {lsRemote, clone, memory, twelve} = figures;
    process.stdout.write(
      `${''.padEnd(28)}${'relay'.padStart(9)}${'ssh'.padStart(9)}\n` +
        row('git ls-remote', lsRemote.relay, lsRemote.ssh, 'ms') +
        row(`clone of ${clone.megabytes} MB`, clone.relay, clone.ssh, 's ') +
        row('12 submodules, 6 jobs', twelve.relay, twelve.ssh, 's ') +
        grown('memory', memory) +
        grown('its own part', figures.ownMemory),
    );
  }
}
