import {printable} from '../../text/printable.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {withDaemon} from '../find-daemon.ts';
import {nameTyped} from '../organizations/named-organization.ts';

export async function logout(
  {organization, ...places}: Places & {readonly organization: string},
  context: Context,
): Promise<ExitCode> {
  const name = nameTyped(organization);
  const {wasSignedIn, failure} = await withDaemon(places, context, (daemon) =>
    daemon.call('logout', {organization: name}),
  );
  if (failure !== undefined)
    throw new CommandError(EXIT.usage, failure.message, {code: failure.code, hint: failure.hint});
  context.terminal.say(`${printable(name, 60)}: ${wasSignedIn ? 'signed out' : 'not signed in'}`);
  return EXIT.ok;
}
