import {Bindings} from '../../identity/bindings.ts';
import type {ControlConnection} from '../../control/control-client.ts';
import {ownerNamed} from '../../control/owner-named.ts';
import {targetOf} from '../../diagnostics/target.ts';
import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {isRunning, withDaemon} from '../find-daemon.ts';
import {explainUnknown} from '../organizations/explain-unknown.ts';
import {nameTyped} from '../organizations/named-organization.ts';
import {pasteToken} from '../organizations/paste-token.ts';
import {loadFor} from '../read-configuration.ts';
import {signIn} from '../organizations/sign-in.ts';
import {
  describeResult,
  exitCodeOf,
  resultsAsJson,
  testOrganizations,
} from '../organizations/test-organizations.ts';
import {usageError} from '../command-error.ts';

interface LoginOptions extends Places {
  readonly organization: string;
  readonly paste: boolean;
  readonly 'device-code': boolean;
  readonly account?: string | undefined;
  readonly json: boolean;
}

/** Runs `orgkey login`: signs in, and asks Azure DevOps whether it accepts the user. */
export async function login(options: LoginOptions, context: Context): Promise<ExitCode> {
  const {paste, json} = options;
  const organization = nameTyped(options.organization);
  const {account} = options;
  if (paste && account !== undefined) throw usageError('--paste and --account exclude each other');
  if (paste && options['device-code']) throw usageError('--paste and --device-code exclude each other');
  // before the first setup, which needs the file of the token
  if (paste && !json && !(await isRunning(options, context))) {
    await pasteToken(organization, options, undefined, context);
    context.terminal.say('the token is kept; no daemon runs that could test it');
    context.terminal.hint('run: orgkey setup');
    return EXIT.ok;
  }
  return withDaemon(options, context, async (daemon) => {
    if (paste) await pasteToken(organization, options, daemon, context);
    else await signIn(organization, {daemon, context, useCode: options['device-code'], account});
    return test(organization, daemon, {options, context, json});
  });
}

interface Scene {
  readonly options: Places;
  readonly context: Context;
  readonly json: boolean;
}

/** Tests the one organization, with the credential that covers it, by name or not. */
async function test(
  organization: string,
  daemon: Pick<ControlConnection, 'call'>,
  {options, context, json}: Scene,
): Promise<ExitCode> {
  const {terminal, now} = context;
  const loaded = await loadFor(options, context);
  const all = loaded.kind === 'loaded' ? loaded.configuration.bindings : [];
  const bindings = new Bindings(all);
  const owner = ownerNamed(organization, bindings);
  const choice = bindings.choose(owner);
  const target = targetOf(owner, bindings, undefined);
  if (choice.kind === 'none' || target === undefined) throw explainUnknown(organization, all);
  const binding = {...choice.binding, host: target.host, organizations: [target.organization]};
  const results = await testOrganizations([binding], daemon, context, (result) => {
    if (!json) terminal.say(describeResult(result, now()).join('\n'));
  });
  if (json) terminal.printJson(resultsAsJson(results));
  return exitCodeOf(results);
}
