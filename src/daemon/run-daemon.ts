import {dirname, join} from 'node:path';
import {setImmediate as nextTurn, setTimeout as delay} from 'node:timers/promises';
import {dropCodeOfEarlierVersions} from '../compile-cache.ts';
import {boundLog} from '../service/daemon-log.ts';
import {DISK_LIMIT, TRANSFER_LIMIT} from '../service/stop-limits.ts';
import type {Reading} from './apply-configuration.ts';
import {assemble, type Assembly} from './assembly/assemble.ts';
import {lockDirectory} from './claim.ts';
import {failStart, succeeds} from './fail-start.ts';
import type {GitSockets} from './git/git-sockets.ts';
import {peerCredentials} from './git/peer-credentials.ts';
import {placeFile} from './git/place-file.ts';
import {takeInheritedSockets} from './git/inherited-sockets.ts';
import {watchDirectory} from './git/watch-directory.ts';
import {loadStore} from './supply/token-supply.ts';
import {claimPlace, placeFor, type DaemonOptions, type Place} from './place.ts';
import {feedWatchdog, takeNotifySocket} from './watchdog.ts';
import {loadAdvice} from '../entra/acquire.ts';
import {knock} from '../places/ask-socket.ts';
import {startTimer} from '../start-timer.ts';
import {TIME_BUDGET} from '../time-budget.ts';
import {VERSION} from '../version.ts';

/** How often we look for tokens to renew, in milliseconds. */
const RENEW_EVERY = 30_000;

/** How often we check the sockets, the program, the store and the log, in milliseconds. */
const CHECK_EVERY = 60_000;

/** How often audit files that are too old are removed, in milliseconds. */
const RETAIN_EVERY = 60 * 60_000;

/** How long after the start the work that is not urgent begins, in milliseconds. */
const SETTLED_AFTER = 100;

/**
 * Runs a daemon: takes its place, opens its sockets, serves until a signal stops it, and leaves in order. Returns the
 * exit code.
 */
export async function runDaemon(options: DaemonOptions, environment: NodeJS.ProcessEnv): Promise<number> {
  // before any file or socket is made
  process.umask(0o077);
  const stopped = stopSignal();
  const inherited = takeInheritedSockets(environment, process.pid);
  const report = takeNotifySocket(environment);
  const place = placeFor(options, environment);
  const askingPeer = peerCredentials();
  const claim = () => claimPlace(place);
  try {
    claim();
  } catch (error) {
    return failStart(error, {inherited, stopped, isRepaired: () => succeeds(claim)});
  }
  try {
    await lockDirectory(place.directory);
  } catch (error) {
    return failStart(error, {inherited, stopped, isRepaired: () => false});
  }
  const assembly = assemble({place, options, environment, inherited, askPeer: await askingPeer});
  const {git, configuration, logging} = assembly;
  handleProcessEvents(assembly);
  git.audit.note({event: 'start', outcome: `orgkey ${VERSION}`, pid: process.pid});
  let reading: Reading;
  try {
    reading = await configuration.begin();
    await git.sockets.openMain();
  } catch (error) {
    return failStart(error, undefined);
  }
  const isHeld = inherited.size > 0;
  // if systemd started us because a git waits, that git precedes what only users and tools ask for
  if (isHeld && (await isAsked(git.sockets)))
    await Promise.race([git.idle.firstRequest, delay(TIME_BUDGET.coldStart)]);
  await openControl(assembly, place);
  await configuration.finish(reading);
  const why = await serve(assembly, place, {stopped, isHeld, report, environment});
  logging.log('info', `${why}: answering the requests that are under way`);
  await leave(assembly, why);
  if (why === UPDATED) await knock(join(place.directory, 'git.sock'));
  return 0;
}

function handleProcessEvents({logging, configuration}: Assembly): void {
  process.on('uncaughtException', logging.onUnexpected);
  // if the reader of our output has gone, each line about that would be another error
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  process.on('SIGHUP', () => configuration.reloadInBackground());
}

async function openControl({side, loadControl}: Assembly, {directory}: Place): Promise<void> {
  await side.serve('control channel', join(directory, 'control', 'control.sock'), async (path) => {
    const {serveControl} = await import('../control/control-server.ts');
    const {handlers} = await loadControl();
    const server = await serveControl(path, handlers);
    // for the command line, if we hang
    placeFile(join(dirname(path), 'pid'), `${process.pid}\n`, 0o600);
    return server;
  });
}

interface Circumstances {
  /** Resolves with the reason. */
  readonly stopped: Promise<string>;
  /** Whether systemd holds our sockets. */
  readonly isHeld: boolean;
  readonly report: ReturnType<typeof takeNotifySocket>;
  readonly environment: NodeJS.ProcessEnv;
}

/** Reports that the daemon is ready, and does the recurring work. Returns why the daemon ends. */
async function serve(
  assembly: Assembly,
  {directory, state}: Place,
  {stopped, isHeld, report, environment}: Circumstances,
): Promise<string> {
  const {git, gateways, supply, inForce, logging} = assembly;
  const {tokens, logins, store, program} = supply;
  const {onUnexpected} = logging;
  const checkSockets = () => void git.guard.check().catch(onUnexpected);
  const isBusy = () => git.grants.active > 0 || gateways.underWay > 0;
  const update = Promise.withResolvers<string>();
  /** Ends a replaced daemon if systemd holds the socket: git does not notice the change. */
  const makeWay = () => {
    if (isHeld && program.isReplaced && !isBusy()) update.resolve(UPDATED);
  };
  const watches = [
    watchDirectory(directory, {onChange: checkSockets, after: startTimer}),
    watchDirectory(dirname(program.path), {onChange: makeWay, after: startTimer}),
  ];
  process.stdout.write(`ready ${join(directory, 'git.sock')}\n`);
  let control: ReturnType<Assembly['loadControl']> | undefined;
  const stopFeeding = feedWatchdog(report, startTimer, async () => {
    control ??= assembly.loadControl();
    const {handlers} = await control;
    const {statusLine} = await import('./status/status-line.ts');
    return statusLine(await handlers.status());
  });

  const timers = [
    setInterval(() => tokens.refreshDue(), RENEW_EVERY),
    setInterval(() => logins.dropExpired(), RENEW_EVERY),
    setInterval(checkSockets, CHECK_EVERY),
    setInterval(makeWay, CHECK_EVERY),
    setInterval(() => void store.look(), CHECK_EVERY),
    setInterval(() => boundLog(process.stderr.fd), CHECK_EVERY),
    setInterval(() => void git.audit.applyRetention(), RETAIN_EVERY),
    setTimeout(() => void settle(assembly, state, environment).catch(onUnexpected), SETTLED_AFTER),
  ];
  const idleLimit = () => inForce.configuration.settings.idleExit;
  const isIdle = git.idle.exceeds(idleLimit, {isBusy, every: delay});
  const why = await Promise.race([stopped, isIdle, update.promise]);
  stopFeeding();
  for (const watch of watches) watch.close();
  for (const timer of timers) clearInterval(timer);
  return why;
}

/** Does what a start has no time for. */
async function settle(assembly: Assembly, state: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const {git} = assembly;
  await git.grants.prepare();
  await Promise.all([loadAdvice(), loadStore()]);
  await git.audit.applyRetention();
  if (Object.keys(environment).some((name) => name.startsWith('OTEL_EXPORTER_OTLP_'))) {
    const {serveOtlp} = await import('./otlp/serve-otlp.ts');
    await serveOtlp(assembly, environment);
  }
  const {keepSmall} = await import('./keep-small.ts');
  keepSmall();
  dropCodeOfEarlierVersions(state);
}

/** Accepts no more clients, answers those that were accepted, and writes what is to be kept. */
async function leave({side, configuration, git, gateways, supply}: Assembly, why: string): Promise<void> {
  const {sockets, grants, audit} = git;
  const stopped = side.stop();
  configuration.close();
  const enough = delay(TRANSFER_LIMIT + DISK_LIMIT);
  const limit = setTimeout(() => sockets.destroyConnections(), TIME_BUDGET.finish);
  const answered = sockets.drain().then(() => {
    clearTimeout(limit);
    // in parallel with the transfers, so that a supervisor that kills us early loses no audit entry or login
    return whileDiskAnswers([supply.close(), audit.flush()]);
  });
  await Promise.race([
    Promise.all([answered, stopped, grants.drain(TRANSFER_LIMIT), gateways.drain(TRANSFER_LIMIT)]),
    enough,
  ]);
  audit.note({event: 'stop', outcome: why, pid: process.pid});
  // with the results of the transfers
  await whileDiskAnswers([audit.flush()]);
}

async function whileDiskAnswers(writing: readonly Promise<void>[]): Promise<void> {
  await Promise.race([Promise.all(writing), delay(DISK_LIMIT)]);
}

const UPDATED = 'orgkey was updated';

/** Whether a client waits already: one that connected before the start is accepted in the first turns of the loop. */
async function isAsked(sockets: GitSockets): Promise<boolean> {
  for (let turn = 0; turn < 2; turn++) await nextTurn();
  return sockets.connections > 0;
}

/** Resolves, with the reason, when a signal tells the daemon to stop. */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => resolve(`stopped by ${signal}`));
  });
}
