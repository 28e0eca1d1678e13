import {printable} from '../../text/printable.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {withDaemon} from '../find-daemon.ts';

/** Runs `orgkey logout`. */
export async function logout(
  {organization, ...places}: Places & {readonly organization: string},
  context: Context,
): Promise<ExitCode> {
  const {wasSignedIn} = await withDaemon(places, context, (daemon) => daemon.call('logout', {organization}));
  context.terminal.say(`${printable(organization, 60)}: ${wasSignedIn ? 'signed out' : 'not signed in'}`);
  return EXIT.ok;
}
