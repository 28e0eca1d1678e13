import {randomBytes} from 'node:crypto';
import type {Configuration, Loaded, Problem} from '../config/configuration.ts';
import type {LoadOptions} from '../config/load-configuration.ts';
import {CommandError} from './command-error.ts';
import type {Context, Places} from './context.ts';
import {EXIT} from './exit-code.ts';
import {isRunning, withDaemon} from './find-daemon.ts';
import {configurationFile} from './locate.ts';

/** How a configuration is read: as whoever acts by it, or as whoever looks at that of a daemon. Default: that. */
type Reading = Pick<LoadOptions, 'absent' | 'content'>;

/** What the daemon would load now, as far as can be told from here. */
export async function loadFor(options: Places, context: Context, reading: Reading = {}): Promise<Loaded> {
  const {loadConfiguration} = await import('../config/load-configuration.ts');
  return loadConfiguration({
    file: configurationFile(options, context),
    environment: context.environment,
    uid: context.uid,
    workingDirectory: context.directory,
    home: context.home,
    key: randomBytes(32),
    absent: 'warning',
    ...reading,
  });
}

/** A sound configuration. @throws {CommandError} after every problem was told. */
export async function readConfiguration(
  options: Places,
  context: Context,
  reading: Reading = {},
): Promise<Configuration> {
  const loaded = await loadFor(options, context, reading);
  if (loaded.kind === 'loaded') {
    for (const warning of loaded.configuration.warnings) tellProblem('warning', warning, context);
    return loaded.configuration;
  }
  for (const problem of loaded.problems) tellProblem('error', problem, context);
  const count = loaded.problems.length;
  const problems = count === 1 ? 'a problem' : `${count} problems`;
  throw new CommandError(
    EXIT.badConfiguration,
    reading.content === undefined
      ? `the configuration has ${problems}: ${loaded.source}`
      : `what would be written to ${loaded.source} has ${problems}`,
    {
      hint:
        reading.content === undefined
          ? 'correct it: orgkey config edit'
          : 'nothing was written: correct that, and run orgkey setup again',
    },
  );
}

/**
 * What a running daemon says against the configuration of this path, which it reads again for that: it has other
 * variables and rights than we have. It may go by another one.
 */
export async function problemsOfDaemon(
  path: string,
  options: Places,
  context: Context,
): Promise<readonly Problem[]> {
  if (!(await isRunning(options, context))) return [];
  const {problems} = await withDaemon(options, context, (daemon) => daemon.call('reload', undefined));
  return problems.filter(({place}) => place === path || place.startsWith(`${path}:`));
}

/** A running daemon goes by the configuration. @throws {CommandError} after everything that it says was told. */
export async function requireTaken(path: string, options: Places, context: Context): Promise<void> {
  const problems = await problemsOfDaemon(path, options, context);
  if (problems.length === 0) return;
  for (const problem of problems) tellProblem('error', problem, context);
  const isExplained = problems.every(({hint}) => hint !== undefined);
  throw new CommandError(EXIT.badConfiguration, 'the daemon does not take the configuration', {
    hint: isExplained ? undefined : 'does it use variables that only this shell has? run: orgkey doctor',
  });
}

export function tellProblem(
  level: 'error' | 'warning',
  {place, message, hint}: Problem,
  {terminal}: Context,
): void {
  terminal.say(`${place}: ${level}: ${message}`);
  if (hint !== undefined) terminal.say(`  ${hint}`);
}
