import {dirname, join} from 'node:path';
import {machineFiles} from '../places/file-facts.ts';
import * as paths from '../places/paths.ts';
import {machineDirectory} from '../places/paths.ts';
import {CommandError} from './command-error.ts';
import type {Context, Places} from './context.ts';
import {EXIT} from './exit-code.ts';

/** @throws {CommandError} where there is none. */
export function homeOf({home}: Pick<Context, 'home'>): string {
  if (home !== undefined) return home;
  throw new CommandError(EXIT.unhealthy, 'HOME is not set to an absolute path', {
    hint: 'set it to a directory of your own: export HOME=/path/to/it',
  });
}

/** Relative paths are taken from where the command was started; a `~/` that no shell replaced, from home. */
export function absolute(path: string, context: Pick<Context, 'directory' | 'home'>): string {
  if (path.startsWith('~/')) homeOf(context);
  return paths.absolutePath(path, context);
}

/** The configuration in use: the one that is named, even if it is not there, else the first that is. */
export function configurationFile({config}: Places, context: Context): string | undefined {
  const found = paths.configurationFile(context, {flag: config, files: machineFiles});
  return found && absolute(found, context);
}

/**
 * Only a configuration that the daemon would not find by itself is named to its service: a service has none of the
 * shell's variables. `undefined`: it need not be named.
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

/** The directory of the person's own configuration. */
export function configurationDirectory(context: Context): string {
  return dirname(
    paths.userConfigurationFile(context) ?? join(homeOf(context), '.config', 'orgkey', 'config.yaml'),
  );
}

/** Where the keys that the configuration in use names are kept: what is not of the machine is not seen by its service. */
export function keyDirectory(options: Places, context: Context): string {
  return join(isOfMachine(options, context) ? machineDirectory : configurationDirectory(context), 'ssh');
}

/** Whether the configuration in use is the one of the whole machine. */
export function isOfMachine(options: Places, context: Context): boolean {
  const file = configurationFile(options, context);
  return file !== undefined && dirname(file) === machineDirectory;
}

/** Where orgkey keeps what it must remember. */
export function stateDirectory(options: Places, context: Context): string {
  return absolute(paths.stateDirectory(context, options['state-dir']), context);
}

/** Where the daemon with its sockets in this directory keeps what it must remember. */
export function stateDirectoryOf(runtime: string | undefined, options: Places, context: Context): string {
  const isNamed = options['state-dir'] ?? context.environment['ORGKEY_STATE_DIR'];
  return runtime === SYSTEM_RUNTIME && !isNamed ? SYSTEM_STATE : stateDirectory(options, context);
}

/** The places of the machine's service. */
export const SYSTEM_RUNTIME = '/run/orgkey';
const SYSTEM_STATE = '/var/lib/orgkey';

/** Where a daemon started now would have its sockets. */
export function runtimeDirectory(options: Places, context: Context): string {
  const flag = options['runtime-dir'];
  return absolute(paths.runtimeDirectoryToMake(context, {flag, files: machineFiles}), context);
}

/** Where the daemon has its sockets that git would reach. `undefined`: there is none. */
export function runtimeDirectoryOfDaemon(options: Places, context: Context): string | undefined {
  const named = options['runtime-dir'];
  if (named !== undefined) return absolute(named, context);
  const found = paths.runtimeDirectoryOfDaemon(context, machineFiles);
  return found && absolute(found, context);
}

/** Where `setup` records what it changed. */
export function setupDirectory(options: Places & {readonly system?: boolean}, context: Context): string {
  const isNamed = options['state-dir'] ?? context.environment['ORGKEY_STATE_DIR'];
  return options.system && !isNamed ? SYSTEM_SETUP : stateDirectory(options, context);
}

/** Where to look for what `setup` recorded: here, and for root also the machine's. */
export function setupDirectories(
  options: Places & {readonly system?: boolean},
  context: Context,
): readonly string[] {
  const own = setupDirectory(options, context);
  return context.uid === 0 ? [...new Set([own, setupDirectory({...options, system: true}, context)])] : [own];
}

/** For the whole machine: root's, since what root undoes later must be nobody else's to write. */
const SYSTEM_SETUP = '/var/lib/orgkey-setup';
