import {dirname, join} from 'node:path';
import {machineFiles} from '../places/file-facts.ts';
import * as paths from '../places/paths.ts';
import {machineDirectory} from '../places/paths.ts';
import {CommandError, usageError} from './command-error.ts';
import type {Context, Places} from './context.ts';
import {EXIT} from './exit-code.ts';

/** Returns the home directory. @throws {CommandError} if it is unknown. */
export function homeOf({home}: Pick<Context, 'home'>): string {
  if (home !== undefined) return home;
  throw new CommandError(EXIT.unhealthy, 'HOME is not set to an absolute path', {
    hint: 'set it: export HOME=/path/to/your/home',
  });
}

/** Resolves a path: a relative one from the working directory, a `~/` that no shell replaced from home. */
export function absolute(path: string, context: Pick<Context, 'directory' | 'home'>): string {
  if (path.startsWith('~/')) homeOf(context);
  return paths.absolutePath(path, context);
}

/** Returns the configuration in use: the one that is named, even if it does not exist, else the first that exists. */
export function configurationFile({config}: Places, context: Context): string | undefined {
  const found = paths.configurationFile(context, {flag: config, files: machineFiles});
  return found && paths.joinPaths(paths.pathsIn(found).map((path) => absolute(path, context)));
}

/** Returns the one file of the configuration in use, to change it. @throws {CommandError} if it has several. */
export function fileToChange(options: Places, context: Context): string | undefined {
  const found = configurationFile(options, context);
  if (found === undefined || paths.pathsIn(found).length === 1) return found;
  throw usageError(
    `the configuration has several files: ${paths.pathsIn(found).join(', ')}`,
    'change the right one with an editor, then run: orgkey config check',
  );
}

/**
 * Returns the path to name to a service, which has none of the shell's variables. `undefined`: the daemon finds the
 * configuration without that.
 */
export function nameForService(
  path: string,
  {config, system}: Places & {readonly system?: boolean},
  {environment, home}: Context,
): string | undefined {
  if (config !== undefined || environment['ORGKEY_CONFIG']) return path;
  const found = system ? path : paths.userConfigurationFile({environment: {}, home});
  return path === found || path === '/etc/orgkey/config.yaml' ? undefined : path;
}

export function configurationDirectory(context: Context): string {
  return dirname(
    paths.userConfigurationFile(context) ?? join(homeOf(context), '.config', 'orgkey', 'config.yaml'),
  );
}

/** Returns the directory for tokens that the user pastes, each in a file with the name of its organization. */
export function pasteDirectory(context: Context): string {
  return join(configurationDirectory(context), 'secrets');
}

/** Returns the directory for submodule keys. The service of the machine sees only the machine's directory. */
export function keyDirectory(options: Places, context: Context): string {
  return join(isOfMachine(options, context) ? machineDirectory : configurationDirectory(context), 'ssh');
}

/** Whether the configuration in use belongs to the whole machine. */
export function isOfMachine(options: Places, context: Context): boolean {
  const file = configurationFile(options, context);
  return file !== undefined && paths.pathsIn(file).every((path) => dirname(path) === machineDirectory);
}

export function stateDirectory(options: Places, context: Context): string {
  return absolute(paths.stateDirectory(context, options['state-dir']), context);
}

/** Returns the state directory of the daemon whose sockets are in `runtime`. */
export function stateDirectoryOf(runtime: string | undefined, options: Places, context: Context): string {
  const isNamed = options['state-dir'] ?? context.environment['ORGKEY_STATE_DIR'];
  return runtime === SYSTEM_RUNTIME && !isNamed ? SYSTEM_STATE : stateDirectory(options, context);
}

/** The directories of the machine's service. */
export const SYSTEM_RUNTIME = '/run/orgkey';
const SYSTEM_STATE = '/var/lib/orgkey';

/**
 * Returns the directory in which a service started now would create its sockets: where it was started before with other
 * variables, if that is still there.
 */
export function runtimeDirectory(options: Places, context: Context): string {
  const flag = options['runtime-dir'];
  const isNamed = flag !== undefined || context.environment['ORGKEY_RUNTIME_DIR'];
  const noted = isNamed ? undefined : paths.notedDirectory(context, options['state-dir'], machineFiles);
  if (noted !== undefined) return noted;
  return absolute(paths.runtimeDirectoryToMake(context, {flag, files: machineFiles}), context);
}

/** Returns the directory of the daemon that git would reach. `undefined`: no daemon was found. */
export function runtimeDirectoryOfDaemon(options: Places, context: Context): string | undefined {
  const named = options['runtime-dir'];
  if (named !== undefined) return absolute(named, context);
  const found = paths.runtimeDirectoryOfDaemon(context, machineFiles);
  return found && absolute(found, context);
}

/** Returns the directory in which `setup` records what it changed. */
export function setupDirectory(options: Places & {readonly system?: boolean}, context: Context): string {
  const isNamed = options['state-dir'] ?? context.environment['ORGKEY_STATE_DIR'];
  return options.system && !isNamed ? SYSTEM_SETUP : stateDirectory(options, context);
}

/** Returns the directories that may hold records of `setup`: for root, also the machine's. */
export function setupDirectories(
  options: Places & {readonly system?: boolean},
  context: Context,
): readonly string[] {
  const own = setupDirectory(options, context);
  return context.uid === 0 ? [...new Set([own, setupDirectory({...options, system: true}, context)])] : [own];
}

/** Only root may write here, because root undoes later what is recorded. */
const SYSTEM_SETUP = '/var/lib/orgkey-setup';
