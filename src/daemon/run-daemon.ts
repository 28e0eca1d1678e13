import {dirname, join} from 'node:path';
import {setImmediate as nextTurn, setTimeout as delay} from 'node:timers/promises';
import {dropCodeOfEarlierVersions} from '../compile-cache.ts';
import {boundLog} from '../service/daemon-log.ts';
import {DISK_LIMIT, TRANSFER_LIMIT} from '../service/stop-limits.ts';
import {TIME_BUDGET} from '../time-budget.ts';
import {assemble, type Assembly} from './assemble.ts';
import {knock} from '../places/ask-socket.ts';
import {lockDirectory} from './claim.ts';
import type {GitSockets} from './git/git-sockets.ts';
import {takeInheritedSockets} from './git/inherited-sockets.ts';
import {claimPlace, placeFor, type DaemonOptions, type Place} from './place.ts';
import {refuse, succeeds} from './refuse.ts';
import {startTimer} from '../start-timer.ts';
import {watchDirectory} from './git/watch-directory.ts';

/** Renewals that are due are looked for this often, in milliseconds. */
const RENEW_EVERY = 30_000;

/** Who listens on our paths is looked at this often, in milliseconds. */
const CHECK_EVERY = 60_000;

/** What a start needs comes first, in milliseconds. */
const SETTLED_AFTER = 100;

/**
 * The life of a daemon: it takes its place, opens its sockets, serves until it is told to stop, and leaves in order.
 * Gives the exit code.
 */
export async function runDaemon(options: DaemonOptions, environment: NodeJS.ProcessEnv): Promise<number> {
  // before any file or socket is made
  process.umask(0o077);
  const stopped = stopSignal();
  const inherited = takeInheritedSockets(environment, process.pid);
  const place = placeFor(options, environment);
  const claim = () => claimPlace(place);
  try {
    claim();
  } catch (error) {
    return refuse(error, {inherited, stopped, isRepaired: () => succeeds(claim)});
  }
  try {
    await lockDirectory(place.directory);
  } catch (error) {
    return refuse(error, {inherited, stopped, isRepaired: () => false});
  }
  const assembly = assemble({place, options, environment, inherited});
  const {sockets, reload, surprised, log} = assembly;
  process.on('uncaughtException', surprised);
  // whoever read our output is gone: without a listener each line about it would be another error to report
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  process.on('SIGHUP', () => void reload().catch(surprised));
  const since = Date.now();
  try {
    await assembly.takeConfiguration();
    await sockets.openMain();
  } catch (error) {
    return refuse(error, undefined);
  }
  const isHeld = inherited.size > 0;
  // where systemd started us because a git waits, it comes before everything that only people ask for
  if (isHeld && (await isAsked(sockets)))
    await Promise.race([assembly.idle.firstRequest, delay(TIME_BUDGET.coldStart)]);
  await assembly.followFiles(since);
  await openSideServers(assembly, place);
  const why = await serve(assembly, place, {stopped, isHeld});
  log('info', `${why}: answering what is under way`);
  await leave(assembly);
  if (why === UPDATED) await knock(join(place.directory, 'git.sock'));
  return 0;
}

/** What is not there for git: a failure is told, and git is served all the same. */
async function openSideServers({side, handlers, followMetrics}: Assembly, {directory}: Place): Promise<void> {
  await side.serve('control channel', join(directory, 'control', 'control.sock'), async (path) => {
    const {serveControl} = await import('../control/control-server.ts');
    return serveControl(path, handlers);
  });
  await followMetrics();
}

interface Circumstances {
  /** Gives why. */
  readonly stopped: Promise<string>;
  /** systemd holds our sockets. */
  readonly isHeld: boolean;
}

/** Says that it is ready, and does what has to be done now and then. Gives why it is over. */
async function serve(
  assembly: Assembly,
  {directory, state}: Place,
  {stopped, isHeld}: Circumstances,
): Promise<string> {
  const {daemon, grants, supply, idle, inForce, surprised} = assembly;
  const {tokens, logins, store, program} = supply;
  const guard = () => void daemon.guard().catch(surprised);
  const isBusy = () => grants.active > 0;
  const update = Promise.withResolvers<string>();
  /** Where systemd holds the socket, nobody notices that a daemon leaves and a newer one comes. */
  const makeWay = () => {
    if (isHeld && program.isReplaced && !isBusy()) update.resolve(UPDATED);
  };
  const watches = [
    watchDirectory(directory, {onChange: guard, after: startTimer}),
    watchDirectory(dirname(program.path), {onChange: makeWay, after: startTimer}),
  ];
  process.stdout.write(`ready ${join(directory, 'git.sock')}\n`);

  const settle = async () => {
    await grants.prepare();
    const {keepSmall} = await import('./keep-small.ts');
    keepSmall();
    dropCodeOfEarlierVersions(state);
  };
  const timers = [
    setInterval(() => tokens.refreshDue(), RENEW_EVERY),
    setInterval(() => logins.dropExpired(), RENEW_EVERY),
    setInterval(guard, CHECK_EVERY),
    setInterval(makeWay, CHECK_EVERY),
    setInterval(() => void store.look(), CHECK_EVERY),
    setInterval(() => boundLog(process.stderr.fd), CHECK_EVERY),
    setTimeout(() => void settle().catch(surprised), SETTLED_AFTER),
  ];
  const idleLimit = () => inForce.configuration.settings.idleExit;
  const isIdle = idle.exceeds(idleLimit, {isBusy, every: delay});
  const why = await Promise.race([stopped, isIdle, update.promise]);
  for (const watch of watches) watch.close();
  for (const timer of timers) clearInterval(timer);
  return why;
}

/** Nobody is let in any more; whoever is under way is answered, and what is to be kept is written. */
async function leave({side, watcher, sockets, grants, supply, audit}: Assembly): Promise<void> {
  side.stop();
  watcher.close();
  const enough = delay(TRANSFER_LIMIT + DISK_LIMIT);
  const limit = setTimeout(() => sockets.destroyConnections(), TIME_BUDGET.finish);
  const answered = sockets.drain().then(() => {
    clearTimeout(limit);
    // beside the transfers, not after them: whoever does not wait for those takes nothing that was counted or typed
    return whileDiskAnswers([supply.close(), audit.flush()]);
  });
  await Promise.race([Promise.all([answered, grants.drain(TRANSFER_LIMIT)]), enough]);
  // what became of the transfers
  await whileDiskAnswers([audit.flush()]);
}

async function whileDiskAnswers(writing: readonly Promise<void>[]): Promise<void> {
  await Promise.race([Promise.all(writing), delay(DISK_LIMIT)]);
}

const UPDATED = 'orgkey was updated';

/** Whether somebody waits already: whoever connected before us is accepted in the first turn of the loop. */
async function isAsked(sockets: GitSockets): Promise<boolean> {
  for (let turn = 0; turn < 2; turn++) await nextTurn();
  return sockets.connections > 0;
}

/** Why the daemon is to end. */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => resolve(`told to stop by ${signal}`));
  });
}
