import {join} from 'node:path';
import type {ControlConnection} from '../../control/control-client.ts';
import {ownerNamed} from '../../control/owner-named.ts';
import {Bindings} from '../../identity/bindings.ts';
import {SERVICES_HOST, shownName} from '../../organization/owner.ts';
import {Secret} from '../../secret/secret.ts';
import {CommandError, usageError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {keepSecret} from '../keep-secret.ts';
import {pasteDirectory} from '../locate.ts';
import {loadFor, readConfiguration} from '../read-configuration.ts';
import {readOrganization, tokenPageOf, type NamedOrganization} from './named-organization.ts';

/** In bytes. Today's tokens have 52 or 84 characters, but that may change. */
const LONGEST = 4096;

/**
 * Asks for a new personal access token and writes it to the file where the configuration reads it.
 * @throws {CommandError} if the configuration reads the token of this organization from no file.
 */
export async function pasteToken(
  organization: string,
  options: Places,
  daemon: Pick<ControlConnection, 'call'> | undefined,
  context: Context,
): Promise<void> {
  const named = readOrganization(organization);
  const path = await findTokenFile(named, options, context);
  const {terminal} = context;
  terminal.say(
    `Create a token at ${tokenPageOf(named)}\n  name: orgkey, scopes: Code (read & write), expiration: 30 days`,
  );
  const secret = terminal.isInteractive ? await terminal.askSecret('Token') : await readSecret(context);
  if (secret === undefined || secret.length === 0) throw usageError('no token was entered');
  await keepSecret(path, secret);
  await daemon?.call('reload', undefined);
}

async function findTokenFile(named: NamedOrganization, options: Places, context: Context): Promise<string> {
  const loaded = await loadFor(options, context);
  // its problems may be just what the new token repairs
  const {bindings} =
    loaded.kind === 'loaded' ? loaded.configuration : await readConfiguration(options, context);
  const name = shownName(named);
  const all = new Bindings(bindings);
  const choice = all.choose(ownerNamed(name, all));
  const path = choice.kind === 'chosen' ? choice.binding.tokenFile : undefined;
  if (path !== undefined) return path;
  throw new CommandError(
    EXIT.badConfiguration,
    `the configuration reads no personal access token of ${name} from a file`,
    {hint: `add a credential: ${exampleFor(named, context)}`},
  );
}

function exampleFor({host, organization}: NamedOrganization, context: Context): string {
  const path = join(pasteDirectory(context), organization);
  const rule = `{organizations: [${organization}], personalAccessToken: {$file: ${path}}}`;
  return host === SERVICES_HOST ? `- ${rule}` : `- {host: ${host}, credentials: [${rule}]}`;
}

async function readSecret({terminal}: Context): Promise<Secret> {
  const bytes = await terminal.readInput(LONGEST);
  return new Secret(Uint8Array.from(bytes.toString('latin1').trim(), (character) => character.charCodeAt(0)));
}
