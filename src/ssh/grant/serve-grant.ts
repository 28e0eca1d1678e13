import type {Route} from './choose-route.ts';
import {dial, withLastWords} from '../relay/dial.ts';
import {relay, type Advice, type Relayed, type Relaying} from '../relay/relay.ts';
import {openSingleUseSocket, type SocketPlace, type StartTimer} from './single-use-socket.ts';
import {connectSsh, type SshConnection, type SshTarget} from '../relay/ssh-connection.ts';
import {SshFailure} from '../ssh-failure.ts';

export interface Granted {
  readonly target: SshTarget;
  /** All that may be run there. */
  readonly command: string;
  readonly route: Route;
  readonly place: SocketPlace;
  readonly advice: Advice;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly startTimer: StartTimer;
}

export interface ServedGrant {
  /** Relative to the directory of the socket on which it was asked for. */
  readonly path: string;
  /** When it is used up; `undefined`: nobody came. Never rejects. */
  readonly done: Promise<Relayed | undefined>;
  /** Git's side came, has not gone, and there is more for it. */
  readonly busy: boolean;
  /** Ends it, whatever goes on. */
  cancel(): void;
}

/** In milliseconds, from the first packet to an authenticated connection. */
const CONNECT_DEADLINE = 10_000;

/** Opens the socket of a grant. The host is dialed meanwhile, so that it is there when ssh asks. */
export async function serveGrant(granted: Granted): Promise<ServedGrant> {
  const socket = await openSingleUseSocket(granted.place, granted.startTimer);
  const abort = new AbortController();
  const connection = connectInTime(granted, abort);
  // whoever waits for it hears of its failure; it may fail before anybody does
  connection.catch(() => {});
  let relaying: Relaying | undefined;
  const serve = async (): Promise<Relayed | undefined> => {
    const git = await socket.connection;
    if (git === undefined) {
      abort.abort();
      return undefined;
    }
    abort.signal.addEventListener('abort', () => {
      if (abort.signal.reason === CANCELED) git.destroy();
    });
    relaying = relay(git, granted.command, connection, granted.advice, granted.startTimer);
    const relayed = await relaying.done;
    relaying = undefined;
    abort.abort();
    return relayed;
  };
  return {
    path: socket.path,
    done: serve(),
    get busy() {
      return relaying?.isFinished === false;
    },
    cancel: () => {
      socket.close();
      abort.abort(CANCELED);
    },
  };
}

const CANCELED = new SshFailure('ERR_CONNECTION_LOST', 'the daemon ends');

async function connectInTime(
  {target, route, environment, startTimer}: Granted,
  abort: AbortController,
): Promise<SshConnection> {
  const stop = startTimer(CONNECT_DEADLINE, () =>
    abort.abort(
      new SshFailure(
        'ERR_TIMEOUT',
        `${target.host} did not answer within ${CONNECT_DEADLINE / 1000} seconds`,
        {
          hints: [
            'where ssh must go through a proxy, set HTTPS_PROXY for the daemon, or ssh.proxyCommand in its configuration',
          ],
        },
      ),
    ),
  );
  try {
    const line = await dial(target, route, environment, abort.signal);
    return await connectSsh(target, line, abort.signal, startTimer).catch(async (error: unknown) => {
      throw error instanceof SshFailure ? await withLastWords(error, line) : error;
    });
  } finally {
    stop();
  }
}
