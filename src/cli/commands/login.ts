import {spawn} from 'node:child_process';
import type {ControlConnection} from '../../control/control-client.ts';
import type {ControlEvent} from '../../control/control-protocol.ts';
import {printable} from '../../text/printable.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {describeDuration, describeMoment} from '../describe-time.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {withDaemon} from '../find-daemon.ts';
import {pasteToken} from '../paste-token.ts';
import {style} from '../terminal.ts';
import {exitCodeFor} from '../test-organizations.ts';

interface LoginOptions extends Places {
  readonly organization: string;
  readonly paste: boolean;
}

/** Runs `orgkey login`: signs in, and then gets a token. */
export async function login(options: LoginOptions, context: Context): Promise<ExitCode> {
  const {organization, paste} = options;
  return withDaemon(options, context, async (daemon) => {
    if (paste) await pasteToken(organization, options, daemon, context);
    else await signIn(organization, daemon, context);
    return test(organization, daemon, context);
  });
}

async function signIn(organization: string, daemon: ControlConnection, context: Context): Promise<void> {
  daemon.onEvent((event) => {
    if (event.event === 'login') showProgress(event, context);
  });
  const stop = explainInterrupt(organization, context);
  const result = await daemon.call('login', {organization}).finally(stop);
  if (result.kind === 'signed-in') {
    context.terminal.say(`signed in as ${printable(result.account, 100)}`);
    return;
  }
  throw new CommandError(
    exitCodeFor(result.code),
    `${printable(result.message)} (${printable(result.code, 40)})`,
    {code: result.code, hint: result.hint === undefined ? undefined : printable(result.hint)},
  );
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
    return;
  }
  terminal.say(`sign in with the browser: ${printable(event.openUrl, 2000)}`);
  openBrowser(event.openUrl, context);
}

/** Opens only https and loopback addresses, although the daemon sent it. If no browser opens, the address was shown. */
function openBrowser(url: string, {platform, environment}: Context): void {
  if (!/^(?:https:\/\/|http:\/\/(?:localhost|127\.0\.0\.1)[:/])/.test(url)) return;
  const hasScreen =
    platform === 'darwin' ||
    environment['DISPLAY'] ||
    environment['WAYLAND_DISPLAY'] ||
    environment['BROWSER'];
  if (!hasScreen) return;
  const program = environment['BROWSER'] || (platform === 'darwin' ? 'open' : 'xdg-open');
  const child = spawn(program, [url], {stdio: 'ignore', detached: true, env: environment});
  child.once('error', () => undefined);
  child.unref();
}

async function test(
  organization: string,
  daemon: ControlConnection,
  {terminal, now}: Context,
): Promise<ExitCode> {
  const result = await daemon.call('token', {organization, scope: undefined});
  if (result.kind === 'failed') {
    terminal.error(
      `${printable(organization, 60)}: ${printable(result.message)} (${printable(result.code, 40)})`,
      result.hint,
    );
    return exitCodeFor(result.code);
  }
  const end = result.expiresAt === undefined ? undefined : Date.parse(result.expiresAt);
  const until =
    end === undefined
      ? 'works'
      : `works until ${describeMoment(end)}, in ${describeDuration(end - now())}; renewed automatically`;
  terminal.say(`${style('green', '✓')} ${printable(organization, 60)}: ${until}`);
  return EXIT.ok;
}
