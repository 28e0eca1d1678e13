import {accessSync, constants} from 'node:fs';
import {access, mkdir, writeFile} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import type {Configuration} from '../../config/configuration.ts';
import {gitFrom, GitError, type RunGit} from '../../git/run-git.ts';
import {canBeSetUp, readGitVersion} from '../../git/version.ts';
import {printable} from '../../text/printable.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {readIfThere} from '../../files/replace-file.ts';
import {describeChange} from '../../service/change.ts';
import type {Service} from '../../service/service.ts';
import {systemUser} from '../../service/systemd-units.ts';
import {askForConfiguration} from '../setup/ask-for-configuration.ts';
import {orFail, serviceFor, serviceKind} from '../setup/choose-service.ts';
import {CommandError} from '../command-error.ts';
import type {Context} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {comesUp, isRunning, withDaemon} from '../find-daemon.ts';
import {letServiceRead} from '../setup/let-service-read.ts';
import {
  absolute,
  configurationDirectory,
  configurationFile,
  nameForService,
  runtimeDirectoryOfDaemon,
  setupDirectory,
  SYSTEM_RUNTIME,
} from '../locate.ts';
import {readConfiguration, requireTaken} from '../read-configuration.ts';
import {rememberService} from '../setup/remember-service.ts';
import {changeGit, describeGitPlan, planGit, type GitOptions, type GitPlan} from '../setup/set-up-git.ts';
import {
  describesConfiguration,
  starterConfiguration,
  withAbsolutePaths,
  type StarterOptions,
} from '../setup/starter-configuration.ts';
import {testOrganizations} from '../test-organizations.ts';

export interface SetupOptions extends GitOptions, StarterOptions {
  readonly 'dry-run': boolean;
  readonly service: string;
}

/** A configuration that is there, or one to be written. */
interface Planned {
  readonly path: string;
  readonly configuration: Configuration;
  /** `undefined`: it is there already. */
  readonly text: string | undefined;
  /** Files with secrets that the new text names. Absolute. */
  readonly secrets: readonly string[];
}

/** `orgkey setup`: nothing is changed before everything that can be checked has been. */
export async function setup(options: SetupOptions, context: Context): Promise<ExitCode> {
  const git = gitFrom(context.environment);
  await checkGit(git);
  await checkScripts(context);
  const planned = await planConfiguration(options, context);
  const gitPlan = await planGit(planned.configuration, options, context, git);
  const service = await planService(planned, options, context);

  if (options['dry-run']) {
    await showPlan(planned, service, gitPlan, context);
    return EXIT.ok;
  }
  // a service that cannot be had is refused before the configuration is there
  if (service !== undefined) orFail(await service.plan());
  await writeConfiguration(planned, options, context);
  await startService(planned, service, options, context);
  await changeGit(gitPlan, options, context);
  return testAll(planned, service, options, context);
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
      throw new CommandError(EXIT.unhealthy, `${path} is missing or cannot be run`, {
        hint: 'install orgkey again',
        cause: error,
      });
    });
  }
}

async function planConfiguration(options: SetupOptions, context: Context): Promise<Planned> {
  const found = configurationFile(options, context);
  const isThere = found !== undefined && (await readIfThere(found)) !== undefined;
  if (isThere && !options.system) {
    if (describesConfiguration(options)) await warnOfIgnored(found, options, context);
    return {
      path: found,
      configuration: await readConfiguration({...options, config: found}, context, {absent: 'error'}),
      text: undefined,
      secrets: [],
    };
  }
  const path = pathForNew(options, context);
  if ((await readIfThere(path)) !== undefined)
    return {
      path,
      configuration: await readConfiguration({...options, config: path}, context, {absent: 'error'}),
      text: undefined,
      secrets: [],
    };
  const starter = await optionsForNew(options, context);
  const secrets = secretFiles(starter);
  if (options.system) requireReach(secrets);
  const text = await starterConfiguration(starter, context);
  // read before it is written: a configuration that is wrong is never left behind
  const configuration = await readConfiguration({...options, config: path}, context, {
    absent: 'error',
    content: Buffer.from(text),
  });
  return {path, configuration, text, secrets};
}

function secretFiles(options: StarterOptions): readonly string[] {
  const files = [options['client-secret-file'], options['client-certificate-file'], options['pat-file']];
  return files.filter((file) => file !== undefined);
}

/** The service sees neither homes nor what lies below /tmp. */
function requireReach(secrets: readonly string[]): void {
  const hidden = secrets.find((path) => /^\/(?:root|home|run\/user|tmp|var\/tmp)\//.test(path));
  if (hidden === undefined) return;
  throw new CommandError(EXIT.usage, `the service cannot see ${printable(hidden)}`, {
    hint: `put it beside its configuration: install -D -m 600 ${shellWord(hidden)} ${shellWord(`/etc/orgkey/${basename(hidden)}`)}`,
  });
}

function pathForNew(options: SetupOptions, context: Context): string {
  const named = options.config ?? context.environment['ORGKEY_CONFIG'];
  if (named) return absolute(named, context);
  return join(options.system ? '/etc/orgkey' : configurationDirectory(context), 'config.yaml');
}

async function optionsForNew(options: SetupOptions, context: Context): Promise<StarterOptions> {
  if (describesConfiguration(options)) return withAbsolutePaths(options, context);
  if (context.terminal.isInteractive) return askForConfiguration(context, {forMachine: options.system});
  throw new CommandError(EXIT.usage, 'there is no configuration yet, and nothing says what to put into one', {
    hint: 'for example: orgkey setup --organization contoso --managed-identity system-assigned',
  });
}

/** Provisioning runs the same command again and again: that is no reason to warn. */
async function warnOfIgnored(path: string, options: SetupOptions, context: Context): Promise<void> {
  const wanted = await starterConfiguration(withAbsolutePaths(options, context), context);
  const there = await readIfThere(path);
  if (there?.toString() === wanted) return;
  context.terminal.warn(
    `${printable(path)} is there already and stays as it is`,
    'change it: orgkey config edit',
  );
}

/** `undefined`: whoever sets it up starts the daemon himself. */
async function planService(
  planned: Planned,
  options: SetupOptions,
  context: Context,
): Promise<Service | undefined> {
  const kind = serviceKind(options.service, options.system);
  if (kind === 'none' || (kind === undefined && isServedByMachine(options, context))) return undefined;
  const {sockets} = planned.configuration.settings;
  return serviceFor(
    {kind, configFile: nameForService(planned.path, options, context), sockets},
    options,
    context,
  );
}

/** A daemon for the whole machine that lets us in is there already: a second one would only be in its way. */
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
  {path, text}: Planned,
  service: Service | undefined,
  gitPlan: GitPlan,
  {terminal}: Context,
): Promise<void> {
  terminal.print(
    text === undefined ? `configuration: ${path}, as it is` : `write ${path}:\n\n${indent(text)}`,
  );
  const steps = service === undefined ? [] : orFail(await service.plan()).changes;
  const kind = service?.kind ?? 'none';
  terminal.print(
    steps.length === 0
      ? `service: ${kind}`
      : `service: ${kind}\n${indent(steps.map(describeChange).join('\n'))}`,
  );
  terminal.print(describeGitPlan(gitPlan).join('\n'));
}

async function writeConfiguration(
  {path, text}: Planned,
  options: SetupOptions,
  {terminal}: Context,
): Promise<void> {
  if (text === undefined) {
    terminal.say(`configuration: ${printable(path)}`);
    return;
  }
  await mkdir(dirname(path), {recursive: true, mode: options.system ? 0o755 : 0o700});
  // never over one that somebody made meanwhile
  await writeFile(path, text, {mode: 0o600, flag: 'wx'});
  terminal.say(`configuration: wrote ${printable(path)}`);
}

async function startService(
  planned: Planned,
  service: Service | undefined,
  options: SetupOptions,
  context: Context,
): Promise<void> {
  const {terminal} = context;
  const remembered = {
    kind: service?.kind ?? ('none' as const),
    configFile: nameForService(planned.path, options, context),
  };
  await rememberService(setupDirectory(options, context), remembered);
  if (service === undefined) {
    const isServed = isServedByMachine(options, context);
    terminal.say(
      isServed
        ? `service: the machine's, at ${SYSTEM_RUNTIME}`
        : 'service: none, the daemon is yours to start',
    );
    return;
  }
  const {changes} = orFail(await service.install());
  terminal.say(`service: ${service.kind}${changes.length === 0 ? ', runs already' : ', runs'}`);
  for (const change of changes) {
    // what is run is long, and of no use to anybody but whoever asks with --dry-run
    if (change.kind !== 'run') terminal.say(`  ${printable(describeChange(change))}`);
  }
  if (!options.system || planned.text === undefined) return;
  for (const path of [planned.path, ...planned.secrets]) await letServiceRead(path, context);
  terminal.hint(`let somebody use it: usermod --append --groups ${systemUser} USER`);
}

async function testAll(
  {path, configuration}: Planned,
  service: Service | undefined,
  options: SetupOptions,
  context: Context,
): Promise<ExitCode> {
  const places = service === undefined ? options : {...options, 'runtime-dir': service.runtimeDirectory};
  if (service === undefined && !(await isRunning(places, context))) {
    context.terminal.say('test: left out, no daemon answers us');
    return EXIT.ok;
  }
  if (service !== undefined && !(await comesUp(places, context))) {
    throw new CommandError(EXIT.notRunning, 'the daemon was started and does not answer', {
      hint: 'look at: orgkey logs',
    });
  }
  await requireTaken(path, places, context);
  return withDaemon(places, context, (daemon) => testOrganizations(configuration.bindings, daemon, context));
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
    .join('\n');
}
