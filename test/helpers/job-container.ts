import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {GithubRunner, type JobOptions} from './pipeline-job.ts';
import {inMountNamespace} from './run-contained.ts';
import {until} from './patience.ts';

/**
 * A job of GitHub Actions in a container: its own root with the programs of this machine, its own processes, and of the
 * machine only the folders that a runner mounts. Each step is a process in it, as with `docker exec`.
 */
export class ContainerRunner extends GithubRunner {
  readonly #root: string;
  readonly #checkout = join(import.meta.dirname, '../..');
  #container: ChildProcess | undefined;
  #pid = 0;

  constructor(
    t: ExecutionContext,
    action: ConstructorParameters<typeof GithubRunner>[1],
    options: JobOptions,
  ) {
    super(t, action, options);
    this.#root = join(this.machine, 'container');
    mkdirSync(this.#root);
    Object.assign(this.environment, {HOME: '/github/home', TMPDIR: '/tmp', PATH: '/usr/bin:/bin'});
  }

  /** Starts it. `share`: folders of this machine that the test needs in it, at the same path. */
  async start(share: readonly string[]): Promise<void> {
    const make = `set -e
      root=$1 work=$2 home=$3 checkout=$4 node=$5; shift 5
      mount -n -t tmpfs -o mode=755 tmpfs "$root"
      for name in bin sbin lib lib64; do [ ! -L /$name ] || cp -P /$name "$root/$name"; done
      for directory in /usr "$@"; do mkdir -p "$root$directory"; mount -n --bind "$directory" "$root$directory"; done
      mkdir -p "$root/proc" "$root/dev" "$root/etc" "$root/tmp" "$root/__w" "$root/__e" "$root/github/home" "$root/__a"
      mount -n --bind "$work" "$root/__w"; mount -n --bind "$home" "$root/github/home"
      mount -n --bind "$checkout" "$root/__a"; mount -n --bind "$node" "$root/__e"
      mount -n -t proc proc "$root/proc"
      for device in null urandom; do : >"$root/dev/$device"; mount -n --bind /dev/$device "$root/dev/$device"; done
      echo 'root:x:0:0::/github/home:/bin/sh' >"$root/etc/passwd"
      exec /usr/sbin/chroot "$root" sh -c 'echo ready; read -r _'`;
    const [unshare, args] = inMountNamespace(
      make,
      this.#root,
      join(this.machine, 'work'),
      this.home,
      this.#checkout,
      dirname(this.node),
      ...share,
    );
    const container = spawn(unshare, ['--pid', '--fork', '--kill-child', ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#container = container;
    await once(container.stdout, 'data');
    this.#pid = await until('the first process of the container', () => childOf(container.pid ?? 0), Boolean);
  }

  /** Processes in the container, without the first one, which reaps no others: those have ended. */
  get inContainer(): readonly string[] {
    const list = readFileSync(`/proc/${this.#pid}/task/${this.#pid}/children`, 'utf8').trim();
    const states = list.split(' ').map((pid) => readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return states.filter((stat) => !/\) Z /.test(stat));
  }

  async stop(): Promise<void> {
    const container = this.#container;
    if (container === undefined || container.exitCode !== null) return;
    container.stdin?.end('\n');
    await once(container, 'close');
  }

  protected override inside(path: string): string {
    // the constructor of the runner asks before ours has run
    const checkout = join(import.meta.dirname, '../..');
    if (path === this.node) return '/__e/node';
    return path
      .replace(join(this.machine, 'work'), '/__w')
      .replace(this.home, '/github/home')
      .replace(checkout, '/__a');
  }

  protected override spawn(
    program: string,
    args: readonly string[],
    env: Record<string, string>,
  ): ChildProcess {
    const target = ['--target', String(this.#pid), '--mount', '--pid', '--root'];
    // as docker exec: the variables are those of the step only, and no shell drops names with a hyphen
    const words = [...target, 'env', '-C', this.inside(this.workspace), program, ...args];
    return spawn('nsenter', words, {env, stdio: ['ignore', 'pipe', 'pipe']});
  }
}

/** `unshare --fork` has one child. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}
