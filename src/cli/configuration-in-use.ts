import type {Context, Places} from './context.ts';
import {withDaemon} from './find-daemon.ts';
import {machineFiles} from '../places/file-facts.ts';
import {pathsIn} from '../places/paths.ts';
import {configurationFile, setupDirectories, setupDirectory} from './locate.ts';
import {recallFirst} from './setup/remember-service.ts';

/**
 * Returns the options with the configuration that the daemon uses, or else the one that `setup` recorded, so that the
 * command line and the daemon do not look at different files. What the user names is left as it is.
 */
export async function followDaemon<Options extends Places>(
  options: Options,
  context: Context,
): Promise<Options> {
  if (options.config !== undefined || context.environment['ORGKEY_CONFIG']) return options;
  const file = (await fileOfDaemon(options, context)) ?? (await recordedFile(options, context));
  return file === undefined || file === configurationFile(options, context)
    ? options
    : {...options, config: file};
}

/** Returns the options of `setup` with the configuration that an earlier one recorded, if its files still exist. */
export async function followRecord<Options extends Places & {readonly system: boolean}>(
  options: Options,
  context: Context,
): Promise<Options> {
  if (options.config !== undefined || options.system || context.environment['ORGKEY_CONFIG']) return options;
  const config = (await recallFirst([setupDirectory(options, context)]))?.configFile;
  const isThere =
    config !== undefined && pathsIn(config).every((path) => machineFiles.factsOf(path) !== undefined);
  return isThere ? {...options, config} : options;
}

/** `undefined`: no daemon answers us, or it has no file. */
async function fileOfDaemon(options: Places, context: Context): Promise<string | undefined> {
  try {
    const {configuration} = await withDaemon(options, context, (daemon) => daemon.call('status', undefined));
    return configuration.source.startsWith('/') ? configuration.source : undefined;
  } catch {
    return undefined;
  }
}

async function recordedFile(options: Places, context: Context): Promise<string | undefined> {
  try {
    return (await recallFirst(setupDirectories(options, context)))?.configFile;
  } catch {
    return undefined;
  }
}
