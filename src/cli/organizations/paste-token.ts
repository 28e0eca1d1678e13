import {join} from 'node:path';
import type {ControlConnection} from '../../control/control-client.ts';
import {Bindings} from '../../identity/bindings.ts';
import {organizationFrom, type Organization} from '../../organization/organization.ts';
import {Secret} from '../../secret/secret.ts';
import {printable} from '../../text/printable.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {keepSecret} from '../keep-secret.ts';
import {pasteDirectory} from '../locate.ts';
import {loadFor, readConfiguration} from '../read-configuration.ts';

/** In bytes. Today's tokens have 52 or 84 characters, but that may change. */
const LONGEST = 4096;

/**
 * Asks for a new personal access token and writes it to the file where the configuration reads it.
 * @throws {CommandError} if the configuration reads no token for this organization from there.
 */
export async function pasteToken(
  organization: string,
  options: Places,
  daemon: Pick<ControlConnection, 'call'> | undefined,
  context: Context,
): Promise<void> {
  const name = organizationFrom(organization);
  if (name === undefined)
    throw new CommandError(EXIT.usage, `invalid organization name: ${printable(organization, 60)}`, {
      hint: 'use up to 50 letters, digits and hyphens',
    });
  const path = join(pasteDirectory(context), name);
  await checkBinding(name, path, options, context);
  const {terminal} = context;
  terminal.say(
    `Create a token at https://dev.azure.com/${name}/_usersSettings/tokens\n` +
      `  name: orgkey, scopes: Code (read & write), expiration: 30 days`,
  );
  const secret = terminal.isInteractive ? await terminal.askSecret('Token') : await readSecret(context);
  if (secret === undefined || secret.length === 0) throw new CommandError(EXIT.usage, 'no token was entered');
  await keepSecret(path, secret);
  await daemon?.call('reload', undefined);
}

/** The token is written to a file: the configuration must read that file for this organization. */
async function checkBinding(
  organization: Organization,
  path: string,
  options: Places,
  context: Context,
): Promise<void> {
  const loaded = await loadFor(options, context);
  // the configuration may be invalid only because this file is still missing
  if (loaded.kind === 'invalid' && loaded.files.includes(path)) return;
  const {bindings, files} = await readConfiguration(options, context);
  const choice = new Bindings(bindings).choose({kind: 'organization', organization});
  const kind = choice.kind === 'chosen' ? choice.binding.identity.kind : undefined;
  // without this file, the credential is wrong
  if ((kind === 'pat' || kind === 'unusable') && files.includes(path)) return;
  throw new CommandError(
    EXIT.badConfiguration,
    `the configuration reads no personal access token from ${path}`,
    {
      hint: `add a credential: - {organizations: [${organization}], personalAccessToken: {$file: ${path}}}`,
    },
  );
}

async function readSecret({terminal}: Context): Promise<Secret> {
  const bytes = await terminal.readInput(LONGEST);
  return new Secret(Uint8Array.from(bytes.toString('latin1').trim(), (character) => character.charCodeAt(0)));
}
