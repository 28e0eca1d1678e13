import {createHmac, randomBytes} from 'node:crypto';
import {join} from 'node:path';
import type {AnswerParts} from '../answer.ts';
import type {Loaded} from '../config/configuration.ts';
import {emptyConfiguration, loadConfiguration} from '../config/load-configuration.ts';
import {runtimeDirectory, stateDirectory} from '../config/paths.ts';
import {readSecret} from '../config/read-secret.ts';
import {watchConfiguration} from '../config/watch-configuration.ts';
import {createAcquire} from '../entra/acquire.ts';
import {AcquirerPool} from '../entra/acquirer-pool.ts';
import type {SocketScope} from '../organization/socket-scope.ts';
import {Rejections} from '../token/rejections.ts';
import type {Secret} from '../token/secret.ts';
import {TokenCache} from '../token/token-cache.ts';
import {VERSION} from '../version.ts';
import {Audit} from './audit.ts';
import {ClaimError, claimPassage, claimPrivate, lockDirectory} from './claim.ts';
import {createClock} from './clock.ts';
import {ConfigurationInForce} from './configuration-in-force.ts';
import {serveConnection} from './connection.ts';
import type {Notice, Status} from './control-protocol.ts';
import {GitSockets} from './git-sockets.ts';
import {takeInheritedSockets} from './inherited-sockets.ts';
import {LOG_LEVELS, createLog, type Log, type LogLevel} from './log.ts';
import {LogLines} from './log-lines.ts';
import {Reporter} from './reporter.ts';
import {createRespond} from './respond.ts';
import {statusOf} from './status.ts';
import {Tally} from './tally.ts';

/** `orgkey daemon`'s options; what is not given comes from the environment, then from the defaults. */
export interface DaemonOptions {
  readonly config: string | undefined;
  readonly runtimeDir: string | undefined;
  readonly stateDir: string | undefined;
  readonly logLevel: LogLevel | undefined;
}

/** Renewals that are due are looked for this often, in milliseconds. */
const RENEW_EVERY = 30_000;

/** Who listens on our paths is looked at this often, in milliseconds. */
const CHECK_EVERY = 60_000;

/** What is under way at the end may take this long, in milliseconds. */
const DRAIN_LIMIT = 15_000;

/** A git that waits is told why before it would be let go, in milliseconds. */
const PATIENCE = 9_000;

/**
 * The composition root: here, and only here, parts are made and joined, the environment is read, and timers and
 * signals are heard. Gives the exit code once the daemon was told to stop.
 */
export async function runDaemon(options: DaemonOptions, environment: NodeJS.ProcessEnv): Promise<number> {
  // before any file or socket is made
  process.umask(0o077);
  const inherited = takeInheritedSockets(environment, process.pid);
  const startedAt = Date.now();
  const clock = createClock();
  const tally = new Tally();
  const logLines = new LogLines();
  let tokens: TokenCache | undefined;
  const log = createLog({
    level: LOG_LEVELS.find((level) => level === (options.logLevel ?? environment['ORGKEY_LOG_LEVEL'])) ?? 'info',
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

  const directory = options.runtimeDir ?? runtimeDirectory(environment);
  const state = options.stateDir ?? stateDirectory(environment);
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
  const keyedHash = (text: string) => createHmac('sha256', key).update(text).digest('hex');
  const inForce = new ConfigurationInForce({
    load: () => loadConfiguration({file: options.config, environment, key}),
    initial: NO_CONFIGURATION,
    now: Date.now,
  });
}

/** journald wants levels before its lines, people colours, programs JSON. */
function logForm(environment: NodeJS.ProcessEnv): 'journal' | 'terminal' | 'json' {
  if (environment['JOURNAL_STREAM'] !== undefined) return 'journal';
  return process.stderr.isTTY ? 'terminal' : 'json';
}
