import {randomBytes} from 'node:crypto';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import type {Configuration, Loaded, Problem} from '../config/configuration.ts';
import {CommandError} from './command-error.ts';
import type {Context, Places} from './context.ts';
import {EXIT} from './exit-code.ts';
import {absolute, configurationDirectory} from './locate.ts';

/** The configuration in use, absolute: the one that is named, else the first that is there. */
export function configurationFile(options: Places, context: Context): string | undefined {
  const named = options.config ?? context.environment['ORGKEY_CONFIG'];
  if (named) return absolute(named, context);
  const candidates = [join(configurationDirectory(context), 'config.yaml'), '/etc/orgkey/config.yaml'];
  return candidates.find((path) => existsSync(path));
}

/** What the daemon would load now. */
export async function loadFor(options: Places, context: Context): Promise<Loaded> {
  const {loadConfiguration} = await import('../config/load-configuration.ts');
  return loadConfiguration({
    file: configurationFile(options, context),
    environment: context.environment,
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
