import {randomBytes} from 'node:crypto';
import type {Configuration, Loaded, Problem} from '../config/configuration.ts';
import {CommandError} from './command-error.ts';
import type {Context, Places} from './context.ts';
import {EXIT} from './exit-code.ts';
import {configurationFile} from './locate.ts';

/** What the daemon would load now. */
export async function loadFor(options: Places, context: Context): Promise<Loaded> {
  const {loadConfiguration} = await import('../config/load-configuration.ts');
  return loadConfiguration({
    file: configurationFile(options, context),
    environment: context.environment,
    uid: context.uid,
    workingDirectory: context.directory,
    key: randomBytes(32),
  });
}

/** A sound configuration. @throws {CommandError} after every problem was told. */
export async function readConfiguration(options: Places, context: Context): Promise<Configuration> {
  const loaded = await loadFor(options, context);
  if (loaded.kind === 'loaded') {
    for (const warning of loaded.configuration.warnings) tellProblem('warning', warning, context);
    return loaded.configuration;
  }
  for (const problem of loaded.problems) tellProblem('error', problem, context);
  const count = loaded.problems.length;
  throw new CommandError(
    EXIT.badConfiguration,
    `the configuration has ${count === 1 ? 'a problem' : `${count} problems`}: ${loaded.source}`,
    {hint: 'correct it: orgkey config edit'},
  );
}

export function tellProblem(
  level: 'error' | 'warning',
  {place, message, hint}: Problem,
  {terminal}: Context,
): void {
  terminal.say(`${place}: ${level}: ${message}`);
  if (hint !== undefined) terminal.say(`  ${hint}`);
}
