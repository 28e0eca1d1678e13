import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {text} from 'node:stream/consumers';

/** Returns why this machine cannot make a mount namespace, or `undefined` if it can. */
export function whyNotContained(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'only root can make a mount namespace';
  const [unshare, args] = inMountNamespace('mount -n -t tmpfs none /mnt');
  const tried = spawnSync(unshare, args, {encoding: 'utf8'});
  if (tried.error) return 'unshare is not installed';
  return tried.status === 0 ? undefined : tried.stderr.trim();
}

/** A program and its arguments: a shell whose mounts are its own, and go with it. */
export function inMountNamespace(script: string, ...args: string[]): [program: string, args: string[]] {
  return ['unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...args]];
}

/** Shell, for such a namespace: what is written to /etc from here on goes with it. */
export const ownEtc = `mount -n -t tmpfs none /mnt; mkdir /mnt/u /mnt/w
  mount -n -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w /etc`;

export interface Contained {
  /** A directory of this machine that is mounted read-only as /run/orgkey: all that there is below /run. */
  readonly sockets: string;
  readonly home: string;
  /** Any user but root. */
  readonly uid: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input: string;
}

/** Runs a program as a container would that has nothing but git and one mounted directory. */
export async function runContained(
  command: readonly string[],
  {sockets, home, uid, environment, input}: Contained,
): Promise<{readonly status: number | null; readonly stdout: string; readonly stderr: string}> {
  const script = `set -e
    sockets=$1; uid=$2; shift 2
    mkdir -p "$HOME/.mounted"; mount -n --bind "$sockets" "$HOME/.mounted"
    mount -n -t tmpfs -o mode=755 tmpfs /run
    mkdir /run/orgkey; mount -n --move "$HOME/.mounted" /run/orgkey; mount -n -o remount,bind,ro /run/orgkey
    exec setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@"`;
  const [unshare, args] = inMountNamespace(script, sockets, String(uid), ...command);
  const child = spawn(unshare, args, {
    cwd: home,
    env: {PATH: '/usr/bin:/bin:/usr/sbin:/sbin', HOME: home, GIT_TERMINAL_PROMPT: '0', ...environment},
    timeout: 60_000,
  });
  child.stdin.on('error', () => undefined).end(input);
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await closed;
  return {status: child.exitCode, stdout, stderr};
}
