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
 * Gets a token for every organization that is configured by name, and tells of each. Where some are refused and some
 * broken, the exit code is that of what is broken.
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

/** Whether Entra or Azure DevOps said no; everything else is something that is broken. */
export function exitCodeFor(code: string): ExitCode {
  // the issuer's own codes: AADSTS7000222, TF400813, VS403463, and OAuth's words
  const isRefusal = /^(?:AADSTS|TF|VS)[0-9]|^[a-z]+_[a-z_]+$/.test(code) || REFUSALS.has(code);
  return isRefusal ? EXIT.signInRefused : EXIT.unhealthy;
}

function describeResult(organization: string, identity: string, result: TokenResult, now: number): string[] {
  const who = `${printable(organization)}: ${printable(identity)}`;
  if (result.kind === 'token') {
    const left = result.expiresAt === undefined ? '' : ` for ${describeDuration(result.expiresAt - now)}`;
    return [`${style('green', '✓')} ${who}: ${result.form === 'pat' ? 'ready' : 'token'}${left}`];
  }
  const line = `${style('red', '✗')} ${who}: ${printable(result.message)} (${printable(result.code, 40)})`;
  return result.hint === undefined ? [line] : [line, `  repair: ${printable(result.hint)}`];
}

/** Where nobody is signed in, or what we have is not taken. */
const REFUSALS = new Set([
  'ERR_AZURE_CLI_SIGN_IN',
  'ERR_CANCELLED',
  'ERR_NOT_ACCEPTED',
  'ERR_NOT_SIGNED_IN',
  'ERR_NO_SUCH_IDENTITY',
  'ERR_SIGN_IN_TIMEOUT',
]);
