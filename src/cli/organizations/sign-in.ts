import {spawn} from 'node:child_process';
import type {ControlConnection} from '../../control/control-client.ts';
import type {ControlEvent} from '../../control/control-protocol.ts';
import type {Binding} from '../../identity/bindings.ts';
import {AZURE_CLI_CLIENT_ID, describeIdentity, type Identity} from '../../identity/identity.ts';
import {nameInRepair} from '../../text/name-in-repair.ts';
import {printable} from '../../text/printable.ts';
import {CommandError} from '../command-error.ts';
import type {Context} from '../context.ts';
import type {ExitCode} from '../exit-code.ts';
import {style} from '../terminal.ts';
import {
  describeResult,
  exitCodeFor,
  exitCodeOf,
  testOrganizations,
  type TestResult,
} from './test-organizations.ts';

interface SignInScene {
  readonly daemon: ControlConnection;
  readonly context: Context;
  /** Whether the user signs in with a code on another device, whatever is configured. */
  readonly useCode: boolean;
  /** Who must sign in. */
  readonly account?: string | undefined;
}

/** Lets the user sign in. @throws {CommandError} if that fails. */
export async function signIn(
  organization: string,
  {daemon, context, useCode, account}: SignInScene,
): Promise<void> {
  const {terminal} = context;
  const method = useCode || (await prefersCode(organization, context)) ? 'device-code' : undefined;
  daemon.onEvent((event) => {
    if (event.event === 'login') showProgress(event, context);
    if (event.event === 'other-account') void askAboutOther(event, daemon, context);
  });
  const stop = explainInterrupt(organization, context);
  const result = await daemon
    .call('login', {organization, method, account, isInteractive: terminal.isInteractive})
    .finally(stop);
  if (result.kind === 'signed-in') {
    terminal.say(`signed in as ${printable(result.account, 100)}`);
    return;
  }
  const {code, message} = result;
  const hint = nameInRepair(result.hint, organization);
  throw new CommandError(exitCodeFor(code), `${printable(message)} (${printable(code, 40)})`, {
    code,
    hint: hint === undefined ? undefined : printable(hint),
  });
}

/** Asks whether the user who signed in may replace the one before. */
async function askAboutOther(
  {question, account, known}: Extract<ControlEvent, {event: 'other-account'}>,
  daemon: ControlConnection,
  {terminal}: Context,
): Promise<void> {
  terminal.say(`signed in as ${printable(account, 100)}; until now it was ${printable(known, 100)}`);
  const answer = await terminal.ask('Replace it, y or n', 'n');
  await daemon.call('answer', {question, isYes: /^y/i.test(answer)});
}

/** Tests the organizations of a setup. A user who has not signed in yet does so now, or learns how to. */
export async function testAndSignIn(
  bindings: readonly Binding[],
  daemon: ControlConnection,
  context: Context,
): Promise<ExitCode> {
  const {terminal, now} = context;
  const tell = (result: TestResult) => terminal.say(describeResult(result, now()).join('\n'));
  const results = await testOrganizations(bindings, daemon, context, (result) => {
    if (!isSignedOut(result)) tell(result);
  });
  const others = results.filter((result) => !isSignedOut(result));
  const retried: TestResult[] = [];
  for (const {organization} of results.filter(isSignedOut)) {
    const own = only(organization, bindings);
    // a sign-in serves all organizations of the same user
    const [again] = await testOrganizations(own, daemon, context, (result) => {
      if (!isSignedOut(result)) tell(result);
    });
    if (again !== undefined && !isSignedOut(again)) retried.push(again);
    else if (terminal.isInteractive) {
      terminal.say(`${printable(organization, 80)}: sign in now`);
      await signIn(organization, {daemon, context, useCode: false});
      retried.push(...(await testOrganizations(own, daemon, context, tell)));
    } else terminal.say(`next: orgkey login ${printable(organization, 80)}`);
  }
  for (const {host, identity, organizations} of bindings)
    if (organizations.length === 0 && identity.kind !== 'stored')
      terminal.say(describeFallback(host, identity));
  return exitCodeOf([...others, ...retried]);
}

/** A credential for all other organizations cannot be tried without the name of one. */
function describeFallback(host: string, identity: Identity): string {
  const who = `the rest of ${printable(host, 80)}: ${printable(describeIdentity(identity))}`;
  return `${style('yellow', '–')} ${who}: not checked: no organization is named\n  repair: try one: orgkey doctor ORGANIZATION`;
}

function isSignedOut({code, kind}: TestResult): boolean {
  return kind === 'sign-in' && code === 'ERR_NOT_SIGNED_IN';
}

function only(name: string, bindings: readonly Binding[]): Binding[] {
  return bindings.flatMap((binding) =>
    binding.organizations
      .filter((organization) => organization === name || `${binding.host}/${organization}` === name)
      .map((organization) => ({...binding, organizations: [organization]})),
  );
}

/** A browser on another machine cannot return to this one: a code works from there. */
async function prefersCode(organization: string, context: Context): Promise<boolean> {
  const {terminal, environment} = context;
  if (!environment['SSH_CONNECTION'] || hasScreen(context)) return false;
  terminal.say(
    'This is an SSH session without a display: a browser on your own machine cannot complete a sign-in here.',
  );
  if (!terminal.isInteractive) {
    terminal.hint(`sign in with a code: orgkey login ${printable(organization, 80)} --device-code`);
    return false;
  }
  const answer = await terminal.ask('Sign in with a code instead, y or n', 'y');
  return /^y/i.test(answer);
}

/** Ctrl-C ends this program, and the closed connection ends the sign-in. Returns a function that stops listening. */
function explainInterrupt(organization: string, {terminal}: Context): () => void {
  const interrupted = () => {
    terminal.error('sign-in cancelled', `run it again: orgkey login ${organization}`);
    // no listener is left, so the signal ends us, as our caller expects
    process.kill(process.pid, 'SIGINT');
  };
  process.once('SIGINT', interrupted);
  return () => void process.off('SIGINT', interrupted);
}

function showProgress(event: Extract<ControlEvent, {event: 'login'}>, context: Context): void {
  const {terminal} = context;
  if ('deviceCode' in event) {
    const {url, code} = event.deviceCode;
    terminal.say(
      `open ${style('bold', printable(url, 300))} and enter ${style('bold', printable(code, 40))}`,
    );
    terminal.say('waiting for you to sign in; Ctrl-C to stop');
    return;
  }
  const {clientId} = event;
  const known = clientId === AZURE_CLI_CLIENT_ID ? ', Microsoft Azure CLI, the default of orgkey' : '';
  terminal.say(`application: ${printable(clientId, 60)}${known}`);
  const isOpened = openBrowser(event.openUrl, context);
  if (isOpened) terminal.say('opened your browser; if it shows nothing, use the address below');
  terminal.say(`sign in with the browser: ${printable(event.openUrl, 300)}`);
  terminal.say('waiting for you to sign in; Ctrl-C to stop');
}

/** Opens only addresses on loopback, although the daemon sent it. Returns whether a browser was started. */
function openBrowser(url: string, context: Context): boolean {
  const {platform, environment} = context;
  if (!/^http:\/\/localhost:\d+\//.test(url)) return false;
  if (!hasScreen(context)) return false;
  const program = environment['BROWSER'] || (platform === 'darwin' ? 'open' : 'xdg-open');
  const child = spawn(program, [url], {stdio: 'ignore', detached: true, env: environment});
  child.once('error', () => undefined);
  child.unref();
  return child.pid !== undefined;
}

function hasScreen({platform, environment}: Context): boolean {
  const named = environment['DISPLAY'] || environment['WAYLAND_DISPLAY'] || environment['BROWSER'];
  return platform === 'darwin' || Boolean(named);
}
