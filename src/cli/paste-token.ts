import {mkdir, rename, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import type {ControlConnection} from '../control/control-client.ts';
import {Bindings} from '../identity/bindings.ts';
import {organizationFrom} from '../organization/organization.ts';
import type {Secret} from '../secret/secret.ts';
import {CommandError} from './command-error.ts';
import type {Context, Places} from './context.ts';
import {EXIT} from './exit-code.ts';
import {configurationDirectory} from './locate.ts';
import {loadFor, readConfiguration} from './read-configuration.ts';

/** In bytes: today's tokens have 52 or 84 characters, their length is not ours to check. */
const LONGEST = 4096;

/**
 * Takes a personal access token that the person makes now, and keeps it where the configuration reads it.
 * @throws {CommandError} where the configuration reads none for this organization.
 */
export async function pasteToken(
  organization: string,
  options: Places,
  daemon: Pick<ControlConnection, 'call'>,
  context: Context,
): Promise<void> {
  const name = organizationFrom(organization);
  if (name === undefined) throw new CommandError(EXIT.usage, 'that is not the name of an organization');
  const path = join(configurationDirectory(context), 'secrets', name);
  await checkBinding(name, path, options, context);
  const {terminal} = context;
  terminal.say(
    `Make a token at https://dev.azure.com/${name}/_usersSettings/tokens\n` +
      `  name: orgkey, scopes: Code (read & write), expiration: 30 days`,
  );
  const secret = terminal.isInteractive ? await terminal.askSecret('Token') : await readSecret(context);
  if (secret === undefined || secret.length === 0) throw new CommandError(EXIT.usage, 'nothing was entered');
  await keepSecret(path, secret);
  await daemon.call('reload', undefined);
}

/** The token ends up in a file: the configuration has to read that file for this organization. */
async function checkBinding(name: string, path: string, options: Places, context: Context): Promise<void> {
  const loaded = await loadFor(options, context);
  // the very file that is about to be written is what it lacks
  if (loaded.kind === 'invalid' && loaded.files.includes(path)) return;
  const {bindings, files} = await readConfiguration(options, context);
  const organization = organizationFrom(name);
  const choice =
    organization === undefined
      ? undefined
      : new Bindings(bindings).choose({kind: 'organization', organization});
  const isPat = choice?.kind === 'chosen' && choice.binding.identity.kind === 'pat';
  if (isPat && files.includes(path)) return;
  throw new CommandError(
    EXIT.badConfiguration,
    `the configuration reads no personal access token from ${path}`,
    {hint: `add: - {organizations: [${name}], personalAccessToken: {$file: ${path}}}`},
  );
}

async function readSecret({terminal}: Context): Promise<Secret> {
  const {Secret: SecretBytes} = await import('../secret/secret.ts');
  const bytes = await terminal.readInput(LONGEST);
  return new SecretBytes(
    Uint8Array.from(bytes.toString('latin1').trim(), (character) => character.charCodeAt(0)),
  );
}

/** Replaced at once: the daemon reads it when it changes. */
export async function keepSecret(path: string, secret: Secret): Promise<void> {
  const bytes = new Uint8Array(secret.length);
  secret.copyTo(bytes, 0);
  const draft = `${path}.new`;
  await mkdir(join(path, '..'), {recursive: true, mode: 0o700});
  try {
    await rm(draft, {force: true});
    await writeFile(draft, bytes, {mode: 0o600, flag: 'wx', flush: true});
    await rename(draft, path);
  } finally {
    bytes.fill(0);
    secret.erase();
  }
}
