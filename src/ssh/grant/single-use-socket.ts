import {randomBytes} from 'node:crypto';
import {createServer, type Server, type Socket} from 'node:net';
import {join} from 'node:path';
import {giveAccess} from '../../files/give-access.ts';

/** The directory of the sockets of grants, and who may connect. */
export interface SocketPlace {
  /** Absolute. */
  readonly directory: string;
  /** The same directory, relative to that of the socket on which the client asked: `''` or `ssh`. */
  readonly shownAs: string;
  /** Permission bits. */
  readonly mode: number;
  /** `undefined`: the daemon's own. */
  readonly groupId: number | undefined;
}

/** Runs `act` once after `milliseconds`. Returns a function that cancels it. */
export type StartTimer = (milliseconds: number, act: () => void) => () => void;

interface SingleUseSocket {
  /** Relative to the directory of the socket on which the grant was requested: containers see other absolute paths. */
  readonly path: string;
  /** The one connection. `undefined`: no client connected in time. */
  readonly connection: Promise<Socket | undefined>;
  close(): void;
}

/** In milliseconds; the wrapper connects some milliseconds after its answer. */
const WAIT = 30_000;

/** In bytes; with less, a long transfer stops often. */
const WRITTEN_AHEAD = 256 * 1024;

/**
 * Listens for one connection. The path is removed after the first, or after 30 s.
 * @throws {Error} the system's, if the directory does not exist or is not ours.
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
    // this removes the path at once, and ends a second client that is already queued
    server.close();
    resolve(undefined);
  };
  const stopTimer = startTimer(WAIT, close);
  server.once('connection', (socket) => {
    resolve(socket);
    close();
  });
  await listen(server, path);
  giveAccess(path, {mode: place.mode, group: place.groupId});
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
