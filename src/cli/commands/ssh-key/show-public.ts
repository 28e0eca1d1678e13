import type {Context} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {readConfiguration} from '../../read-configuration.ts';
import {ownerOf, rulesOf, type KeyOptions} from './owner.ts';
import {readKeyOf} from './read-key.ts';
import {usageError} from '../../command-error.ts';

export async function showPublic(options: KeyOptions, context: Context): Promise<ExitCode> {
  const owner = ownerOf(options, context);
  const {settings} = await readConfiguration(options, context);
  const [rule] = rulesOf(owner, settings.submodules);
  if (rule === undefined)
    throw usageError(`${owner.name} has no submodule key`, `create one: orgkey ssh-key new ${owner.name}`);
  const key = await readKeyOf(rule, context);
  context.terminal.print(key.publicLine(`orgkey-${owner.organization}`));
  return EXIT.ok;
}
