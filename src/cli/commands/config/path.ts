import {CommandError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {configurationFile} from '../../locate.ts';

/** Runs `orgkey config path`. */
export async function showPath(options: Places, context: Context): Promise<ExitCode> {
  context.terminal.print(fileInUse(options, context));
  return EXIT.ok;
}

/** Returns the path of the configuration. @throws {CommandError} if it does not exist. */
export function fileInUse(options: Places, context: Context): string {
  const found = configurationFile(options, context);
  if (found !== undefined) return found;
  throw noConfiguration();
}

export function noConfiguration(): CommandError {
  return new CommandError(EXIT.badConfiguration, 'no configuration was found', {
    hint: 'create one: orgkey setup',
  });
}
