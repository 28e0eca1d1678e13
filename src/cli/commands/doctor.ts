import type {Loaded} from '../../config/configuration.ts';
import type {ControlConnection} from '../../control/control-client.ts';
import {SCHEMA_VERSION} from '../../control/control-protocol.ts';
import type {Diagnostic} from '../../diagnostics/diagnostic.ts';
import {makeBundle} from '../../diagnostics/make-bundle.ts';
import {runChecks} from '../../diagnostics/run-checks.ts';
import {stepsOf} from '../../diagnostics/steps-of.ts';
import type {Target} from '../../diagnostics/target.ts';
import type {SeenDaemon, World} from '../../diagnostics/world.ts';
import {GitError, gitHere, type RunGit} from '../../git/run-git.ts';
import {readSeenRepository} from '../../git/seen-repository.ts';
import {readSeenSettings, type SeenSetting} from '../../git/seen-settings.ts';
import {Bindings} from '../../identity/bindings.ts';
import {lowerName} from '../../organization/organization.ts';
import {printable} from '../../text/printable.ts';
import type {Service} from '../../service/service.ts';
import {clientWorld} from '../clients/client-world.ts';
import {serviceFor} from '../setup/choose-service.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {summaryOf} from '../describe-diagnostic.ts';
import {explainError} from '../explain-error.ts';
import {connectDaemon} from '../find-daemon.ts';
import {
  absolute,
  runtimeDirectoryOfDaemon,
  setupDirectories,
  setupDirectory,
  stateDirectoryOf,
  SYSTEM_RUNTIME,
} from '../locate.ts';
import {loadFor} from '../read-configuration.ts';
import {scriptsForGit} from '../setup/place-scripts.ts';
import {recallFirst} from '../setup/remember-service.ts';
import {telling} from '../organizations/test-organizations.ts';
import {chooseTargets, chooseTrials, sshRemotesIn} from '../doctor/choose-targets.ts';
import {DoctorReport} from '../doctor/doctor-report.ts';
import {shownName} from '../../organization/owner.ts';
import {usageError} from '../command-error.ts';
import {writeNew} from '../../files/write-new.ts';

interface DoctorOptions extends Places {
  readonly url?: string | undefined;
  readonly failed: boolean;
  readonly json: boolean;
  readonly bundle?: string | undefined;
}

/** Runs `orgkey doctor`: checks everything between here and the organizations, and prints the repairs. */
export async function doctor(options: DoctorOptions, context: Context): Promise<ExitCode> {
  const {terminal} = context;
  const loaded = await loadFor(options, context);
  const bindings = new Bindings(loaded.kind === 'loaded' ? loaded.configuration.bindings : []);
  const all = chooseTargets(options.url, bindings);
  const daemon = await connect(options, context);
  try {
    const targets = options.failed ? await failingOf(all, daemon) : all;
    const {world, tokens} = await lookAround(options, context, {loaded, targets, daemon});
    const diagnostics = await look(world, options, context);
    const failures = diagnostics.filter(({outcome}) => outcome === 'failed').length;
    const warnings = diagnostics.filter(({outcome}) => outcome === 'warning').length;
    if (options.json)
      terminal.printJson({
        schemaVersion: SCHEMA_VERSION,
        healthy: failures === 0,
        diagnostics: diagnostics.map((one) =>
          one.repair === undefined ? one : {...one, ...stepsOf(one.repair)},
        ),
      });
    else terminal.print(`\n${summaryOf(failures, warnings)}`);
    if (options.bundle !== undefined) {
      const logs = daemon.kind === 'connected' ? await recentLogs(daemon.connection) : [];
      await writeBundle(
        absolute(options.bundle, context),
        makeBundle({world, diagnostics, logs, tokens, home: context.home ?? ''}),
        context,
      );
    }
    return failures === 0 ? EXIT.ok : EXIT.unhealthy;
  } finally {
    if (daemon.kind === 'connected') daemon.connection.close();
  }
}

/** Prints each diagnostic as soon as it is known, unless a program reads them all. */
async function look(world: World, {json}: DoctorOptions, {terminal}: Context): Promise<Diagnostic[]> {
  const report = new DoctorReport(terminal, world.targets.length);
  const diagnostics: Diagnostic[] = [];
  try {
    for await (const diagnostic of runChecks(world, (group) => report.start(group))) {
      if (!json) report.add(diagnostic);
      diagnostics.push(diagnostic);
    }
  } finally {
    report.end();
  }
  return diagnostics;
}

type Connected =
  | {readonly kind: 'connected'; readonly connection: ControlConnection; readonly directory: string}
  | {
      readonly kind: 'failed';
      readonly directory: string | undefined;
      readonly message: string;
      readonly hint: string;
    };

async function connect(options: Places, context: Context): Promise<Connected> {
  const directory = runtimeDirectoryOfDaemon(options, context);
  try {
    const connection = await connectDaemon(options, context);
    return {kind: 'connected', connection, directory: directory ?? ''};
  } catch (error) {
    const {message, hint = 'orgkey service start'} = explainError(error);
    return {kind: 'failed', directory, message, hint};
  }
}

/** Leaves out organizations for which the daemon has nothing to report. Without a daemon, none is left out. */
async function failingOf(targets: readonly Target[], daemon: Connected): Promise<readonly Target[]> {
  if (daemon.kind === 'failed') return targets;
  const {organizations} = await daemon.connection.call('status', undefined);
  const failing = organizations.filter(({health}) => health !== 'ok').map(shownName);
  const names = new Set(failing.map(lowerName));
  return targets.filter(({name}) => names.has(lowerName(name)));
}

interface Found {
  readonly loaded: Loaded;
  readonly targets: readonly Target[];
  readonly daemon: Connected;
}

async function lookAround(
  options: DoctorOptions,
  context: Context,
  {loaded, targets, daemon}: Found,
): Promise<{readonly world: World; readonly tokens: readonly string[]}> {
  const {environment, directory, platform, uid, program, now} = context;
  const git = gitHere(environment, directory);
  const settings = await settingsFrom(git);
  const repository = await readSeenRepository(git).catch(() => undefined);
  const submodules = typeof repository === 'object' ? repository.submodules : [];
  const scripts = scriptsForGit({}, context);
  const tokens: string[] = [];
  const world: World = {
    version: program.version,
    helper: scripts.helper,
    sshWrapper: scripts.sshWrapper,
    packagedHelper: program.helper,
    nodeVersion: process.versions.node,
    platform,
    environment,
    uid,
    directory,
    now,
    git,
    settings,
    loaded,
    daemon: await seenDaemon(daemon, tokens),
    service: await findService(options, context, loaded, daemon),
    stateDirectory: stateDirectoryOf(
      daemon.kind === 'connected' ? daemon.directory : undefined,
      options,
      context,
    ),
    setupDirectory: setupDirectory(options, context),
    clientWorld: context.home === undefined ? undefined : await clientWorld(options, context),
    targets: targets.slice(0, MOST_TARGETS),
    trials: chooseTrials(options.url, {targets, settings, loaded}),
    sshRemotes: sshRemotesIn([
      ...(options.url === undefined ? [] : [options.url]),
      ...submodules.map(({url}) => url),
    ]),
    left: Math.max(0, targets.length - MOST_TARGETS),
  };
  return {world, tokens};
}

/** Each target costs some requests. Users with thousands of organizations name the one that they mean. */
const MOST_TARGETS = 50;

/** Returns no settings if git fails; `check-git` reports the reason. */
async function settingsFrom(git: RunGit): Promise<readonly SeenSetting[]> {
  try {
    return await readSeenSettings(git);
  } catch (error) {
    if (error instanceof GitError) return [];
    throw error;
  }
}

/** `tokens`: collects what must be kept out of a report. */
async function seenDaemon(daemon: Connected, tokens: string[]): Promise<SeenDaemon> {
  if (daemon.kind === 'failed') return {...daemon, kind: 'unreachable'};
  const {connection, directory} = daemon;
  return {
    kind: 'running',
    directory,
    status: await connection.call('status', undefined),
    async token(organization) {
      const result = await connection.call('token', {organization, scope: undefined});
      if (result.kind === 'token') tokens.push(result.token);
      return result;
    },
    tell: telling(connection),
  };
}

/** Returns the service that was set up, or one that is installed and running. */
async function findService(
  options: Places,
  context: Context,
  loaded: Loaded,
  daemon: Connected,
): Promise<Service | undefined> {
  const remembered = await recallFirst(setupDirectories(options, context));
  if (remembered?.kind === 'none') return undefined;
  const isSystem = daemon.kind === 'connected' && daemon.directory === SYSTEM_RUNTIME;
  const kind = isSystem ? 'systemd-system' : remembered?.kind;
  const sockets = loaded.kind === 'loaded' ? loaded.configuration.settings.sockets : [];
  const service = await serviceFor({kind, configFile: remembered?.configFile, sockets}, options, context);
  if (kind !== undefined) return service;
  const {installed, state} = await service.status();
  return installed && state !== 'stopped' ? service : undefined;
}

async function recentLogs(connection: ControlConnection): Promise<readonly string[]> {
  const {lines} = await connection.call('logs', {follow: false});
  return lines;
}

async function writeBundle(path: string, text: string, {terminal}: Context): Promise<void> {
  if (!(await writeNew(path, text))) throw usageError(`${printable(path)} already exists`, 'name a new file');
  terminal.say(`wrote ${printable(path)}: it has no secrets, but names of organizations, hosts and paths`);
}
