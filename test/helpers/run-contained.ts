import {spawnSync} from 'node:child_process';

/** Why no namespace can be made here; `undefined` where one can. */
export function whyNotContained(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'only root can make a mount namespace';
  const tried = spawnSync('unshare', ['--mount', '--propagation', 'private', 'true'], {encoding: 'utf8'});
  return tried.status === 0 ? undefined : tried.stderr?.trim() || 'there is no unshare';
}

export interface Contained {
  /** A directory of this machine that is mounted read-only as /run/orgkey: all that there is below /run. */
  readonly sockets: string;
  readonly home: string;
  /** Of nobody in particular. */
  readonly uid: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input: string;
}

/** Runs a program as a container would that has nothing but git and one mounted directory. */
export function runContained(
  command: readonly string[],
  {sockets, home, uid, environment, input}: Contained,
) {
  const script = `set -e
    sockets=$1; uid=$2; shift 2
    mkdir -p "$HOME/.mounted"; mount -n --bind "$sockets" "$HOME/.mounted"
    mount -n -t tmpfs -o mode=755 tmpfs /run
    mkdir /run/orgkey; mount -n --move "$HOME/.mounted" /run/orgkey; mount -n -o remount,bind,ro /run/orgkey
    exec setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@"`;
  const args = [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    script,
    'sh',
    sockets,
    String(uid),
    ...command,
  ];
  const {status, stdout, stderr} = spawnSync('unshare', args, {
    cwd: home,
    env: {PATH: '/usr/bin:/bin:/usr/sbin:/sbin', HOME: home, GIT_TERMINAL_PROMPT: '0', ...environment},
    input,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return {status, stdout, stderr};
}
