import type {Context, Places} from '../../context.ts';
import {chooseClients, clientWorld} from '../../clients/client-world.ts';
import {installClients} from '../../clients/change-clients.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {setupDirectory} from '../../locate.ts';
import {requireOwnHome} from '../../require-own-home.ts';

interface InstallOptions extends Places {
  readonly tool?: readonly string[] | undefined;
  readonly 'dry-run': boolean;
}

export async function installTools(options: InstallOptions, context: Context): Promise<ExitCode> {
  requireOwnHome(context);
  const world = await clientWorld(options, context);
  const chosen = chooseClients(options.tool ?? [], world);
  const {terminal} = context;
  if (chosen.length === 0) {
    terminal.say('no tool that can ask orgkey is on the PATH');
    return EXIT.ok;
  }
  const blocked = await installClients(chosen, world, {
    directory: setupDirectory(options, context),
    mode: options['dry-run'] ? 'show' : 'change',
    context,
  });
  if (blocked.length === 0) return EXIT.ok;
  terminal.hint('remove your own settings, or add orgkey to them; then run the command again');
  return EXIT.unhealthy;
}
