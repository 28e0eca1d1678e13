import type {Context, Places} from '../../context.ts';
import {clientWorld, chooseClients} from '../../clients/client-world.ts';
import {removeClients} from '../../clients/change-clients.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {setupDirectory} from '../../locate.ts';
import {requireOwnHome} from '../../require-own-home.ts';

interface RemoveOptions extends Places {
  readonly tool?: readonly string[] | undefined;
  readonly 'dry-run': boolean;
}

export async function removeTools(options: RemoveOptions, context: Context): Promise<ExitCode> {
  requireOwnHome(context);
  const names = options.tool ?? [];
  // reports a name that does not exist
  if (names.length > 0) chooseClients(names, await clientWorld(options, context));
  const count = await removeClients(names, {
    directory: setupDirectory(options, context),
    mode: options['dry-run'] ? 'show' : 'change',
    context,
  });
  if (count === 0) context.terminal.say('orgkey wrote nothing into the configuration of tools');
  return EXIT.ok;
}
