import type {ArgumentsCamelCase, Argv, InferredOptionTypes, Options} from 'yargs';
import type {Context, Places} from '../context.ts';

/** One command as people see it; the README's reference and the completion are made from it as well. */
export interface Command {
  /** As typed, with its arguments: `token <organization>`, `ssh-key add <organization>`. */
  readonly usage: string;
  /** One line, lower case after the command's name, no full stop. */
  readonly summary: string;
  readonly example: string | undefined;
  readonly options: Readonly<Record<string, Options>>;
  /** Tells yargs about it. What was asked for is handed to `choose` and not run yet. */
  readonly attach: (yargs: Argv, words: string, choose: (chosen: Chosen) => void) => Argv;
}

/** A command line that was understood. Gives the exit code. */
export type Chosen = (context: Context) => Promise<number>;

interface Definition<O extends Record<string, Options>> {
  readonly usage: string;
  readonly summary: string;
  readonly example?: string;
  /** Those of `<…>` and `[…]` in `usage` as well. */
  readonly options: O;
  /** Loads what the command needs, and only that, and runs it. */
  readonly run: (
    options: ArgumentsCamelCase<InferredOptionTypes<O & PlaceOptions>>,
    context: Context,
  ) => Promise<number>;
}

/** Keeps the types of the options for `run`, and hides them from everybody else. */
export function command<const O extends Record<string, Options>>({
  usage,
  summary,
  example,
  options,
  run,
}: Definition<O>): Command {
  return {
    usage,
    summary,
    example,
    options,
    attach: (yargs, words, choose) =>
      yargs.command(words, summary, {...options, ...placeOptions}, (parsed) => {
        choose((context) => run(parsed, context));
      }),
  };
}

type PlaceOptions = typeof placeOptions;

/** Taken by every command. */
export const placeOptions = {
  config: text('the configuration to use', 'FILE'),
  'runtime-dir': text('where the daemon has its sockets', 'DIR'),
  'state-dir': text('where orgkey keeps what it must remember', 'DIR'),
} as const satisfies Record<keyof Places, Options>;

/** An option with a value. */
export function text<const D extends string>(describe: D, value: string) {
  return {type: 'string', requiresArg: true, describe: `${describe}: ${value}`} as const;
}

/** An option that is there or not. */
export function flag<const D extends string>(describe: D) {
  return {type: 'boolean', default: false, describe} as const;
}

/** `<organization>`: must be given. */
export function required<const D extends string>(describe: D) {
  return {type: 'string', demandOption: true, describe, group: ARGUMENTS} as const;
}

/** `[organization]`: may be given. */
export function optional<const D extends string>(describe: D) {
  return {type: 'string', describe, group: ARGUMENTS} as const;
}

export const ARGUMENTS = 'Arguments:';
