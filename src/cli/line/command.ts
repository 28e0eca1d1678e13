import type {ArgumentsCamelCase, Argv, InferredOptionTypes, Options} from 'yargs';
import {resolve} from 'node:path';
import {joinPaths} from '../../places/paths.ts';
import type {Context, Places} from '../context.ts';

/** One command. Its help, the completion, the reference and the manual pages are made from this. */
export interface Command {
  /** What the user types, with the arguments: `token <organization>`, `org test [organization]`. */
  readonly usage: string;
  /** One line that continues "orgkey NAME: …": lower case, imperative, no full stop. */
  readonly summary: string;
  /** Whole sentences: what the summary leaves out. */
  readonly description: string | undefined;
  /** Keys are the names of the options without `--`, and the arguments of `usage`. */
  readonly options: Readonly<Record<string, Option>>;
  readonly examples: readonly Example[];
  /** By exit code, or by a word for several: what it means for this command, if that is not in `EXIT_MEANINGS`. */
  readonly exitCodes: Readonly<Record<string, string>>;
  /** Tells yargs about the command. It hands what is to be run to `choose`, and runs nothing itself. */
  readonly attach: (yargs: Argv, choose: (chosen: Chosen) => void) => Argv;
}

export interface Option extends Options {
  /** Lower case, no full stop. */
  readonly describe: string;
  /** The name of its value in help texts: the FILE of `--config FILE`. `undefined`: a switch or an argument. */
  readonly value?: string;
}

export interface Example {
  /** A line for the shell. */
  readonly command: string;
  /** What it does: lower case, no full stop. */
  readonly note?: string;
}

/** Runs the command that was understood. Returns the exit code. */
export type Chosen = (context: Context) => Promise<number>;

interface Definition<O extends Record<string, Option>> {
  readonly usage: string;
  readonly summary: string;
  readonly description?: string;
  readonly options: O;
  /** Default: the command alone. */
  readonly examples?: readonly Example[];
  readonly exitCodes?: Readonly<Record<string, string>>;
  /** Which configuration is meant if none is named. Default: where a new daemon would look for it. */
  readonly configuration?: 'of the daemon';
  /** Loads what the command needs, and only that, and runs it. */
  readonly run: (
    options: ArgumentsCamelCase<InferredOptionTypes<O & PlaceOptions>>,
    context: Context,
  ) => Promise<number>;
}

/** Keeps the types of the options for `run`, and hides them from everything else. */
export function defineCommand<const O extends Record<string, Option>>(definition: Definition<O>): Command {
  const {
    usage,
    summary,
    description,
    options,
    examples = [{command: `orgkey ${usage}`}],
    exitCodes = {},
    configuration,
    run,
  } = definition;
  // a missing argument is reported by our own check, before yargs would
  const words = [
    '$0',
    ...argumentsOf({usage}).map(({name, isList}) => `[${name}${isList ? '..' : ''}]`),
  ].join(' ');
  return {
    usage,
    summary,
    description,
    options,
    examples,
    exitCodes,
    attach: (yargs, choose) =>
      yargs.command(words, summary, {...options, ...placeOptions}, (parsed) => {
        choose(async (context) => {
          if (configuration === undefined) return run(parsed, context);
          const {followDaemon} = await import('../configuration-in-use.ts');
          return run(await followDaemon(parsed, context), context);
        });
      }),
  };
}

type PlaceOptions = typeof placeOptions;

/** The options that every command takes. */
export const placeOptions = {
  config: {
    ...text('the configuration file to use; later ones override earlier ones (repeatable)', 'FILE'),
    coerce: (given: string | readonly string[] | undefined) =>
      typeof given === 'object' ? joinPaths(given.map((path) => fromHere(path))) : given,
  },
  'runtime-dir': text("the directory of the daemon's sockets", 'DIR'),
  'state-dir': text('the directory for what orgkey must remember', 'DIR'),
} as const satisfies Record<keyof Places, Option>;

/** Before a path is one of several, it must be absolute. */
function fromHere(path: string): string {
  return path.startsWith('~/') ? path : resolve(path);
}

/** An option with a value. */
export function text<const D extends string, const V extends string>(describe: D, value: V) {
  return {type: 'string', requiresArg: true, describe, value} as const;
}

export function flag<const D extends string>(describe: D) {
  return {type: 'boolean', default: false, describe} as const;
}

/** The `<organization>` of a usage line. */
export function required<const D extends string>(describe: D) {
  return {type: 'string', demandOption: true, describe} as const;
}

/** The `[organization]` of a usage line. */
export function optional<const D extends string>(describe: D) {
  return {type: 'string', describe} as const;
}

/** Returns the words that select the command: `['ssh-key', 'add']`. */
export function namesOf({usage}: Pick<Command, 'usage'>): readonly string[] {
  return usage.split(' ').filter((word) => /^[a-z]/.test(word));
}

interface Argument {
  readonly name: string;
  readonly isRequired: boolean;
  /** Whether it takes all words that are left. */
  readonly isList: boolean;
}

export function argumentsOf({usage}: Pick<Command, 'usage'>): readonly Argument[] {
  return Array.from(usage.matchAll(/(?<open>[<[])(?<name>[a-z-]+)(?<more>\.\.)?[>\]]/g), ({groups}) => ({
    name: groups?.['name'] ?? '',
    isRequired: groups?.['open'] === '<',
    isList: groups?.['more'] !== undefined,
  }));
}

export function isArgument(command: Pick<Command, 'usage'>, name: string): boolean {
  return argumentsOf(command).some((argument) => argument.name === name);
}
