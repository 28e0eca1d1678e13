import {SCHEMA_VERSION, type TokenResult} from '../../control/control-protocol.ts';
import {printable} from '../../text/printable.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {withDaemon} from '../find-daemon.ts';
import {exitCodeFor} from '../test-organizations.ts';

interface TokenOptions extends Places {
  readonly organization: string;
  readonly resource?: string | undefined;
  readonly json: boolean;
  readonly header: boolean;
}

/** A token that was had. */
export type Granted = Extract<TokenResult, {kind: 'token'}>;

/** `orgkey token`: the token, and nothing else, on stdout. */
export async function token(options: TokenOptions, context: Context): Promise<ExitCode> {
  if (options.json && options.header)
    throw new CommandError(EXIT.usage, '--json and --header exclude each other');
  const granted = await askForToken(options, context);
  const {terminal} = context;
  if (options.json) {
    const {token, form, expiresAt, username} = granted;
    terminal.printJson({schemaVersion: SCHEMA_VERSION, token, form, expiresAt, username});
  } else {
    terminal.write(`${options.header ? authorizationHeader(granted) : granted.token}\n`);
  }
  return EXIT.ok;
}

/** @throws {CommandError} with the reason why there is none. */
export async function askForToken(
  {
    organization,
    resource,
    ...places
  }: Places & {readonly organization: string; readonly resource?: string | undefined},
  context: Context,
): Promise<Granted> {
  const scope = resource === undefined ? undefined : scopeOf(resource);
  const result = await withDaemon(places, context, (daemon) => daemon.call('token', {organization, scope}));
  if (result.kind === 'token') return result;
  const {code, message, hint} = result;
  throw new CommandError(
    exitCodeFor(code),
    `${printable(organization, 60)}: ${printable(message)} (${printable(code, 40)})`,
    {hint: hint === undefined ? undefined : printable(hint)},
  );
}

/** Azure DevOps takes personal access tokens as passwords, Entra's as they are. */
export function authorizationHeader({form, token, username}: Granted): string {
  return `Authorization: ${form === 'pat' ? `Basic ${basic(username, token)}` : `Bearer ${token}`}`;
}

export function basic(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}

/** Entra wants scopes; people know resources. */
function scopeOf(resource: string): string {
  return resource.includes('/.') ? resource : `${resource.replace(/\/$/, '')}/.default`;
}
