import {spawn} from 'node:child_process';
import {constants} from 'node:os';
import {dirname, join} from 'node:path';
import {printable} from '../../text/printable.ts';
import type {Context, Places} from '../context.ts';
import {absolute} from '../locate.ts';
import {nameTyped} from '../organizations/named-organization.ts';
import {feedAddress, parseFeeds, spelledBases, type Feed} from '../exec/feed.ts';
import {addressesIn, npmConfiguration} from '../exec/npm-configuration.ts';
import {
  isNpmUserConfig,
  readNpmConfiguration,
  readNpmProject,
  withPrivateDirectory,
  writePrivate,
} from '../exec/private-files.ts';
import {npmKey, ORGKEY_BASIC, ORGKEY_TOKEN, toolVariables} from '../exec/tool-variables.ts';
import {askForToken, type Granted} from './token.ts';
import {usageError} from '../command-error.ts';

interface ExecOptions extends Places {
  readonly organization: string;
  readonly feed?: readonly string[] | undefined;
  readonly '--'?: unknown;
}

/** Runs `orgkey exec`. Returns the exit code of the command. */
export async function exec(options: ExecOptions, context: Context): Promise<number> {
  const [program, ...argv] = commandOf(options['--']);
  if (program === undefined)
    throw usageError('no command was given', 'add one, as in: orgkey exec contoso -- npm publish');
  const feeds = parseFeeds(options.feed ?? []);
  const granted = await askForToken(options, context);
  const organization = nameTyped(options.organization);
  const variables = toolVariables({organization, granted, feeds, caller: context.environment});
  return withPrivateDirectory(context, async (directory) => {
    const npmrc = join(directory, 'npmrc');
    await writePrivate(npmrc, await npmText(organization, granted, feeds, context));
    const env = {...callerVariables(options, context), ...variables, NPM_CONFIG_USERCONFIG: npmrc};
    return run([program, ...argv], env, context);
  });
}

async function npmText(
  organization: string,
  granted: Granted,
  feeds: readonly Feed[],
  context: Context,
): Promise<string> {
  const own = await readNpmConfiguration(context);
  const bases = spelledBases(organization, granted.host);
  const key = npmKey(granted);
  return npmConfiguration(own, {
    bases,
    registries: [
      ...bases.flatMap((base) => feeds.map((feed) => `${feedAddress(base, feed)}/npm/registry/`)),
      ...addressesIn([own, ...(await readNpmProject(context.directory))]),
    ],
    key,
    variable: key === '_auth' ? ORGKEY_BASIC : ORGKEY_TOKEN,
  });
}

/** pip finds our program `keyring` first, and that the daemon which we asked. */
function callerVariables(options: Places, context: Context): NodeJS.ProcessEnv {
  const {environment, program} = context;
  const kept = Object.entries(environment).filter(([name]) => !isNpmUserConfig(name));
  const runtime = options['runtime-dir'];
  const keyring = join(dirname(program.helper), 'keyring');
  return {
    ...Object.fromEntries(kept),
    PATH: [keyring, environment['PATH']].filter(Boolean).join(':'),
    ...(runtime !== undefined && {ORGKEY_RUNTIME_DIR: absolute(runtime, context)}),
  };
}

function commandOf(after: unknown): string[] {
  return Array.isArray(after) ? after.filter((word) => typeof word === 'string') : [];
}

/** The child has the terminal meanwhile: Ctrl-C reaches it, and we only wait. */
function run(
  [program, ...argv]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  {terminal}: Context,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, argv, {stdio: 'inherit', env});
    const forward = (signal: NodeJS.Signals) => child.kill(signal);
    process.on('SIGTERM', forward).on('SIGHUP', forward).on('SIGINT', ignore).on('SIGQUIT', ignore);
    const settle = () => {
      process.off('SIGTERM', forward).off('SIGHUP', forward).off('SIGINT', ignore).off('SIGQUIT', ignore);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      settle();
      const name = printable(program, 100);
      const isMissing = error.code === 'ENOENT';
      const where = program.includes('/') ? 'does not exist' : 'is not on the PATH';
      terminal.error(isMissing ? `${name} ${where}` : `cannot run ${name} (${error.code ?? error.message})`);
      // as shells do
      resolve(isMissing ? 127 : 126);
    });
    child.once('exit', (code, signal) => {
      settle();
      // as shells report a signal
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

function ignore(): void {
  // the child gets the signal as well, and decides whether to end
}
