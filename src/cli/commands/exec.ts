import {spawn} from 'node:child_process';
import {constants} from 'node:os';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {toolVariables} from '../tool-variables.ts';
import {askForToken} from './token.ts';

interface ExecOptions extends Places {
  readonly organization: string;
  readonly feed?: readonly string[] | undefined;
  readonly '--'?: unknown;
}

/** `orgkey exec ORG -- CMD`: the command's exit code is ours. */
export async function exec(options: ExecOptions, context: Context): Promise<number> {
  const [program, ...argv] = commandOf(options['--']);
  if (program === undefined)
    throw new CommandError(EXIT.usage, 'there is no command', {
      hint: 'for example: orgkey exec contoso -- npm publish',
    });
  const granted = await askForToken(options, context);
  const variables = toolVariables(options.organization, granted, options.feed ?? []);
  return run(program, argv, {...context.environment, ...variables});
}

function commandOf(after: unknown): string[] {
  return Array.isArray(after) ? after.filter((word) => typeof word === 'string') : [];
}

/** The terminal is the child's meanwhile: Ctrl-C is for it, we only wait. */
function run(program: string, argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, {stdio: 'inherit', env});
    const forward = (signal: NodeJS.Signals) => child.kill(signal);
    process.on('SIGTERM', forward).on('SIGHUP', forward).on('SIGINT', ignore).on('SIGQUIT', ignore);
    const settle = () => {
      process.off('SIGTERM', forward).off('SIGHUP', forward).off('SIGINT', ignore).off('SIGQUIT', ignore);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      settle();
      const missing = error.code === 'ENOENT';
      const message = missing ? 'there is no such program' : 'the program cannot be run';
      reject(new CommandError(EXIT.usage, message, {cause: error}));
    });
    child.once('exit', (code, signal) => {
      settle();
      // as shells tell it
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

function ignore(): void {
  // it reaches the child as well, and whether that ends is its own decision
}
