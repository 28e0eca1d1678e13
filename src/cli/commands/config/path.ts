import {pathsIn} from '../../../places/paths.ts';
import {CommandError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {configurationFile} from '../../locate.ts';

/** Runs `orgkey config path`: prints each file of the configuration. */
export async function showPath(options: Places, context: Context): Promise<ExitCode> {
  const found = configurationFile(options, context);
  if (found === undefined) throw noConfiguration();
  context.terminal.print(pathsIn(found).join('\n'));
  return EXIT.ok;
}

export function noConfiguration(): CommandError {
  return new CommandError(EXIT.badConfiguration, 'no configuration was found', {
    hint: 'create one: orgkey setup',
  });
}
