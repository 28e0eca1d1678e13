import {createHmac, randomBytes} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import {homedir} from 'node:os';
import {dirname, join} from 'node:path';
import {setImmediate as nextTurn, setTimeout as delay} from 'node:timers/promises';
import {dropCodeOfEarlierVersions} from '../compile-cache.ts';
import type {Problem} from '../config/configuration.ts';
import {NO_CONFIGURATION} from '../config/default-settings.ts';
import {machineFiles} from '../config/file-facts.ts';
import {loadConfiguration} from '../config/load-configuration.ts';
import {configurationFile, runtimeDirectoryToMake, stateDirectory} from '../config/paths.ts';
import {ConfigurationWatcher} from '../config/watch-configuration.ts';
import {heldSecrets} from '../identity/held-secrets.ts';
import {boundLog} from '../service/daemon-log.ts';
import {createGrants, type Grants} from '../ssh/grants.ts';
import {Rejections} from '../token/rejections.ts';
import type {Secret} from '../token/secret.ts';
import {VERSION} from '../version.ts';
import {knock} from './ask-socket.ts';
import {Audit} from './audit.ts';
import {ClaimError, claimPassage, claimPrivate, lockDirectory} from './claim.ts';
import {createClock} from './clock.ts';
import {ClockWatch} from './clock-watch.ts';
import {ConfigurationInForce} from './configuration-in-force.ts';
import {serveConnection} from './connection.ts';
import {createControlHandlers} from './control-handlers.ts';
import type {Notice, Status} from './control-protocol.ts';
import {Daemon, troubleOf} from './daemon.ts';
import {GitSockets} from './git-sockets.ts';
import {IdleWatch} from './idle-watch.ts';
import {takeInheritedSockets} from './inherited-sockets.ts';
import {LOG_LEVELS, createLog} from './log.ts';
import {LogLines} from './log-lines.ts';
import {renderMetrics} from './metrics.ts';
import {createPeople} from './people.ts';
import {patientTokens} from './patient-tokens.ts';
import {tokenEntry} from './report.ts';
import {createGrantReporter, createReporter} from './reporter.ts';
import {createRespond} from './respond.ts';
import {SideServers} from './side-servers.ts';
import {statusOf} from './status.ts';
import {Tally} from './tally.ts';
import {createTokenSupply} from './token-supply.ts';
import {toldVariables} from './told-variables.ts';
import {ValidConfigurations} from './valid-configurations.ts';
import {watchDirectory} from './watch-directory.ts';

/** `orgkey daemon`'s options; what is not given comes from the environment, then from the defaults. */
export interface DaemonOptions {
  readonly config: string | undefined;
  readonly runtimeDir: string | undefined;
  readonly stateDir: string | undefined;
  readonly logLevel: string | undefined;
}

/** Renewals that are due are looked for this often, in milliseconds. */
const RENEW_EVERY = 30_000;

/** Who listens on our paths is looked at this often, in milliseconds. */
const CHECK_EVERY = 60_000;

/** Requests that are under way at the end may take this long, in milliseconds. */
const ANSWER_LIMIT = 12_000;

/** Transfers over ssh that are under way at the end may take this long, in milliseconds. */
const TRANSFER_LIMIT = 60_000;

/** A disk that does not answer costs the last lines of the audit, and does not keep us, in milliseconds. */
const AUDIT_LIMIT = 5_000;

/** A git that started us by connecting is answered first, but not waited for longer than this, in milliseconds. */
const COLD_START_LIMIT = 1_000;

/** What a start needs comes first, in milliseconds. */
const SETTLED_AFTER = 100;

/** A git that waits is told why before it would be let go, in milliseconds. */
const PATIENCE = 9_000;

/**
 * The composition root: here, and only here, parts are made and joined, the environment is read, and timers and
 * signals are heard. Gives the exit code once the daemon was told to stop.
 */
export async function runDaemon(options: DaemonOptions, environment: NodeJS.ProcessEnv): Promise<number> {
  // before any file or socket is made
  process.umask(0o077);
  const stopped = stopSignal();
  const inherited = takeInheritedSockets(environment, process.pid);
  const uid = process.geteuid?.() ?? 0;
  const surrounding = {environment, uid, home: environment['HOME'] ?? homedir()};
  const directory = runtimeDirectoryToMake(surrounding, {flag: options.runtimeDir, files: machineFiles});
  const state = stateDirectory(surrounding, options.stateDir);
  const claim = () => {
    const isNamed = options.runtimeDir !== undefined || Boolean(environment['ORGKEY_RUNTIME_DIR']);
    claimPassage(directory, {named: isNamed});
    claimPrivate(join(directory, 'control'));
    claimPrivate(join(directory, 'ssh'));
    claimPrivate(state);
  };
  try {
    claim();
  } catch (error) {
    return refuse(error, {inherited, stopped, isRepaired: () => succeeds(claim)});
  }
  try {
    await lockDirectory(directory);
  } catch (error) {
    return refuse(error, {inherited, stopped, isRepaired: () => false});
  }

  const key = randomBytes(32);
  const clock = createClock();
  const clockWatch = new ClockWatch();
  const tally = new Tally();
  const logLines = new LogLines();
  const log = createLog({
    level:
      LOG_LEVELS.find((level) => level === (options.logLevel ?? environment['ORGKEY_LOG_LEVEL'])) ?? 'info',
    form: logForm(environment),
    write(line) {
      logLines.add(line);
      process.stderr.write(`${line}\n`);
    },
    now: Date.now,
    secrets: liveSecrets,
  });
  const surprised = (error: unknown) =>
    log('error', `unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.on('uncaughtException', surprised);
  // whoever read our output is gone: without a listener each line about it would be another error to report
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

  const valid = new ValidConfigurations(join(state, 'valid-configurations'));
  const inForce = new ConfigurationInForce({
    load: () =>
      loadConfiguration({
        file: configurationFile(surrounding, {flag: options.config, files: machineFiles}),
        environment,
        uid,
        workingDirectory: process.cwd(),
        key,
        knownValid: valid.known,
      }),
    initial: NO_CONFIGURATION,
    now: Date.now,
  });
  const observe = clockWatch.note.bind(clockWatch);
  const supply = createTokenSupply({environment, state, uid, clock, key, inForce, log, observe});
  const {tokens, logins, store} = supply;
  function* liveSecrets(): Iterable<Secret> {
    yield* tokens.secrets();
    yield* logins.secrets();
    for (const {identity} of inForce.bindings.all) yield* heldSecrets(identity);
  }

  const audit = new Audit(join(state, 'audit.jsonl'), {
    settings: () => inForce.configuration.settings.audit,
    failed: (error) => log('error', `audit: ${String(error)}`),
  });
  const grants = createGrants({
    settings: () => inForce.configuration.settings,
    placeOf: (scope) => sockets.placeBeside(scope),
    readSecret: supply.readSource,
    readTrustedHosts: () => readFile(join(state, 'known_hosts'), 'utf8').catch(() => ''),
    environment,
    privateDirectory: join(directory, 'ssh'),
    startTimer,
    report: createGrantReporter({audit, log, now: Date.now}),
  });
  const report = createReporter({tally, audit, log, now: Date.now});
  const idle = new IdleWatch(() => performance.now());
  const patient = patientTokens(tokens, PATIENCE);
  const rejections = new Rejections(clock);
  const proofOf = (nonce: string) => createHmac('sha256', key).update(nonce).digest('hex');
  const sockets: GitSockets = new GitSockets({
    directory,
    inherited,
    proofOf,
    serve: (scope) => {
      const respond = createRespond(scope, {
        current: () => ({
          bindings: inForce.bindings,
          tokens: patient,
          rejections,
          logins,
          onFailure: inForce.configuration.settings.onFailure,
          trouble: troubleOf(inForce),
        }),
        grant: (request) => grants.answer(request, scope),
        hello: (nonce) => ({kind: 'hello', version: VERSION, pid: process.pid, proof: proofOf(nonce)}),
        report(answered) {
          if (answered.request?.operation !== 'hello') idle.note();
          report(answered);
        },
        surprised,
        now: () => performance.now(),
      });
      return (socket) => serveConnection(socket, respond);
    },
  });
  const manager = directory.startsWith('/run/orgkey') ? 'system' : 'user';
  const daemon = new Daemon({inForce, sockets, tokens, log, manager});
  const startedAt = Date.now();
  const told = toldVariables(environment);
  const status = (): Status =>
    statusOf({
      version: VERSION,
      pid: process.pid,
      startedAt,
      inForce,
      tokens,
      tally,
      sockets: sockets.all,
      notices: [
        ...daemon.notices,
        ...store.notices,
        ...clockWatch.notices,
        ...side.notices,
        ...auditNotices(audit),
        ...(supply.program.isReplaced ? [isFromBefore] : []),
        ...keyNotices(grants),
      ],
      residentBytes: process.memoryUsage.rss(),
      clockSkew: clockWatch.skew,
      environment: told,
    });
  const watcher = new ConfigurationWatcher({
    onChange: () => void reload().catch(surprised),
    onTrouble: (error) => log('warn', `the configuration is not watched: ${error.message}`),
    after: startTimer,
  });
  async function reload(): Promise<readonly Problem[]> {
    const since = Date.now();
    const problems = await daemon.reload();
    await grants.followConfiguration();
    await watcher.watch(inForce.files, since);
    if (inForce.persistsLogins) await takeUpLogins();
    const {validity} = inForce.configuration;
    if (validity !== undefined) await valid.remember(validity);
    return problems;
  }
  let loginsTakenUp: Promise<number> | undefined;
  /** Once, at the start or when a reload first wants it: from then on memory and store go together. */
  async function takeUpLogins(): Promise<void> {
    loginsTakenUp ??= logins.load();
    await loginsTakenUp;
  }

  // what is not there for git: a failure is told, and git is served all the same
  const metrics = () => renderMetrics(status(), tally, Date.now());
  const side = new SideServers(log);
  const handlers = createControlHandlers({
    status,
    reload,
    bindings: () => inForce.bindings,
    tokens,
    logLines,
    metrics,
    people: createPeople({bindings: () => inForce.bindings, tokens, ...supply.people}),
    handedOut: (handOut) => audit.write(tokenEntry(handOut, Date.now())),
    now: () => performance.now(),
  });

  process.on('SIGHUP', () => void reload().catch(surprised));
  try {
    await reload();
    await sockets.openMain();
  } catch (error) {
    return refuse(error, undefined);
  }
  // where systemd started us because a git waits, it comes before everything that only people ask for
  if (inherited.size > 0 && (await isAsked(sockets)))
    await Promise.race([idle.firstRequest, delay(COLD_START_LIMIT)]);
  await side.open('control channel', async () => {
    const {serveControl} = await import('./control-server.ts');
    return serveControl(join(directory, 'control', 'control.sock'), handlers);
  });
  const {metricsListen} = inForce.configuration.settings;
  if (metricsListen !== undefined) {
    await side.open('metrics', async () => {
      const {serveMetrics} = await import('./serve-metrics.ts');
      return serveMetrics(metricsListen, metrics);
    });
  }
  const guard = () => void daemon.guard().catch(surprised);
  const isBusy = () => grants.active > 0;
  const update = Promise.withResolvers<string>();
  /** Where systemd holds the socket, nobody notices that a daemon leaves and a newer one comes. */
  const makeWay = () => {
    if (inherited.size > 0 && supply.program.isReplaced && !isBusy()) update.resolve(UPDATED);
  };
  const watching = watchDirectory(directory, {onChange: guard, after: startTimer});
  const watchingProgram = watchDirectory(dirname(supply.program.path), {
    onChange: makeWay,
    after: startTimer,
  });
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
  log('info', `${why}: answering what is under way`);
  side.stop();
  watcher.close();
  watching.close();
  watchingProgram.close();
  for (const timer of timers) clearInterval(timer);
  const limit = setTimeout(() => sockets.destroyConnections(), ANSWER_LIMIT);
  await Promise.all([sockets.drain(), grants.drain(TRANSFER_LIMIT)]);
  clearTimeout(limit);
  await Promise.all([supply.close(), Promise.race([audit.flush(), delay(AUDIT_LIMIT)])]);
  if (why === UPDATED) await knock(join(directory, 'git.sock'));
  return 0;
}

const UPDATED = 'orgkey was updated';

const isFromBefore: Notice = {
  level: 'yellow',
  message: 'orgkey was updated, and the daemon from before still runs',
  hint: 'run: orgkey service restart',
};

/** Whether somebody waits already: whoever connected before us is accepted in the first turn of the loop. */
async function isAsked(sockets: GitSockets): Promise<boolean> {
  for (let turn = 0; turn < 2; turn++) await nextTurn();
  return sockets.connections > 0;
}

/** Gives what cancels it. */
function startTimer(milliseconds: number, act: () => void): () => void {
  const timer = setTimeout(act, milliseconds);
  return () => clearTimeout(timer);
}

/** journald wants levels before its lines, people colours, programs JSON. */
function logForm(environment: NodeJS.ProcessEnv): 'journal' | 'terminal' | 'json' {
  if (environment['JOURNAL_STREAM'] !== undefined) return 'journal';
  return process.stderr.isTTY ? 'terminal' : 'json';
}

/** Why the daemon is to end. */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => resolve(`told to stop by ${signal}`));
  });
}

interface Refusal {
  readonly inherited: ReadonlyMap<string, number>;
  readonly stopped: Promise<unknown>;
  readonly isRepaired: () => boolean;
}

/** The daemon can't have its place. Gits that wait in front of sockets of systemd's are told. */
async function refuse(why: unknown, refusal: Refusal | undefined): Promise<number> {
  if (!(why instanceof ClaimError)) throw why;
  process.stderr.write(`orgkey: error: ${why.message}\norgkey: hint: ${why.hint}\n`);
  if (refusal === undefined || refusal.inherited.size === 0) return UNHEALTHY;
  const {tellRefusal} = await import('./tell-refusal.ts');
  const {inherited, stopped, isRepaired} = refusal;
  const over = Promise.race([stopped, delay(BETWEEN_STARTS)]);
  await tellRefusal(why, {fds: inherited.values(), isRepaired, over});
  return UNHEALTHY;
}

function succeeds(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** systemd gives up, and takes its sockets away, after 30 starts in a minute; in milliseconds. */
const BETWEEN_STARTS = 2_500;

const UNHEALTHY = 1;

function keyNotices({trouble}: Grants): Notice[] {
  if (trouble === undefined) return [];
  const {message, hints} = trouble;
  return [{level: 'red', message: `submodule keys: ${message}`, hint: hints[0]}];
}

function auditNotices({dropped}: Audit): Notice[] {
  return dropped === 0
    ? []
    : [
        {
          level: 'yellow',
          message: `${dropped} audit lines could not be written`,
          hint: 'make room on the disk of the state directory',
        },
      ];
}
