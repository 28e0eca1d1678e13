import {mkdir} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {freshConfiguration} from '../../../config/edit/init-configuration.ts';
import {pathsIn} from '../../../places/paths.ts';
import {printable} from '../../../text/printable.ts';
import {usageError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {absolute, configurationDirectory} from '../../locate.ts';
import {readStarter} from '../../setup/read-starter.ts';
import {
  describesConfiguration,
  starterConfiguration,
  type StarterOptions,
} from '../../setup/starter-configuration.ts';
import {writeNew} from '../../../files/write-new.ts';

/** Runs `orgkey config init`. An existing configuration is never overwritten. */
export async function init(options: Places & StarterOptions, context: Context): Promise<ExitCode> {
  const {config} = options;
  if (config !== undefined && pathsIn(config).length > 1) throw usageError('--config is given twice');
  const path =
    config === undefined ? join(configurationDirectory(context), 'config.yaml') : absolute(config, context);
  const text = describesConfiguration(options)
    ? await starterConfiguration(readStarter(options, context), context)
    : freshConfiguration({schema: context.program.schema});
  await mkdir(dirname(path), {recursive: true, mode: 0o700});
  if (!(await writeNew(path, text)))
    throw usageError(`${path} already exists`, 'edit it: orgkey config edit');
  context.terminal.say(`wrote ${printable(path)}`);
  return EXIT.ok;
}
