import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync} from 'node:fs';
import {buffer, text} from 'node:stream/consumers';
import {inMountNamespace} from './run-contained.ts';

export interface Container {
  /** An empty directory of this machine, over which the root of the container is mounted. */
  readonly root: string;
  /** A directory of this machine that is mounted read-only as /run/orgkey. */
  readonly sockets: string;
  /** Directories with programs of this machine, at the same path in the container. */
  readonly programs: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Runs a shell script as a user in a container: a root of its own with the programs of this machine, no network, and
 * its own processes. Of everything else it sees only the one mounted directory.
 */
export async function runContainer(
  script: string,
  {root, sockets, programs, environment}: Container,
): Promise<{readonly status: number | null; readonly stdout: Buffer; readonly stderr: string}> {
  mkdirSync(root, {recursive: true});
  const make = `set -e
    root=$1 sockets=$2 script=$3; shift 3
    mount -n -t tmpfs -o mode=755 tmpfs "$root"
    for name in bin sbin lib lib64; do [ ! -L /$name ] || cp -P /$name "$root/$name"; done
    for directory in /usr "$@"; do
      mkdir -p "$root$directory"; mount -n --bind "$directory" "$root$directory"
    done
    mkdir -p "$root/proc" "$root/dev" "$root/etc" "$root/home" "$root/tmp" "$root/run/orgkey"
    mount -n --bind "$sockets" "$root/run/orgkey"; mount -n -o remount,bind,ro "$root/run/orgkey"
    mount -n -t proc proc "$root/proc"
    : >"$root/dev/null"; mount -n --bind /dev/null "$root/dev/null"
    : >"$root/dev/urandom"; mount -n --bind /dev/urandom "$root/dev/urandom"
    echo 'agent:x:1000:1000::/home:/bin/sh' >"$root/etc/passwd"
    chown 1000:1000 "$root/home" "$root/tmp"
    exec /usr/sbin/chroot --userspec=1000:1000 "$root" sh -c "$script"`;
  const [unshare, args] = inMountNamespace(make, root, sockets, script, ...programs);
  const child = spawn(unshare, ['--net', '--pid', '--fork', '--kill-child', ...args], {
    env: {PATH: '/usr/bin:/bin:/usr/sbin:/sbin', HOME: '/home', ...environment},
    timeout: 120_000,
  });
  child.stdin.end();
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([buffer(child.stdout), text(child.stderr)]);
  await closed;
  return {status: child.exitCode, stdout, stderr};
}
