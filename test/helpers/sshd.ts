import {execFileSync, spawn, type ChildProcess} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir, userInfo} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {freePort} from './free-port.ts';
import {tether} from './tether.ts';

const cache = join(import.meta.dirname, '../../.cache/sshd');
/** An ordinary user's uid for the server, even if the tests run as root. */
const ORDINARY_USER = 65_534;

/** Returns why a real OpenSSH server is not available here, or `undefined` if it is. */
export function whyNoSshd(): string | undefined {
  if (!existsSync(join(cache, 'bin/sshd'))) return 'no OpenSSH server: scripts/test-packages sshd brings one';
  if (userInfo().uid !== 0) return undefined;
  try {
    execFileSync('unshare', ['--mount', 'true'], {stdio: 'ignore'});
    execFileSync('setpriv', ['--version'], {stdio: 'ignore'});
    return undefined;
  } catch {
    return 'no namespace of its own for the OpenSSH server, which does not run as root here';
  }
}

/** A real OpenSSH server on loopback that serves the bare repositories below a directory, read-only. */
export class Sshd {
  readonly directory: string;
  readonly port: number;
  readonly username: string;
  /** The lines of the server's log. */
  readonly log: readonly string[];
  readonly #child: ChildProcess;

  private constructor(
    directory: string,
    port: number,
    username: string,
    child: ChildProcess,
    log: readonly string[],
  ) {
    this.log = log;
    this.directory = directory;
    this.port = port;
    this.username = username;
    this.#child = child;
  }

  /** `hostKeys`: types for `ssh-keygen -t`; `options`: lines for its configuration. */
  static async start({
    authorizedKeys,
    hostKeys = ['ed25519'],
    options = [],
  }: {
    authorizedKeys: readonly string[];
    hostKeys?: readonly string[];
    options?: readonly string[];
  }): Promise<Sshd> {
    const directory = mkdtempSync(join(tmpdir(), 'sshd-'));
    const isRoot = userInfo().uid === 0;
    const username = isRoot ? 'git' : userInfo().username;
    const port = await freePort();
    const write = (name: string, text: string, mode = 0o600) => {
      writeFileSync(join(directory, name), text, {mode});
      return join(directory, name);
    };
    for (const type of hostKeys)
      execFileSync('ssh-keygen', [
        '-q',
        '-t',
        type,
        '-N',
        '',
        '-C',
        '',
        '-f',
        join(directory, `host-${type}`),
      ]);
    const serve = write(
      'serve',
      `#!/bin/sh
printf '%s %s\\n' "\${GIT_PROTOCOL:--}" "$SSH_ORIGINAL_COMMAND" >> ${directory}/commands
path=\${SSH_ORIGINAL_COMMAND#*\\'}
path=\${path%\\'}
case $SSH_ORIGINAL_COMMAND in
  "git-upload-pack '"*) exec git -c safe.directory='*' upload-pack "${directory}/repositories$path" ;;
esac
echo 'this server only reads' >&2
exit 3
`,
      0o755,
    );
    write('commands', '');
    mkdirSync(join(directory, 'repositories'));
    const configuration = write(
      'config',
      [
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        ...hostKeys.map((type) => `HostKey ${join(directory, `host-${type}`)}`),
        `AuthorizedKeysFile ${write('authorized', authorizedKeys.map((line) => `${line}\n`).join(''))}`,
        'AuthenticationMethods publickey',
        'StrictModes no',
        'UsePAM no',
        'PidFile none',
        'AcceptEnv GIT_PROTOCOL',
        `ForceCommand ${serve}`,
        'LogLevel VERBOSE',
        ...options,
        '',
      ].join('\n'),
    );
    const sshd = [join(cache, 'bin/sshd'), '-D', '-e', '-f', configuration];
    // If we are root, the server runs as an ordinary user with a shell, in a namespace that knows that user
    if (isRoot) {
      const users = write('passwd', `git:x:${ORDINARY_USER}:${ORDINARY_USER}::${directory}:/bin/sh\n`, 0o644);
      for (const name of readdirSync(directory))
        chownSync(join(directory, name), ORDINARY_USER, ORDINARY_USER);
      chownSync(directory, ORDINARY_USER, ORDINARY_USER);
      const inside = `mount --bind '${users}' /etc/passwd && exec setpriv --reuid ${ORDINARY_USER} --regid ${ORDINARY_USER} --clear-groups "$@"`;
      sshd.unshift('unshare', '--mount', '--propagation', 'private', 'sh', '-c', inside, 'sh');
    }
    const [program = '', ...args] = sshd;
    const child = spawn(program, args, {stdio: ['ignore', 'ignore', 'pipe']});
    tether(child);
    const log: string[] = [];
    await listening(child, log);
    return new Sshd(directory, port, username, child, log);
  }

  /** Makes a bare repository from a directory or another repository; `path` begins with a slash. */
  addRepository(path: string, from: string): string {
    execFileSync('git', ['clone', '-q', '--bare', from, join(this.directory, 'repositories', path)]);
    chmodSync(join(this.directory, 'repositories'), 0o755);
    return this.url(path);
  }

  url(path: string): string {
    return `ssh://${this.username}@127.0.0.1:${this.port}${path}`;
  }

  /** Returns all commands that were requested, each with git's protocol version before it. */
  get commands(): string[] {
    return readFileSync(join(this.directory, 'commands'), 'utf8').split('\n').filter(Boolean);
  }

  /** Returns lines for known_hosts. */
  knownHosts(...types: readonly string[]): string {
    return readdirSync(this.directory)
      .filter((name) => /^host-[a-z0-9]+\.pub$/.test(name))
      .filter((name) => types.length === 0 || types.includes(name.slice(5, -4)))
      .map((name) => `[127.0.0.1]:${this.port} ${readFileSync(join(this.directory, name), 'utf8').trim()}\n`)
      .join('');
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill();
    await ended;
    rmSync(this.directory, {recursive: true, force: true, maxRetries: 5});
  }
}

async function listening(child: ChildProcess, log: string[]): Promise<void> {
  if (child.stderr === null) throw new Error('no log');
  const lines = createInterface(child.stderr);
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      log.push(line);
      if (line.startsWith('Server listening')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`sshd ended with ${String(code)}: ${log.join('\n')}`)));
  });
}
