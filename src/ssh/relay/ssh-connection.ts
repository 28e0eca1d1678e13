import {once} from 'node:events';
import type {Duplex} from 'node:stream';

import ssh2, {
  type ClientChannel,
  type IdentityCallback,
  type ParsedKey,
  type ServerHostKeyAlgorithm,
  type SignCallback,
} from 'ssh2';

import {isServicesSshHost} from '../../organization/ssh-remote.ts';
import {printable} from '../../text/printable.ts';
import type {Line} from './dial.ts';
import {hastenDecryption} from './hasten-decryption.ts';
import {describeHostKey, typeOfBlob, type HostKey} from '../host/host-keys.ts';
import type {SignatureAlgorithm} from '../key/algorithms.ts';
import type {SigningKey} from '../key/signing-key.ts';
import type {StartTimer} from '../grant/single-use-socket.ts';
import {SshFailure} from '../ssh-failure.ts';

export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** One of them must be shown. */
  readonly hostKeys: readonly HostKey[];
  /** The only key that is offered. */
  readonly key: Pick<SigningKey, 'publicBlob' | 'fingerprint' | 'algorithms' | 'sign'>;
  /** Whose key it is, for people: the organization. */
  readonly owner: string;
  /** What a person does about a key that is not accepted, a sentence. */
  readonly advice: string;
  /** What pins another host key, once it is confirmed: a command, or a sentence. */
  readonly howToPin: string;
}

/** A connection that is authenticated; it ends with its stream. */
export interface SshConnection {
  /**
   * Runs the one command.
   * @throws {SshFailure}
   */
  execute(command: string, gitProtocol: string | undefined): Promise<ClientChannel>;
  /** Reads nothing from the host until `resume`: what it sends waits there, not here. */
  pause(): void;
  resume(): void;
  /** Why it ended early, once it has. */
  readonly failure: SshFailure | undefined;
  close(): void;
}

/**
 * Speaks SSH over the stream: the host must show a pinned key, ours signs with SHA-2. The signal ends it.
 * @throws {SshFailure}
 */
export async function connectSsh(
  target: SshTarget,
  {stream, reader}: Line,
  signal: AbortSignal,
  startTimer: StartTimer,
): Promise<SshConnection> {
  const client = new ssh2.Client();
  const state: State = {failure: undefined, shown: undefined, ready: false};
  const end = () => stream.destroy();
  signal.addEventListener('abort', end, {once: true});
  // it can emit several errors, the first one is the reason; without a listener they would be thrown
  client.on('error', (error) => {
    state.failure ??= explain(error, target, state);
    stream.destroy();
  });
  stream.once('close', () => {
    signal.removeEventListener('abort', end);
    state.failure ??= lost(target, state);
  });
  const ready = settled(client, stream);
  client.connect({
    sock: stream,
    username: target.username,
    // exactly one key, and no attempt without one before
    authHandler: ['agent'],
    agent: new KeyAgent(target.key, (cause) => {
      // not the host's fault, whatever ssh2 makes of it
      state.failure ??= cause instanceof SshFailure ? cause : cannotSign(target, cause);
    }),
    hostVerifier: (blob: Buffer) => {
      state.shown = blob;
      return (
        target.hostKeys.some((known) => !known.revoked && known.blob.equals(blob)) && !isRevoked(blob, target)
      );
    },
    algorithms: {
      // pinned types first: a host with several keys then shows the one that is known
      serverHostKey: hostKeyAlgorithms(target.hostKeys),
      hmac: [
        'hmac-sha2-256-etm@openssh.com',
        'hmac-sha2-512-etm@openssh.com',
        'hmac-sha2-256',
        'hmac-sha2-512',
      ],
      compress: ['none'],
    },
    // the caller's signal is the only deadline
    readyTimeout: 0,
    keepaliveInterval: KEEPALIVE,
    // it would take what we do not read for silence
    keepaliveCountMax: Infinity,
  });
  await ready;
  signal.throwIfAborted();
  // once everything is encrypted, ssh2 keeps what it has decrypted and nothing of what it was given
  reader?.reuse();
  hastenDecryption(client);
  if (!state.ready && state.failure === undefined) state.ready = true;
  if (state.failure !== undefined) throw state.failure;
  endWhenSilent(stream, startTimer);
  return {
    execute: async (command, gitProtocol) => {
      const channel = await execute(client, command, gitProtocol, target, state);
      // ssh2 keeps whatever comes: a server that does not heed its window wants our memory
      stream.on('data', () => {
        if (channel.readableLength + channel.stderr.readableLength > MAX_HELD) stream.destroy();
      });
      return channel;
    },
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    get failure() {
      return state.failure;
    },
    close: () => {
      client.end();
      stream.destroy();
    },
  };
}

interface State {
  failure: SshFailure | undefined;
  /** The key that the host showed. */
  shown: Buffer | undefined;
  ready: boolean;
}

/** In milliseconds; a silent firewall forgets a connection after some minutes. */
const KEEPALIVE = 15_000;
/** So many unanswered ones end it. */
const KEEPALIVES = 20;

/** The host, not git: while git does not read, we do not either, and hear no answers. */
function endWhenSilent(stream: Duplex, startTimer: StartTimer): void {
  let unanswered = 0;
  stream.on('data', () => {
    unanswered = 0;
  });
  const count = () => {
    unanswered = stream.isPaused() ? 0 : unanswered + 1;
    if (unanswered > KEEPALIVES) stream.destroy();
    else stop = startTimer(KEEPALIVE, count);
  };
  let stop = startTimer(KEEPALIVE, count);
  stream.once('close', () => stop());
}

/** In bytes; twice the window that ssh2 gives. */
const MAX_HELD = 4 * 1024 * 1024;

/** Ready or closed, whichever comes first. */
async function settled(client: InstanceType<typeof ssh2.Client>, stream: Duplex): Promise<void> {
  const done = new AbortController();
  const {signal} = done;
  const heard = async (emitter: NodeJS.EventEmitter, event: string) =>
    once(emitter, event, {signal}).catch(() => []);
  await Promise.race([heard(client, 'ready'), heard(stream, 'close')]);
  done.abort();
}

async function execute(
  client: InstanceType<typeof ssh2.Client>,
  command: string,
  gitProtocol: string | undefined,
  target: SshTarget,
  state: State,
): Promise<ClientChannel> {
  const env = gitProtocol === undefined ? {} : {GIT_PROTOCOL: gitProtocol};
  return new Promise((resolve, reject) => {
    const refuse = (cause: unknown) =>
      reject(
        state.failure ??
          new SshFailure('ERR_EXEC_REFUSED', `${target.host} refuses to run ${command.split(' ')[0] ?? ''}`, {
            cause,
          }),
      );
    try {
      client.exec(command, {env}, (error, channel) => (error ? refuse(error) : resolve(channel)));
    } catch (error) {
      // it throws where the connection is gone already
      refuse(error);
    }
  });
}

/**
 * Stands between ssh2 and the key, so that ssh2 sees the public half only. ssh2 would fall back to SHA-1 for an RSA
 * key where the server says nothing of algorithms; a key whose type is already that of the signature leaves it none.
 */
class KeyAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #key: SshTarget['key'];
  readonly #onFailure: (cause: unknown) => void;

  constructor(key: SshTarget['key'], onFailure: (cause: unknown) => void) {
    super();
    this.#key = key;
    this.#onFailure = onFailure;
  }

  override getIdentities(give: IdentityCallback<ParsedKey>): void {
    give(
      undefined,
      this.#key.algorithms.map((algorithm) => this.#identity(algorithm)),
    );
  }

  override sign(publicKey: ParsedKey, data: Buffer, ...rest: readonly unknown[]): void {
    const give = rest.find(isSignCallback);
    const algorithm = this.#key.algorithms.find((known) => known === publicKey.type);
    if (give === undefined) return;
    if (algorithm === undefined) return give(new Error('no such key'));
    this.#key.sign(data, algorithm).then(
      (signature) => give(undefined, signature),
      (error: unknown) => {
        this.#onFailure(error);
        give(error instanceof Error ? error : new Error('the key cannot sign'));
      },
    );
  }

  #identity(algorithm: SignatureAlgorithm): ParsedKey {
    const parsed = ssh2.utils.parseKey(this.#key.publicBlob);
    if (parsed instanceof Error) throw parsed;
    return Object.defineProperty(parsed, 'type', {value: algorithm});
  }
}

function cannotSign({owner}: SshTarget, cause: unknown): SshFailure {
  return new SshFailure('ERR_KEY_HOLDER', `the key of ${owner} cannot sign`, {
    cause,
    hints: [`look at it: orgkey ssh-key list`],
  });
}

function isSignCallback(value: unknown): value is SignCallback {
  return typeof value === 'function';
}

function isRevoked(blob: Buffer, {hostKeys}: SshTarget): boolean {
  return hostKeys.some((known) => known.revoked && known.blob.equals(blob));
}

function hostKeyAlgorithms(hostKeys: readonly HostKey[]): ServerHostKeyAlgorithm[] {
  const pinned = HOST_KEY_ALGORITHMS.filter(({type}) => hostKeys.some((key) => key.type === type));
  const others = HOST_KEY_ALGORITHMS.filter((algorithm) => !pinned.includes(algorithm));
  return [...pinned, ...others].flatMap(({names}) => names);
}

/** Without `ssh-rsa`, which signs with SHA-1. */
const HOST_KEY_ALGORITHMS: readonly {
  readonly type: string;
  readonly names: readonly ServerHostKeyAlgorithm[];
}[] = [
  {type: 'ssh-ed25519', names: ['ssh-ed25519']},
  {type: 'ecdsa-sha2-nistp256', names: ['ecdsa-sha2-nistp256']},
  {type: 'ecdsa-sha2-nistp384', names: ['ecdsa-sha2-nistp384']},
  {type: 'ecdsa-sha2-nistp521', names: ['ecdsa-sha2-nistp521']},
  {type: 'ssh-rsa', names: ['rsa-sha2-512', 'rsa-sha2-256']},
];

/** What ssh2 says, in sentences that say what to do. Its errors have a `level`, and texts that are stable enough. */
function explain(
  error: Error & {level?: string; code?: string},
  target: SshTarget,
  {shown, ready}: State,
): SshFailure {
  const {host} = target;
  if (/Host denied/.test(error.message) && shown !== undefined) return wrongHostKey(shown, target);
  if (/no matching host key format/.test(error.message))
    return new SshFailure('ERR_SHA1_ONLY', `${host} signs with SHA-1 only, which can be forged`, {
      cause: error,
      hints: ['its ssh server must learn rsa-sha2-256, rsa-sha2-512, ecdsa-sha2 or ed25519: update it'],
    });
  if (/no matching/.test(error.message))
    return new SshFailure(
      'ERR_NO_COMMON_ALGORITHM',
      `${host} and orgkey have no method in common (${printable(error.message.replace(/^.*: /, ''), 80)})`,
      {cause: error, hints: ['its ssh server is too old to be talked to safely: update it']},
    );
  if (error.level === 'client-authentication')
    return new SshFailure(
      'ERR_KEY_REFUSED',
      `${host} refuses the key of ${target.owner} (${target.key.fingerprint})`,
      {cause: error, hints: [target.advice]},
    );
  if (error.level === 'client-timeout' || ready || error.level === 'client-socket')
    return lost(target, {ready}, error);
  if (/Connection lost before handshake/.test(error.message))
    return new SshFailure('ERR_CONNECTION_LOST', `${host} ended the connection before it said anything`, {
      cause: error,
      hints: ['a proxy or firewall may be in the way: see HTTPS_PROXY and ssh.proxyCommand'],
    });
  return new SshFailure('ERR_SSH_PROTOCOL', `${host} speaks no sound ssh: ${printable(error.message, 120)}`, {
    cause: error,
  });
}

function lost({host}: SshTarget, {ready}: Pick<State, 'ready'>, cause?: Error): SshFailure {
  return new SshFailure(
    'ERR_CONNECTION_LOST',
    ready ? `${host} was gone before git was done` : `${host} ended the connection during the handshake`,
    {cause, hints: ready ? ['try again'] : []},
  );
}

/** As loud as OpenSSH is: this is the one message that must not be overlooked. */
function wrongHostKey(shown: Buffer, target: SshTarget): SshFailure {
  const {host, hostKeys} = target;
  const showed = describeHostKey({type: typeOfBlob(shown) ?? 'unknown', blob: shown});
  if (isRevoked(shown, target))
    return new SshFailure(
      'ERR_HOST_KEY_REVOKED',
      `${host} shows a host key that is marked as revoked: ${showed}`,
      {
        hints: [
          'somebody else may be answering in its place: nothing was sent, ask the administrator of the host',
        ],
      },
    );
  const pinned = hostKeys.filter(({revoked}) => !revoked).map((key) => describeHostKey(key));
  return new SshFailure(
    'ERR_HOST_KEY_CHANGED',
    `THE HOST KEY OF ${host} HAS CHANGED, nothing was sent to it`,
    {
      hints: [
        'somebody may be listening in right now (a man in the middle), or the host has a new key',
        `it shows ${showed}, pinned is ${pinned.join(' or ')}`,
        `if ${isServicesSshHost(host) ? 'Microsoft' : 'its administrator'} confirms the new one: ${target.howToPin}`,
      ],
    },
  );
}
