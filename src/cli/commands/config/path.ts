import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {dropInsOf, isDropIn, pathsIn} from '../../../places/paths.ts';
import {CommandError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {configurationFile} from '../../locate.ts';

/** Runs `orgkey config path`: prints each file of the configuration. */
export async function showPath(options: Places, context: Context): Promise<ExitCode> {
  const found = configurationFile(options, context);
  if (found === undefined) throw noConfiguration();
  const paths = pathsIn(found);
  context.terminal.print([...paths, ...dropInsBeside(paths)].join('\n'));
  return EXIT.ok;
}

function dropInsBeside(paths: readonly string[]): string[] {
  const directory = dropInsOf(paths);
  if (directory === undefined) return [];
  try {
    const names = readdirSync(directory).filter((name) => isDropIn(name));
    return names.toSorted().map((name) => join(directory, name));
  } catch {
    return [];
  }
}

export function noConfiguration(): CommandError {
  return new CommandError(EXIT.badConfiguration, 'no configuration was found', {
    hint: 'create one: orgkey setup',
  });
}
