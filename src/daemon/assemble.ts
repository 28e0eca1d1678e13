import {createHmac, randomBytes} from 'node:crypto';
import {join} from 'node:path';
import type {Problem} from '../config/configuration.ts';
import {NO_CONFIGURATION} from '../config/default-settings.ts';
import {machineFiles} from '../places/file-facts.ts';
import {loadConfiguration} from '../config/load-configuration.ts';
import {machineDirectory} from '../places/machine-configuration.ts';
import {configurationCandidates, configurationFile} from '../places/paths.ts';
import {ConfigurationWatcher} from '../config/watch-configuration.ts';
import {heldSecrets} from '../identity/held-secrets.ts';
import {Grants} from '../ssh/grant/grants.ts';
import {readTrustedHosts} from '../ssh/host/trusted-hosts.ts';
import {Rejections} from '../token/rejections.ts';
import type {Secret} from '../secret/secret.ts';
import {TIME_BUDGET} from '../time-budget.ts';
import {VERSION} from '../version.ts';
import {AuditTrail} from './record/audit-trail.ts';
import {createClock} from './clock.ts';
import {ClockWatch} from './status/clock-watch.ts';
import {ConfigurationInForce} from './supply/configuration-in-force.ts';
import {serveConnection} from './git/connection.ts';
import {createControlHandlers} from '../control/control-handlers.ts';
import type {Status} from '../control/control-protocol.ts';
import type {ControlHandlers} from '../control/control-server.ts';
import {Crowd, descriptorLimit} from './git/crowd.ts';
import {Daemon, troubleOf} from './daemon.ts';
import {GitSockets} from './git/git-sockets.ts';
import {IdleWatch} from './idle-watch.ts';
import {LOG_LEVELS, createLog, type Log} from './record/log.ts';
import {LogLines} from './record/log-lines.ts';
import {renderMetrics} from './status/metrics.ts';
import {auditNotices, isFromBefore} from './status/notices.ts';
import {createPeople} from '../control/people.ts';
import {patientTokens} from './supply/patient-tokens.ts';
import type {DaemonOptions, Place} from './place.ts';
import {tokenEntry} from './record/report.ts';
import {createGrantReporter, createReporter} from './record/reporter.ts';
import {createRespond} from './git/respond.ts';
import {SideServers} from './status/side-servers.ts';
import {shareLog} from './record/share-log.ts';
import {startTimer} from '../start-timer.ts';
import {statusOf} from './status/status.ts';
import {Tally} from './status/tally.ts';
import {createTokenSupply, type TokenSupply} from './supply/token-supply.ts';
import {shownVariables} from '../network/shown-variables.ts';
import {ValidConfigurations} from './supply/valid-configurations.ts';
import {waitForDisk} from './supply/wait-for-disk.ts';

/** What the life of a daemon has to do with. */
export interface Assembly {
  readonly daemon: Daemon;
  readonly inForce: ConfigurationInForce;
  readonly supply: TokenSupply;
  readonly sockets: GitSockets;
  readonly grants: Grants;
  readonly side: SideServers;
  readonly watcher: ConfigurationWatcher;
  readonly idle: IdleWatch;
  readonly audit: AuditTrail;
  readonly log: Log;
  readonly handlers: ControlHandlers;
  /** For what nobody foresaw. */
  readonly surprised: (error: unknown) => void;
  /** Reads the configuration. Gives what is wrong with it, in which case the one before stays in force. */
  readonly takeConfiguration: () => Promise<readonly Problem[]>;
  /** Watches the files that it was read from, for what changed `since`, in milliseconds since epoch. */
  readonly followFiles: (since: number) => Promise<void>;
  /** Serves the metrics where the configuration says, and no longer where an earlier one did. */
  readonly followMetrics: () => Promise<void>;
  /** All of these. */
  readonly reload: () => Promise<readonly Problem[]>;
}

export interface AssemblyParts {
  readonly place: Place;
  readonly options: DaemonOptions;
  readonly environment: NodeJS.ProcessEnv;
  /** The sockets that systemd handed over: file descriptors by name. */
  readonly inherited: ReadonlyMap<string, number>;
}

/** Makes the parts and joins them. Nothing is opened, read or started yet. */
export function assemble({place, options, environment, inherited}: AssemblyParts): Assembly {
  const {surrounding, uid, directory, state} = place;
  const key = randomBytes(32);
  const clock = createClock();
  const clockWatch = new ClockWatch(clock);
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

  const valid = new ValidConfigurations(join(state, 'valid-configurations'));
  const inForce = new ConfigurationInForce({
    load: () =>
      loadConfiguration({
        file: configurationFile(surrounding, {
          flag: options.config,
          files: machineFiles,
          inForce: inForce.configuration.source,
        }),
        candidates: configurationCandidates(surrounding, options.config),
        inForce: inForce.configuration,
        environment,
        uid,
        workingDirectory: process.cwd(),
        home: surrounding.home,
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

  const audit = new AuditTrail({
    state,
    settings: () => inForce.configuration.settings.audit,
    failed: (error) => log('error', `audit: ${String(error)}`),
    after: startTimer,
  });
  const logOf = shareLog(log, startTimer);
  const grants = new Grants({
    settings: () => inForce.configuration.settings,
    placeOf: (scope) => sockets.placeBeside(scope),
    readSecret: supply.readSource,
    readTrustedHosts: async () => (await readTrustedHosts([state, machineDirectory])).text,
    environment,
    startTimer,
    report: createGrantReporter({audit, logOf, now: Date.now}),
  });
  const report = createReporter({tally, audit, logOf, now: Date.now});
  const idle = new IdleWatch(() => performance.now());
  const patient = patientTokens(tokens, TIME_BUDGET.patience);
  const rejections = new Rejections(clock);
  // the same key names tokens in the log: whoever asks must not learn what a token of his guess would be called
  const proofOf = (nonce: string) => createHmac('sha256', key).update(`hello ${nonce}`).digest('hex');
  const crowd = new Crowd(descriptorLimit());
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
      return (socket) => {
        if (scope.organizations !== undefined) crowd.enter(scope.name, socket);
        serveConnection(socket, respond);
      };
    },
  });
  const manager = directory === '/run/orgkey' ? 'system' : 'user';
  const daemon = new Daemon({inForce, sockets, tokens, log, manager});
  const startedAt = Date.now();
  const told = shownVariables(environment);
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
  async function takeConfiguration(): Promise<readonly Problem[]> {
    const problems = await daemon.reload();
    grants.followConfiguration();
    if (inForce.persistsLogins) await takeUpLogins();
    return problems;
  }
  async function followFiles(since: number): Promise<void> {
    await watcher.watch(inForce.files, since);
    const {validity} = inForce.configuration;
    if (validity !== undefined) await valid.remember(validity);
  }
  async function reload(): Promise<readonly Problem[]> {
    const since = Date.now();
    await watcher.note();
    const problems = await takeConfiguration();
    await followMetrics();
    await followFiles(since);
    return problems;
  }
  async function followMetrics(): Promise<void> {
    await side.serve('metrics', inForce.configuration.settings.metricsListen, async (listen) => {
      const {serveMetrics} = await import('./status/serve-metrics.ts');
      return serveMetrics(listen, metrics);
    });
  }
  let loginsTakenUp: Promise<unknown> | undefined;
  /** Once, at the start or when a reload first wants it: from then on memory and store go together. */
  async function takeUpLogins(): Promise<void> {
    loginsTakenUp ??= logins.load().catch(surprised);
    // the organizations that need none of them are not to wait for a keyring that somebody has to unlock
    await waitForDisk(loginsTakenUp);
  }

  const metrics = () => renderMetrics(status(), tally, Date.now());
  const side = new SideServers(log);
  const handlers = createControlHandlers({
    status,
    reload,
    bindings: () => inForce.bindings,
    tokens,
    rejections,
    logLines,
    metrics,
    people: createPeople({bindings: () => inForce.bindings, tokens, rejections, ...supply.people}),
    handedOut: (handOut) => audit.write(tokenEntry(handOut, Date.now()), undefined),
    now: () => performance.now(),
  });
  return {
    daemon,
    inForce,
    supply,
    sockets,
    grants,
    side,
    watcher,
    idle,
    audit,
    log,
    handlers,
    surprised,
    takeConfiguration,
    followFiles,
    followMetrics,
    reload,
  };
}

/** journald wants levels before its lines, people colours, programs JSON. */
function logForm(environment: NodeJS.ProcessEnv): 'journal' | 'terminal' | 'json' {
  if (environment['JOURNAL_STREAM'] !== undefined) return 'journal';
  return process.stderr.isTTY ? 'terminal' : 'json';
}
