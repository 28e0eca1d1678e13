import {SCHEMA_VERSION, type TokenResult} from '../../control/control-protocol.ts';
import {nameInRepair} from '../../text/name-in-repair.ts';
import {printable} from '../../text/printable.ts';
import {CommandError, usageError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {withDaemon} from '../find-daemon.ts';
import {nameTyped} from '../organizations/named-organization.ts';
import {exitCodeFor} from '../organizations/test-organizations.ts';

interface TokenOptions extends Places {
  readonly organization: string;
  readonly resource?: string | undefined;
  readonly json: boolean;
  readonly header: boolean;
}

export type Granted = Extract<TokenResult, {kind: 'token'}>;

/** Runs `orgkey token`: prints the token, and nothing else, on stdout. */
export async function printToken(options: TokenOptions, context: Context): Promise<ExitCode> {
  if (options.json && options.header) throw usageError('--json and --header exclude each other');
  const granted = await askForToken(options, context);
  const {terminal} = context;
  if (options.json) {
    const {token, form, expiresAt, username} = granted;
    terminal.printJson({schemaVersion: SCHEMA_VERSION, token, form, expiresAt, username});
  } else {
    terminal.write(options.header ? `Authorization: ${authorization(granted)}\n` : `${granted.token}\n`);
  }
  return EXIT.ok;
}

/** Gets a token from the daemon. @throws {CommandError} with the reason if it has none. */
export async function askForToken(
  {
    organization,
    resource,
    ...places
  }: Places & {readonly organization: string; readonly resource?: string | undefined},
  context: Context,
): Promise<Granted> {
  const scope = resource === undefined ? undefined : scopeOf(resource);
  const name = nameTyped(organization);
  const result = await withDaemon(places, context, (daemon) =>
    daemon.call('token', {organization: name, scope}),
  );
  if (result.kind === 'token') return result;
  const {code, message, hint} = result;
  const repair = nameInRepair(hint, name);
  const said =
    code === 'ERR_NOT_CONFIGURED' ? printable(message) : `${printable(name, 60)}: ${printable(message)}`;
  throw new CommandError(exitCodeFor(code), `${said} (${printable(code, 40)})`, {
    code,
    hint: repair === undefined ? undefined : printable(repair),
  });
}

/** Returns the value of the header: Azure DevOps accepts personal access tokens as passwords, and Entra's as bearer tokens. */
export function authorization({form, token, username}: Granted): string {
  return form === 'pat' ? `Basic ${basic(username, token)}` : `Bearer ${token}`;
}

export function basic(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}

/** Users know resources; Entra expects scopes. */
function scopeOf(resource: string): string {
  return resource.includes('/.') ? resource : `${resource.replace(/\/$/, '')}/.default`;
}
