import {createHmac, randomBytes} from 'node:crypto';
import {flushCompileCache} from 'node:module';
import {homedir} from 'node:os';
import {join} from 'node:path';
import type {AnswerParts} from '../answer.ts';
import {NO_CONFIGURATION} from '../config/default-settings.ts';
import {machineFiles} from '../config/file-facts.ts';
import {loadConfiguration} from '../config/load-configuration.ts';
import {configurationFile, runtimeDirectoryToMake, stateDirectory} from '../config/paths.ts';
import {createAcquire} from '../entra/acquire.ts';
import {AcquirerPool} from '../entra/acquirer-pool.ts';
import {openSecretStore, type SecretStore} from '../store/secret-store.ts';
import {Rejections} from '../token/rejections.ts';
import type {Secret} from '../token/secret.ts';
import {TokenCache} from '../token/token-cache.ts';
import {VERSION} from '../version.ts';
import {Audit} from './audit.ts';
import {ClaimError, claimPassage, claimPrivate, lockDirectory} from './claim.ts';
import {createClock} from './clock.ts';
import {ConfigurationInForce} from './configuration-in-force.ts';
import {serveConnection} from './connection.ts';
import {createControlHandlers} from './control-handlers.ts';
import type {Notice, Status} from './control-protocol.ts';
import {Daemon, troubleOf} from './daemon.ts';
import {GitSockets} from './git-sockets.ts';
import {takeInheritedSockets} from './inherited-sockets.ts';
import {LOG_LEVELS, createLog} from './log.ts';
import {LogLines} from './log-lines.ts';
import {renderMetrics} from './metrics.ts';
import {patientTokens} from './patient-tokens.ts';
import {tokenEntry} from './report.ts';
import {lazySection} from './lazy-store.ts';
import {createReporter} from './reporter.ts';
import {createRespond} from './respond.ts';
import {statusOf} from './status.ts';
import {Tally} from './tally.ts';

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

/** What is under way at the end may take this long, in milliseconds. */
const DRAIN_LIMIT = 15_000;

/** A git that started us by connecting is answered first, but not waited for longer than this, in milliseconds. */
const COLD_START_LIMIT = 1_000;

/** In milliseconds. */
const FLUSH_AFTER = 1_000;

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
  const startedAt = Date.now();
  const clock = createClock();
  const tally = new Tally();
  const logLines = new LogLines();
  let tokens: TokenCache | undefined;
  const log = createLog({
    level:
      LOG_LEVELS.find((level) => level === (options.logLevel ?? environment['ORGKEY_LOG_LEVEL'])) ?? 'info',
    form: logForm(environment),
    write(line) {
      logLines.add(line);
      process.stderr.write(`${line}\n`);
    },
    now: Date.now,
    secrets: () => tokens?.secrets() ?? [],
  });
  process.on('uncaughtException', (error) => surprised(error));
  function surprised(error: unknown): void {
    log('error', `unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  const uid = process.geteuid?.() ?? 0;
  const surrounding = {environment, uid, home: environment['HOME'] ?? homedir()};
  const directory = runtimeDirectoryToMake(surrounding, {flag: options.runtimeDir, files: machineFiles});
  const state = stateDirectory(surrounding, options.stateDir);
  try {
    const isNamed = options.runtimeDir !== undefined || environment['ORGKEY_RUNTIME_DIR'] !== undefined;
    claimPassage(directory, {named: isNamed});
    await lockDirectory(directory);
    claimPrivate(join(directory, 'control'));
    claimPrivate(join(directory, 'ssh'));
    claimPrivate(state);
  } catch (error) {
    return refuse(error);
  }

  const key = randomBytes(32);
  const inForce = new ConfigurationInForce({
    load: () =>
      loadConfiguration({
        file: configurationFile(surrounding, {flag: options.config, files: machineFiles}),
        environment,
        uid,
        workingDirectory: process.cwd(),
        key,
      }),
    initial: NO_CONFIGURATION,
    now: Date.now,
  });
  let opening: Promise<SecretStore> | undefined;
  const openStore = () => {
    opening ??= openSecretStore({directory: join(state, 'secrets'), key: undefined, uid});
    // one that could not be opened is tried anew, the disk may have been mended
    opening.catch(() => (opening = undefined));
    return opening;
  };
  const pool = new AcquirerPool({environment, clock, compileCache: join(state, 'compile-cache')});
  const acquire = createAcquire({
    pool,
    clock,
    fingerprint: (secret) => fingerprintOf(key, secret),
    readSecret: async (source) => {
      if (source.from !== 'held') throw new Error('later');
      return source.secret;
    },
    environment,
    authority: {
      get authorityHost() {
        return inForce.configuration.settings.entra.authorityHost;
      },
      get disableInstanceDiscovery() {
        return inForce.configuration.settings.entra.disableInstanceDiscovery;
      },
    },
    refreshTokens: lazySection(openStore, 'refresh-token/'),
  });
  const held = new TokenCache({acquire, clock, random: Math.random});
  tokens = held;
  const patient = patientTokens(held, PATIENCE);
  const rejections = new Rejections(clock);
  const audit = new Audit(join(state, 'audit.jsonl'), {
    settings: () => inForce.configuration.settings.audit,
    failed: (error) => log('error', `audit: ${String(error)}`),
  });
  const report = createReporter({tally, audit, log, now: Date.now});
  let reported: (() => void) | undefined;
  const firstReport = new Promise<void>((resolve) => {
    reported = resolve;
    setTimeout(resolve, COLD_START_LIMIT);
  });
  const proofOf = (nonce: string) => createHmac('sha256', key).update(nonce).digest('hex');
  const current = (): AnswerParts => ({
    bindings: inForce.bindings,
    tokens: patient,
    rejections,
    logins: {find: () => undefined, store: () => 'not kept', erase: () => 'nothing kept'},
    onFailure: inForce.configuration.settings.onFailure,
    trouble: troubleOf(inForce),
  });

  const sockets = new GitSockets({
    directory,
    inherited,
    proofOf,
    serve: (scope) => {
      const respond = createRespond(scope, {
        current,
        grant: async () => ({kind: 'pass', reason: 'no submodule key is configured'}),
        hello: (nonce) => ({kind: 'hello', version: VERSION, pid: process.pid, proof: proofOf(nonce)}),
        report(of) {
          reported?.();
          report(of);
        },
        surprised,
        now: () => performance.now(),
      });
      return (socket) => serveConnection(socket, respond);
    },
  });
  const daemon = new Daemon({inForce, sockets, tokens: held, log});
  const status = (): Status =>
    statusOf({
      version: VERSION,
      pid: process.pid,
      startedAt,
      inForce,
      tokens: held,
      tally,
      sockets: sockets.all,
      notices: [...daemon.notices, ...auditNotices(audit)],
      residentBytes: process.memoryUsage.rss(),
    });

  process.on('SIGHUP', () => void daemon.reload().catch(surprised));
  try {
    await daemon.reload();
    await sockets.openMain();
  } catch (error) {
    return refuse(error);
  }
  // systemd started us because a git waits: it comes before everything that only people ask for
  if (inherited.size > 0) await firstReport;
  const {serveControl} = await import('./control-server.ts');
  const control = await serveControl(
    join(directory, 'control', 'control.sock'),
    createControlHandlers({
      status,
      reload: () => daemon.reload(),
      bindings: () => inForce.bindings,
      tokens: held,
      logLines,
      metrics: () => renderMetrics(status(), tally, Date.now()),
      login: async () => ({kind: 'failed', code: 'ERR', message: '', hint: undefined}),
      logout: async () => ({wasSignedIn: false}),
      handedOut: ({organization}, result) => audit.write(tokenEntry(organization, result, Date.now())),
    }),
  );
  process.stdout.write(`ready ${join(directory, 'git.sock')}\n`);
  // a daemon that ends by a signal would never write what it compiled
  setTimeout(flushCompileCache, FLUSH_AFTER).unref();
  const timers = [
    setInterval(() => held.refreshDue(), RENEW_EVERY),
    setInterval(() => void daemon.guard().catch(surprised), CHECK_EVERY),
  ];

  await stopped;
  log('info', 'told to stop: answering what is under way');
  control.stop();
  for (const timer of timers) clearInterval(timer);
  const limit = setTimeout(() => sockets.destroyConnections(), DRAIN_LIMIT);
  await sockets.drain();
  clearTimeout(limit);
  pool.close();
  await audit.flush();
  held.clear();
  return 0;
}

/** journald wants levels before its lines, people colours, programs JSON. */
function logForm(environment: NodeJS.ProcessEnv): 'journal' | 'terminal' | 'json' {
  if (environment['JOURNAL_STREAM'] !== undefined) return 'journal';
  return process.stderr.isTTY ? 'terminal' : 'json';
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}

/** The daemon can't have its place. */
function refuse(error: unknown): number {
  if (!(error instanceof ClaimError)) throw error;
  process.stderr.write(`orgkey: error: ${error.message}\norgkey: hint: ${error.hint}\n`);
  return UNHEALTHY;
}

const UNHEALTHY = 1;

/** 16 hex digits: enough to tell a token, nothing to find it by. */
function fingerprintOf(key: Uint8Array, secret: Secret): string {
  const bytes = new Uint8Array(secret.length);
  secret.copyTo(bytes, 0);
  const hash = createHmac('sha256', key).update(bytes).digest('hex');
  bytes.fill(0);
  return hash.slice(0, 16);
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
