import type {Route} from './choose-route.ts';
import {dial, withLastWords} from '../relay/dial.ts';
import {Relay, type Advice, type Relayed} from '../relay/relay.ts';
import type {HandshakeQueue} from './handshake-queue.ts';
import {openSingleUseSocket, type SocketPlace, type StartTimer} from './single-use-socket.ts';
import {connectSsh, type SshConnection} from '../relay/ssh-connection.ts';
import type {SshTarget} from '../relay/ssh-target.ts';
import {SshFailure, USE_PROXY} from '../ssh-failure.ts';
import {timedOut, type TimedOut} from '../../text/timed-out.ts';
import type {Environment} from '../../text/environment.ts';

export interface Granted {
  readonly target: SshTarget;
  /** The only command that may run there. */
  readonly command: string;
  readonly route: Route;
  readonly place: SocketPlace;
  readonly advice: Advice;
  readonly environment: Environment;
  readonly startTimer: StartTimer;
  readonly handshakes: HandshakeQueue;
}

export interface ServedGrant {
  /** Relative to the directory of the socket on which the grant was requested. */
  readonly path: string;
  /** Resolves when the grant is used up. `undefined`: no client connected. Never rejects. */
  readonly done: Promise<Relayed | undefined>;
  /** Git's side is connected, and has not received everything. */
  readonly busy: boolean;
  /** Ends the grant, even during a transfer. */
  cancel(): void;
}

/** In milliseconds, from the first packet to an authenticated connection. */
const CONNECT_DEADLINE = 10_000;

/** In milliseconds, with the time before the handshake's turn and all attempts. */
const TURN_DEADLINE = 45_000;

/** Opens the socket of a grant. Connects to the host meanwhile, so that it is ready when ssh asks. */
export async function serveGrant(granted: Granted): Promise<ServedGrant> {
  const socket = await openSingleUseSocket(granted.place, granted.startTimer);
  const abort = new AbortController();
  const connection = connectInTurn(granted, abort);
  // it may fail before the relay waits for it
  connection.catch(() => {});
  let relay: Relay | undefined;
  const serve = async (): Promise<Relayed | undefined> => {
    const git = await socket.connection;
    if (git === undefined) {
      abort.abort();
      return undefined;
    }
    abort.signal.addEventListener('abort', () => {
      if (abort.signal.reason === CANCELED) git.destroy();
    });
    const {command, advice, startTimer} = granted;
    relay = new Relay({socket: git, command, connection, advice, startTimer});
    const relayed = await relay.done;
    relay = undefined;
    abort.abort();
    return relayed;
  };
  return {
    path: socket.path,
    done: serve(),
    get busy() {
      return relay?.isFinished === false;
    },
    cancel: () => {
      socket.close();
      abort.abort(CANCELED);
    },
  };
}

const CANCELED = new SshFailure('ERR_CONNECTION_LOST', 'the daemon is about to end');

async function connectInTurn(granted: Granted, abort: AbortController): Promise<SshConnection> {
  const {target, startTimer, handshakes} = granted;
  const {host, port} = target;
  const stop = startTimer(TURN_DEADLINE, () =>
    abort.abort(
      late(
        timedOut(
          `${host} accepted no further connection`,
          TURN_DEADLINE,
          'try again, with fewer at once: git -c submodule.fetchJobs=2 …',
        ),
      ),
    ),
  );
  try {
    return await handshakes.run(`${host}:${port}`, () => connectInTime(granted, abort.signal), abort.signal);
  } finally {
    stop();
  }
}

async function connectInTime(
  {target, route, environment, startTimer}: Granted,
  ended: AbortSignal,
): Promise<SshConnection> {
  const limit = new AbortController();
  const stop = startTimer(CONNECT_DEADLINE, () =>
    limit.abort(late(timedOut(`${target.host} did not answer`, CONNECT_DEADLINE, USE_PROXY))),
  );
  const signal = AbortSignal.any([ended, limit.signal]);
  try {
    const line = await dial(target, route, environment, signal);
    return await connectSsh(target, line, signal, startTimer).catch(async (error: unknown) => {
      throw error instanceof SshFailure ? await withLastWords(error, line) : error;
    });
  } finally {
    stop();
  }
}

function late({code, message, hint}: TimedOut): SshFailure {
  return new SshFailure(code, message, {hints: [hint]});
}
