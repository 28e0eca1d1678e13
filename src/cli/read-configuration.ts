import {randomBytes} from 'node:crypto';
import type {Configuration, Loaded, Problem} from '../config/configuration.ts';
import type {LoadOptions} from '../config/load-configuration.ts';
import {CommandError} from './command-error.ts';
import type {Context, Places} from './context.ts';
import {EXIT} from './exit-code.ts';
import {isRunning, withDaemon} from './find-daemon.ts';
import {withHintsOnce} from '../text/hints-once.ts';
import {configurationFile, isOfMachine} from './locate.ts';
import {pathsIn} from '../places/paths.ts';
import {readServiceVariables} from '../places/environment-file.ts';

/** How a configuration is read. Default: to inspect that of a daemon. */
interface Reading extends Pick<LoadOptions, 'absent' | 'content'> {
  /** `whole`: one wrong credential makes all of it invalid. Default: only if it is a text that is to be written. */
  readonly need?: 'whole' | 'sound parts';
}

/** Loads what the daemon would load now, as far as we can know it. */
export async function loadFor(options: Places, context: Context, reading: Reading = {}): Promise<Loaded> {
  const {loadConfiguration} = await import('../config/load-configuration.ts');
  const {need = reading.content === undefined ? 'sound parts' : 'whole', ...how} = reading;
  const loaded = await loadConfiguration({
    file: configurationFile(options, context),
    // what our own service has, too; the service of the machine has a file that only root reads
    environment: isOfMachine(options, context)
      ? context.environment
      : {...context.environment, ...readServiceVariables(context.home)},
    uid: context.uid,
    workingDirectory: context.directory,
    home: context.home,
    key: randomBytes(32),
    absent: 'warning',
    unknownKeys: need === 'whole' ? 'error' : 'warning',
    ...how,
  });
  if (loaded.kind === 'invalid' || need === 'sound parts') return loaded;
  const {source, problems, files} = loaded.configuration;
  return problems.length === 0 ? loaded : {kind: 'invalid', source, problems, files};
}

/** Returns what is valid of a configuration. Reports every problem. @throws {CommandError} if nothing is. */
export async function readConfiguration(
  options: Places,
  context: Context,
  reading: Reading = {},
): Promise<Configuration> {
  const loaded = await loadFor(options, context, reading);
  if (loaded.kind === 'loaded') {
    reportProblems('error', loaded.configuration.problems, context);
    reportProblems('warning', loaded.configuration.warnings, context);
    return loaded.configuration;
  }
  reportProblems('error', loaded.problems, context);
  const count = loaded.problems.length;
  const problems = count === 1 ? 'a problem' : `${count} problems`;
  if (reading.content !== undefined)
    throw new CommandError(
      EXIT.badConfiguration,
      `${loaded.source} was not written: it would have ${problems}`,
      {
        hint: 'correct that, and run orgkey setup again',
      },
    );
  throw new CommandError(EXIT.badConfiguration, `the configuration has ${problems}: ${loaded.source}`, {
    hint: hintFor(loaded.problems),
  });
}

function hintFor(problems: readonly Problem[]): string | undefined {
  // an editor repairs neither file permissions nor a missing token
  return problems.every(({hint}) => /^(?:chmod |enter the token: )/.test(hint ?? ''))
    ? undefined
    : 'correct it: orgkey config edit';
}

/**
 * Returns the problems that a running daemon has with the configuration at this path. It reads the file again for
 * that, because its variables and permissions differ from ours. If it uses another file, the list is empty.
 */
export async function problemsOfDaemon(
  path: string,
  options: Places,
  context: Context,
): Promise<readonly Problem[]> {
  if (!(await isRunning(options, context))) return [];
  return withDaemon(options, context, async (daemon) => {
    const {problems} = await daemon.call('reload', undefined);
    const {configuration} = await daemon.call('status', undefined);
    // a file that it includes may have the problem
    if (configuration.source === path) return problems;
    return problems.filter(({place}) =>
      pathsIn(path).some((file) => place === file || place.startsWith(`${file}:`)),
    );
  });
}

/**
 * Makes a running daemon reload. `known`: problems that do not count. @throws {CommandError} after every other problem
 * of the daemon was reported.
 */
export async function requireTaken(
  path: string,
  options: Places,
  context: Context,
  known: readonly Problem[] = [],
): Promise<void> {
  const ignored = new Set(known.map(({message}) => message));
  const found = await problemsOfDaemon(path, options, context);
  const problems = found.filter(({message}) => !ignored.has(message));
  if (problems.length === 0) return;
  reportProblems('error', problems, context);
  const isExplained = problems.every(({hint}) => hint !== undefined);
  throw new CommandError(EXIT.badConfiguration, 'the daemon rejects the configuration', {
    hint: isExplained ? undefined : 'check for variables that only this shell has: orgkey doctor',
  });
}

/** Prints problems of the configuration with their places, and each hint once. */
export function reportProblems(
  level: 'error' | 'warning',
  problems: readonly Problem[],
  {terminal}: Context,
): void {
  for (const {place, message, hint} of withHintsOnce(problems)) {
    terminal.say(`${place}: ${level}: ${message}`);
    if (hint !== undefined) terminal.say(`  ${hint}`);
  }
}
