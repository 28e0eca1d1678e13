import {execFile, spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';

const root = join(import.meta.dirname, '../..');
const withPodman = join(root, 'scripts/with-podman');

/** Debian with git, OpenSSH's client and certificates. */
export const baseImage = 'localhost/orgkey-test/git';

/** Returns why containers cannot be started here, or `undefined` if they can. */
export function whyNoPodman(): string | undefined {
  if (!existsSync(join(root, '.cache/base-image/root.tar')))
    return 'no podman or no base image: scripts/test-packages podman brings both';
  const made = spawnSync(join(root, 'scripts/base-image'), {encoding: 'utf8'});
  if (made.status !== 0) return made.stderr.trim();
  const args = ['podman', 'run', '--rm', '--network', 'none', baseImage, 'true'];
  const {status, stderr} = spawnSync(withPodman, args, {encoding: 'utf8'});
  return status === 0 ? undefined : `podman starts no container here: ${stderr.trim()}`;
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs podman, buildah, or a program that calls them. */
export function runPodman(
  command: readonly [program: string, ...args: string[]],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const options = {
    env: {PATH: process.env['PATH'], ...environment},
    maxBuffer: 256 * 1024 * 1024,
    timeout: 240_000,
  };
  return new Promise((resolve) => {
    const child = execFile(withPodman, command, options, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : 1;
      resolve({status: error === null ? 0 : code, stdout, stderr});
    });
    child.stdin?.end();
  });
}

export interface Client {
  /** What is mounted read-only as /run/orgkey: a directory of this machine, or the name of a volume. */
  readonly mounted: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** More options of `podman run`. Without any, the container has no network. */
  readonly options?: readonly string[];
  readonly image?: string;
}

/** Runs a script in a container with git and one mounted directory: as uid 1000, without capabilities. */
export function runClient(script: string, {mounted, environment, options, image}: Client): Promise<Ran> {
  const variables = {
    HOME: '/tmp',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Agent',
    GIT_AUTHOR_EMAIL: 'agent@example.org',
    GIT_COMMITTER_NAME: 'Agent',
    GIT_COMMITTER_EMAIL: 'agent@example.org',
    ...environment,
  };
  return runPodman([
    'podman',
    'run',
    '--rm',
    '--user=1000:1000',
    '--cap-drop=all',
    '--security-opt=no-new-privileges',
    `--volume=${mounted}:/run/orgkey:ro`,
    ...Object.entries(variables).map(([name, value]) => `--env=${name}=${value}`),
    ...(options ?? ['--network=none']),
    image ?? baseImage,
    'sh',
    '-c',
    script,
  ]);
}
