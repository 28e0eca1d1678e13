import type {ControlConnection} from '../control/control-client.ts';
import type {TokenResult} from '../control/control-protocol.ts';
import type {Binding} from '../identity/bindings.ts';
import {describeIdentity} from '../identity/identity.ts';
import {SERVICES_HOST} from '../organization/owner.ts';
import {printable} from '../text/printable.ts';
import type {Context} from './context.ts';
import {describeDuration} from './describe-time.ts';
import {EXIT, type ExitCode} from './exit-code.ts';
import {style} from './terminal.ts';

/**
 * Gets a token for every organization that is configured by name, and prints the results. Returns the exit code; a
 * broken organization outranks a rejected credential.
 */
export async function testOrganizations(
  bindings: readonly Binding[],
  daemon: Pick<ControlConnection, 'call'>,
  {terminal, now}: Context,
): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  for (const {identity, host, organizations} of bindings) {
    if (identity.kind === 'stored') continue;
    for (const name of organizations) {
      const organization = host === SERVICES_HOST ? name : `${host}/${name}`;
      const result = await daemon.call('token', {organization, scope: undefined});
      terminal.say(describeResult(organization, describeIdentity(identity), result, now()).join('\n'));
      if (result.kind === 'failed' && code !== EXIT.unhealthy) code = exitCodeFor(result.code);
    }
  }
  return code;
}

/** Returns the exit code for a failure: Entra or Azure DevOps rejected the credential, or something is broken. */
export function exitCodeFor(code: string): ExitCode {
  // codes of the issuer: AADSTS7000222, TF400813, VS403463, and OAuth's words
  const isRejection = /^(?:AADSTS|TF|VS)[0-9]|^[a-z]+_[a-z_]+$/.test(code) || REJECTIONS.has(code);
  return isRejection ? EXIT.signInRefused : EXIT.unhealthy;
}

function describeResult(organization: string, identity: string, result: TokenResult, now: number): string[] {
  const who = `${printable(organization)}: ${printable(identity)}`;
  if (result.kind === 'token') {
    const left =
      result.expiresAt === undefined ? '' : ` for ${describeDuration(Date.parse(result.expiresAt) - now)}`;
    return [`${style('green', '✓')} ${who}: ${result.form === 'pat' ? 'ready' : 'token'}${left}`];
  }
  const line = `${style('red', '✗')} ${who}: ${printable(result.message)} (${printable(result.code, 40)})`;
  return result.hint === undefined ? [line] : [line, `  repair: ${printable(result.hint)}`];
}

/** Our own codes for a missing sign-in or a rejected credential. */
const REJECTIONS = new Set([
  'ERR_AZURE_CLI_SIGN_IN',
  'ERR_CANCELLED',
  'ERR_NOT_ACCEPTED',
  'ERR_NOT_SIGNED_IN',
  'ERR_NO_SUCH_IDENTITY',
  'ERR_SIGN_IN_TIMEOUT',
]);
