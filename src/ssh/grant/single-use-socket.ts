import {randomBytes} from 'node:crypto';
import {chmod, chown} from 'node:fs/promises';
import {createServer, type Server, type Socket} from 'node:net';
import {join} from 'node:path';

/** Where the sockets of grants lie, and who may connect. */
export interface SocketPlace {
  /** Absolute. */
  readonly directory: string;
  /** The same directory as the client knows it, relative to that of the socket it asked on; `''` or `ssh`. */
  readonly shownAs: string;
  /** Permission bits. */
  readonly mode: number;
  /** `undefined`: the daemon's own. */
  readonly groupId: number | undefined;
}

/** Runs `act` once, after so many milliseconds; the answer cancels it. */
export type StartTimer = (milliseconds: number, act: () => void) => () => void;

interface SingleUseSocket {
  /** Relative to the directory of the socket on which it was asked for: a container sees another absolute path. */
  readonly path: string;
  /** The one connection; `undefined` where nobody came. */
  readonly connection: Promise<Socket | undefined>;
  close(): void;
}

/** In milliseconds; the wrapper connects some milliseconds after it was answered. */
const WAIT = 30_000;

/** In bytes; less makes a long transfer stop and go. */
const WRITTEN_AHEAD = 256 * 1024;

/**
 * Listens for one connection. The path is gone with the first one, or after 30 s.
 * @throws where the directory is not there or not ours.
 */
export async function openSingleUseSocket(
  place: SocketPlace,
  startTimer: StartTimer,
): Promise<SingleUseSocket> {
  const name = randomBytes(12).toString('hex');
  const path = join(place.directory, name);
  const {promise: connection, resolve} = Promise.withResolvers<Socket | undefined>();
  const server = createServer({highWaterMark: WRITTEN_AHEAD});
  server.maxConnections = 1;
  const close = () => {
    stopTimer();
    // the path is unlinked at once; a second client that was already queued is cut off
    server.close();
    resolve(undefined);
  };
  const stopTimer = startTimer(WAIT, close);
  server.once('connection', (socket) => {
    resolve(socket);
    close();
  });
  await listen(server, path);
  // the umask leaves it ours alone until here
  if (place.groupId !== undefined) await chown(path, -1, place.groupId);
  await chmod(path, place.mode);
  return {path: join(place.shownAs, name), connection, close};
}

async function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({path, backlog: 1}, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
