import {accessSync, constants} from 'node:fs';
import {access} from 'node:fs/promises';
import {join} from 'node:path';
import {checkRemotes} from '../../diagnostics/checks/check-remotes.ts';
import {checkStoredLogins} from '../../diagnostics/checks/check-stored-logins.ts';
import {gitFrom, gitHere, GitError, type RunGit} from '../../git/run-git.ts';
import {readSeenSettings} from '../../git/seen-settings.ts';
import {canBeSetUp, readGitVersion} from '../../git/version.ts';
import {describeChange} from '../../service/change.ts';
import type {Service} from '../../service/service.ts';
import {systemUser} from '../../service/systemd-units.ts';
import {printable} from '../../text/printable.ts';
import {installListed} from '../clients/change-clients.ts';
import {clientWorldOf} from '../clients/client-world.ts';
import {CommandError, usageError} from '../command-error.ts';
import type {Context} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {followRecord} from '../configuration-in-use.ts';
import {describeTextChange} from '../setup/describe-text-change.ts';
import {comesUp, isRunning, withDaemon} from '../find-daemon.ts';
import {nameForService, runtimeDirectoryOfDaemon, setupDirectory, SYSTEM_RUNTIME} from '../locate.ts';
import {requireTaken} from '../read-configuration.ts';
import {requireOwnHome} from '../require-own-home.ts';
import {serviceSockets} from '../../service/service-sockets.ts';
import {orFail, serviceFor, serviceKind} from '../setup/choose-service.ts';
import {letServiceRead} from '../setup/let-service-read.ts';
import {
  planConfiguration,
  type PlannedConfiguration,
  type SetupOptions,
} from '../setup/plan-configuration.ts';
import {planOwnGateway} from '../setup/plan-own-gateway.ts';
import {recallService, rememberService} from '../setup/remember-service.ts';
import {changeGit, describeGitPlan, planGit, type GitPlan} from '../setup/set-up-git.ts';
import {requireInForce, writeConfiguration} from '../setup/write-configuration.ts';
import {testAndSignIn} from '../organizations/sign-in.ts';

/** Runs `orgkey setup`. Nothing is changed before everything that can be checked has been checked. */
export async function setup(given: SetupOptions, context: Context): Promise<ExitCode> {
  if (!given.system) requireOwnHome(context);
  else if (given.tools !== undefined)
    throw usageError(
      '--tools is for the tools of one user, not with --system',
      'let each user run: orgkey tools install',
    );
  const options = await followRecord(given, context);
  const git = gitFrom(context.environment);
  await checkGit(git);
  await checkScripts(context);
  const planned = await planOwnGateway(await planConfiguration(options, context), options, context);
  const gitPlan = await planGit(planned.configuration, options, context, git);
  const service = await planService(planned, options, context);

  if (options['dry-run']) {
    await showPlan(planned, service, gitPlan, context);
    await setUpTools(planned, options, context);
    return EXIT.ok;
  }
  // fail before the configuration is written if the service cannot be installed
  if (service !== undefined) orFail(await service.plan());
  await writeConfiguration(planned, options, context);
  try {
    await startService(planned, service, options, context);
  } catch (error) {
    // the repair of the start is then all that is left to do; its failure is the cause to show
    await changeGit(gitPlan, options, context).catch(() => undefined);
    throw error;
  }
  await changeGit(gitPlan, options, context);
  await setUpTools(planned, options, context);
  await nameWhatPrecedes(planned, context);
  return testAll(planned, service, options, context);
}

async function setUpTools(
  {configuration}: PlannedConfiguration,
  options: SetupOptions,
  context: Context,
): Promise<void> {
  if (options.tools === undefined) return;
  await installListed(options.tools, clientWorldOf(configuration.bindings, context), {
    directory: setupDirectory(options, context),
    mode: options['dry-run'] ? 'show' : 'change',
    context,
  });
}

/**
 * Names what git may send before it asks orgkey: logins that it stored, and passwords or unusual spellings in the remotes
 * of the repository here.
 */
async function nameWhatPrecedes(
  {configuration}: PlannedConfiguration,
  {environment, directory, terminal}: Context,
): Promise<void> {
  const settings = await readSeenSettings(gitHere(environment, directory));
  const loaded = {kind: 'loaded', configuration} as const;
  for (const {detail, repair = ''} of await checkStoredLogins({settings, loaded, environment})) {
    terminal.say(`git: ${detail}`);
    terminal.hint(`remove what orgkey replaces: ${repair}`);
  }
  for (const {detail, repair = ''} of await checkRemotes({settings, loaded})) {
    terminal.say(`git: ${detail}`);
    terminal.hint(repair);
  }
}

async function checkGit(git: RunGit): Promise<void> {
  const version = await readGitVersion(git);
  if (!canBeSetUp(version))
    throw new GitError('ERR_GIT_TOO_OLD', `git ${printable(version.text, 40)} is too old`, {
      hint: 'install git 2.39 or later',
    });
}

async function checkScripts({program}: Context): Promise<void> {
  for (const path of [program.helper, program.sshWrapper]) {
    await access(path, constants.X_OK).catch((error: unknown) => {
      throw new CommandError(EXIT.unhealthy, `${path} is missing or not executable`, {
        hint: 'install orgkey again',
        cause: error,
      });
    });
  }
}

/** Returns the service to install. `undefined`: the user starts the daemon, or the machine has one. */
async function planService(
  planned: PlannedConfiguration,
  options: SetupOptions,
  context: Context,
): Promise<Service | undefined> {
  const wanted = serviceKind(options.service, options.system);
  if (wanted === undefined && isServedByMachine(options, context)) return undefined;
  // only an option replaces the kind that was set up: a manager that does not answer now may do so later
  const kind = wanted ?? (await recallService(setupDirectory(options, context)))?.kind;
  if (kind === 'none') return undefined;
  const sockets = serviceSockets(planned.configuration.settings);
  return serviceFor(
    {kind, configFile: nameForService(planned.path, options, context), sockets},
    options,
    context,
  );
}

/** Whether the machine's daemon is running and open to us: then a second one would only be in its way. */
function isServedByMachine(options: SetupOptions, context: Context): boolean {
  if (runtimeDirectoryOfDaemon(options, context) !== SYSTEM_RUNTIME) return false;
  try {
    accessSync(join(SYSTEM_RUNTIME, 'git.sock'), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function showPlan(
  planned: PlannedConfiguration,
  service: Service | undefined,
  gitPlan: GitPlan,
  {terminal}: Context,
): Promise<void> {
  terminal.print(describePlan(planned));
  const steps = service === undefined ? [] : orFail(await service.plan()).changes;
  const lines = steps.map((step) => `\n${indent(describeChange(step))}`);
  terminal.print(`service: ${service?.kind ?? 'none'}${lines.join('')}`);
  terminal.print(describeGitPlan(gitPlan).join('\n'));
}

function describePlan({path, was, text}: PlannedConfiguration): string {
  if (text === undefined) return `configuration: ${path}, unchanged`;
  if (was === undefined) return `write ${path}:\n\n${indent(text)}`;
  return `change ${path}:\n\n${indent(describeTextChange(was.toString('utf8'), text).join('\n'))}`;
}

async function startService(
  planned: PlannedConfiguration,
  service: Service | undefined,
  options: SetupOptions,
  context: Context,
): Promise<void> {
  const {terminal} = context;
  await rememberService(setupDirectory(options, context), {
    kind: service?.kind ?? ('none' as const),
    configFile: nameForService(planned.path, options, context),
  });
  if (service === undefined) {
    terminal.say(
      isServedByMachine(options, context)
        ? `service: the machine's, at ${SYSTEM_RUNTIME}`
        : 'service: none; start the daemon yourself: orgkey daemon',
    );
    return;
  }
  const {changes} = orFail(await service.install());
  terminal.say(`service: ${service.kind}, ${changes.length === 0 ? 'already running' : 'running'}`);
  for (const change of changes) {
    // commands are long; --dry-run prints them
    if (change.kind !== 'run') terminal.say(`  ${printable(describeChange(change))}`);
  }
  if (!options.system || planned.text === undefined) return;
  for (const path of [planned.path, ...planned.secrets]) await letServiceRead(path, context);
  terminal.hint(`allow a user to use it: usermod --append --groups ${systemUser} USER`);
}

async function testAll(
  planned: PlannedConfiguration,
  service: Service | undefined,
  options: SetupOptions,
  context: Context,
): Promise<ExitCode> {
  const {path, configuration} = planned;
  const places = service === undefined ? options : {...options, 'runtime-dir': service.runtimeDirectory};
  if (service === undefined && !(await isRunning(places, context))) {
    context.terminal.say('test: skipped, no daemon answers');
    return EXIT.ok;
  }
  if (service !== undefined && !(await comesUp(places, context)))
    throw new CommandError(EXIT.notRunning, 'the daemon was started but does not answer', {
      hint: 'run: orgkey logs',
    });
  await requireTaken(path, places, context, configuration.problems);
  return withDaemon(places, context, async (daemon) => {
    await requireInForce(planned, daemon);
    return testAndSignIn(configuration.bindings, daemon, context);
  });
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
    .join('\n');
}
