import {mkdir} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {describeKept} from '../../../config/edit/describe-kept.ts';
import {decodeKept} from '../../../config/keep-configuration.ts';
import {readIfThere} from '../../../files/replace-file.ts';
import {pathsIn} from '../../../places/paths.ts';
import {printable} from '../../../text/printable.ts';
import {CommandError, usageError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {runtimeDirectoryOfDaemon, stateDirectoryOf} from '../../locate.ts';
import {writeNew} from '../../../files/write-new.ts';

/** Runs `orgkey config restore`: writes the last valid configuration again, after its file was deleted. */
export async function restore(options: Places, context: Context): Promise<ExitCode> {
  const directory = stateDirectoryOf(runtimeDirectoryOfDaemon(options, context), options, context);
  const text = await readIfThere(join(directory, 'last-configuration.json'));
  const kept = text && decodeKept(text.toString('utf8'));
  if (kept === undefined)
    throw new CommandError(EXIT.badConfiguration, `${printable(directory)} holds no earlier configuration`, {
      hint: 'write a new one: orgkey setup',
    });
  const [path = '', ...others] = pathsIn(kept.source);
  if (others.length > 0)
    throw usageError(
      `the configuration had several files: ${pathsIn(kept.source).join(', ')}`,
      'restore the one that is missing from a backup',
    );
  const {yaml, lacksSecrets} = describeKept(kept);
  await mkdir(dirname(path), {recursive: true, mode: 0o700});
  if (!(await writeNew(path, yaml)))
    throw usageError(`${printable(path)} exists`, 'edit it: orgkey config edit');
  context.terminal.say(`wrote ${printable(path)}, without comments`);
  if (lacksSecrets)
    context.terminal.warn(
      'secrets that were written in the file itself are missing',
      'enter them: orgkey config edit',
    );
  return lacksSecrets ? EXIT.badConfiguration : EXIT.ok;
}
