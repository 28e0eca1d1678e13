import {createHash} from 'node:crypto';
import {createServer, type Server as NetServer, type Socket} from 'node:net';
import {setTimeout as wait} from 'node:timers/promises';
import ssh2 from 'ssh2';
import type {AuthContext, Connection, PublicKeyAuthContext, ServerChannel} from 'ssh2';
import type {AzureDevOps} from './azure-devops.ts';
import type {Fault, Faults} from './faults.ts';
import type {GitProgram} from './git-program.ts';
import {resetConnection} from './http-exchange.ts';
import type {Records, SshRecord} from './records.ts';
import type {Repository} from './repositories.ts';

/** ssh2's names: `serverHostKey`, `kex`, `cipher`, `hmac`. */
export type SshAlgorithms = Readonly<Record<string, readonly string[]>>;

interface Key {
  readonly fingerprint: string;
  readonly blob: string;
}
interface Command {
  readonly service: 'git-upload-pack' | 'git-receive-pack';
  readonly segments: readonly string[];
}

/**
 * The SSH side of Azure DevOps: it accepts every key and decides at the command, by the key, whether it belongs to the
 * organization. Everything that clients ask for is recorded, refused or not.
 */
export class SshServer {
  readonly #listener: NetServer;
  readonly #sockets = new Set<Socket>();
  readonly #azureDevOps: AzureDevOps;
  readonly #git: GitProgram;
  readonly #records: Records<SshRecord>;
  readonly #faults: Faults;
  #server: ssh2.Server;
  #hostKey: string;
  #algorithms: SshAlgorithms = {serverHostKey: ['rsa-sha2-512', 'rsa-sha2-256']};
  #connections = 0;

  constructor({
    hostKey,
    azureDevOps,
    git,
    records,
    faults,
  }: {
    /** PEM, PKCS#1. */
    hostKey: string;
    azureDevOps: AzureDevOps;
    git: GitProgram;
    records: Records<SshRecord>;
    faults: Faults;
  }) {
    this.#hostKey = hostKey;
    this.#azureDevOps = azureDevOps;
    this.#git = git;
    this.#records = records;
    this.#faults = faults;
    this.#server = this.#build();
    this.#listener = createServer((socket) => this.accept(socket, '127.0.0.1'));
  }

  get port(): number {
    const address = this.#listener.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** For `known_hosts`: the type and the key. */
  get publicHostKey(): string {
    const key = ssh2.utils.parseKey(this.#hostKey);
    if (key instanceof Error) throw key;
    return `${key.type} ${key.getPublicSSH().toString('base64')}`;
  }

  /** PEM. */
  get hostKey(): string {
    return this.#hostKey;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#listener.once('error', reject);
      this.#listener.listen(0, '127.0.0.1', resolve);
    });
  }

  /** For connections from now on. A SHA-1 only server has `{serverHostKey: ['ssh-rsa']}`; the real one refuses that, fact 64. */
  configure({algorithms, hostKey}: {algorithms?: SshAlgorithms; hostKey?: string}): void {
    this.#algorithms = algorithms ?? this.#algorithms;
    this.#hostKey = hostKey ?? this.#hostKey;
    this.#server = this.#build();
  }

  /** Serves a socket that came for this host. */
  accept(socket: Socket, host: string): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.setNoDelay(true);
    const connection = (this.#connections += 1);
    const fault = this.#faults.take({endpoint: 'ssh', host, stage: 'connection'});
    this.#records.add({at: Date.now(), kind: 'connection', connection, host});
    this.#admit(socket, {host, connection}, fault).catch(() => socket.destroy());
  }

  async #admit(
    socket: Socket,
    about: {host: string; connection: number},
    fault: Fault | undefined,
  ): Promise<void> {
    if (fault?.delay) await wait(fault.delay);
    if (fault?.hang) return;
    if (fault?.reset) return resetConnection(socket);
    connectionOf.set(socket, about);
    this.#server.injectSocket(socket);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#listener.close(resolve));
  }

  #build(): ssh2.Server {
    return new ssh2.Server(
      {
        hostKeys: [this.#hostKey],
        algorithms: this.#algorithms,
        ident: 'SSHBlackbox.10',
      },
      (connection) => this.#serve(connection),
    );
  }

  #serve(connection: Connection): void {
    const socket = (connection as unknown as {_sock: Socket})._sock;
    const about = connectionOf.get(socket) ?? {host: '127.0.0.1', connection: 0};
    const record = (fields: Omit<SshRecord, 'number' | 'at' | 'host' | 'connection'>): SshRecord =>
      this.#records.add({at: Date.now(), ...about, ...fields});
    let user = '';
    let key: Key | undefined;
    const environment: NodeJS.ProcessEnv = {};
    connection.on('error', () => undefined);
    connection.on('authentication', (context: AuthContext) => {
      user = context.username;
      if (context.method !== 'publickey') return context.reject(['publickey']);
      key = keyOf(context);
      const {signature, blob, hashAlgo} = context;
      if (!signature || !blob) return context.accept();
      const parsed = ssh2.utils.parseKey(context.key.data);
      // An error comes as a value, whatever the types say
      const verdict: unknown = parsed instanceof Error ? parsed : parsed.verify(blob, signature, hashAlgo);
      const isGenuine = verdict === true;
      record({
        kind: 'authentication',
        user,
        key: key.fingerprint,
        algorithm: algorithmOf(context),
        allowed: isGenuine,
      });
      return isGenuine ? context.accept() : context.reject(['publickey']);
    });
    connection.on('request', (_accept, reject, name) => {
      record({kind: 'forward', user, command: name, allowed: false});
      reject?.();
    });
    for (const kind of ['tcpip', 'openssh.streamlocal'] as const)
      connection.on(kind as 'tcpip', (_accept: unknown, reject: () => void) => {
        record({kind: 'forward', user, command: kind, allowed: false});
        reject();
      });
    connection.on('session', (accept) => {
      const session = accept();
      session.on('env', (accept, _reject, {key: name, val}) => {
        record({kind: 'env', user, variable: `${name}=${val}`, allowed: name === 'GIT_PROTOCOL'});
        if (name === 'GIT_PROTOCOL') environment['GIT_PROTOCOL'] = val;
        // oxlint-disable-next-line typescript/no-unnecessary-condition -- undefined if the client wants no reply
        accept?.();
      });
      for (const kind of ['pty', 'x11', 'auth-agent'] as const)
        session.on(kind as 'pty', (_accept: unknown, reject?: () => void) => {
          record({kind: kind === 'auth-agent' ? 'agent' : kind, user, allowed: false});
          reject?.();
        });
      session.on('subsystem', (_accept, reject, {name}) => {
        record({kind: 'subsystem', user, command: name, allowed: false});
        reject();
      });
      session.on('shell', (accept) => {
        record({kind: 'shell', user, allowed: false});
        // fact 67
        refuse(accept(), 'remote: Shell access is not supported.', 255);
      });
      session.on('exec', (accept, _reject, {command}) => {
        const entry = record({kind: 'exec', user, command, ...(key ? {key: key.fingerprint} : {})});
        const channel = accept();
        const {host} = about;
        this.#execute(channel, {command, user, key, entry, environment, socket, host}).catch(
          // A defect of the cloud: the test must see it
          (error: unknown) => refuse(channel, `the test cloud failed: ${String(error)}`, 255),
        );
      });
    });
  }

  async #execute(channel: ServerChannel, asked: Execution): Promise<void> {
    const {command, user, entry, socket, host} = asked;
    channel.on('error', () => undefined);
    const finish = (status: number): void => {
      entry.status = status;
      this.#records.changed();
    };
    const parsed = parseCommand(command);
    const target = parsed && this.#azureDevOps.findOverSsh(host, user, parsed.segments);
    const fault = this.#faults.take({
      endpoint: 'ssh',
      host,
      stage: 'exec',
      ...(parsed ? {service: parsed.service} : {}),
      ...(target ? {organization: target.organization.name} : {}),
    });
    if (fault?.delay) await wait(fault.delay);
    if (fault?.hang) return;
    if (fault?.reset) return resetConnection(socket);
    if (fault?.status !== undefined || fault?.body !== undefined) {
      finish(fault.status ?? 1);
      return refuse(channel, typeof fault.body === 'string' ? fault.body : '', fault.status ?? 1);
    }
    const found = this.#authorize(asked, parsed, target);
    entry.allowed = found.kind === 'allowed';
    if (found.kind === 'denied') {
      finish(found.status);
      return refuse(channel, found.message, found.status);
    }
    const {repository, service} = found;
    await repository.ready();
    const child = this.#git.start([service.slice('git-'.length), repository.directory], asked.environment);
    relay(channel, child, {socket, truncate: fault?.truncate, finish});
  }

  #authorize(
    {key}: Execution,
    command: Command | undefined,
    target: ReturnType<AzureDevOps['findOverSsh']>,
  ): {kind: 'allowed'; repository: Repository; service: Command['service']} | Denial {
    if (!command)
      return denied('remote: This service allows only git-upload-pack and git-receive-pack.', 255);
    const known = key && target?.organization.sshKey(key.blob);
    if (!target || !known || known.expired) return denied('remote: Public key authentication failed.', 1);
    const repository = target.organization.repository(target.project, target.name);
    if (!repository)
      return denied(
        `remote: TF401019: The Git repository with name or identifier ${target.name} does not exist or you do not have permissions for the operation you are attempting.`,
        1,
      );
    return {kind: 'allowed', repository, service: command.service};
  }
}

interface Denial {
  readonly kind: 'denied';
  readonly message: string;
  readonly status: number;
}

function denied(message: string, status: number): Denial {
  return {kind: 'denied', message, status};
}

interface Execution {
  readonly command: string;
  readonly user: string;
  readonly key: Key | undefined;
  readonly entry: SshRecord;
  readonly environment: NodeJS.ProcessEnv;
  readonly socket: Socket;
  readonly host: string;
}

/** Connects git with the channel until git ends. */
function relay(
  channel: ServerChannel,
  child: ReturnType<GitProgram['start']>,
  {
    socket,
    truncate,
    finish,
  }: {socket: Socket; truncate: number | undefined; finish: (status: number) => void},
): void {
  let left = truncate ?? Infinity;
  if (left < Infinity)
    child.stdout.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left <= 0) resetConnection(socket);
    });
  // Pipes wait for the channel's window on one side and for git on the other: nothing piles up
  child.stdout.pipe(channel, {end: false});
  child.stderr.pipe(channel.stderr, {end: false});
  channel.pipe(child.stdin);
  socket.once('close', () => child.kill());
  child.once('close', (status: number | null) => {
    finish(status ?? 255);
    // After all that was written, so that the status does not overtake the data
    channel.write('', () => {
      channel.exit(status ?? 255);
      channel.end();
    });
  });
}

/** Which host a socket was opened for: ssh2 keeps nothing that was known before it. */
const connectionOf = new WeakMap<Socket, {host: string; connection: number}>();

function keyOf({key}: PublicKeyAuthContext): Key {
  const digest = createHash('sha256').update(key.data).digest('base64').replace(/=+$/, '');
  return {fingerprint: `SHA256:${digest}`, blob: key.data.toString('base64')};
}

function refuse(channel: ServerChannel, message: string, status: number): void {
  channel.stderr.write(`${message}\n`, () => {
    channel.exit(status);
    channel.end();
  });
}

/** ssh2 names the key's algorithm, but the hash of an RSA signature apart. */
function algorithmOf({key, hashAlgo}: PublicKeyAuthContext): string {
  if (hashAlgo === undefined || key.algo !== 'ssh-rsa') return key.algo;
  return hashAlgo === 'sha1' ? 'ssh-rsa' : `rsa-sha2-${hashAlgo.slice(3)}`;
}

/** The two commands of git, with the decoded segments of the path. */
export function parseCommand(command: string): Command | undefined {
  const match = /^(git-upload-pack|git-receive-pack|git upload-pack|git receive-pack) '?([^']*)'?$/.exec(
    command,
  );
  if (!match) return undefined;
  const service = match[1]?.endsWith('upload-pack') ? 'git-upload-pack' : 'git-receive-pack';
  return {service, segments: (match[2] ?? '').split('/').filter(Boolean).map(decode)};
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
