import yargs from 'yargs';
import {nearestWord} from '../../text/nearest-word.ts';
import {printable} from '../../text/printable.ts';
import {
  argumentsOf,
  isArgument,
  namesOf,
  placeOptions,
  type Chosen,
  type Command,
  type Option,
} from './command.ts';
import {findCommand} from './find-command.ts';
import {helpOfAll, helpOfCommand, helpOfGroup} from './help.ts';
import {CommandError, usageError} from '../command-error.ts';

type Parsed =
  | {readonly kind: 'command'; readonly run: Chosen}
  /** Help, or the version: what to print. */
  | {readonly kind: 'text'; readonly text: string};

interface Parts {
  readonly commands: readonly Command[];
  /** What the commands with the same first word are about. */
  readonly groups: Readonly<Record<string, string>>;
  readonly version: string;
  /** For help texts. */
  readonly columns: number;
}

/** Understands a command line and runs nothing. @throws {CommandError} with the exit code for wrong usage. */
export async function parseCommandLine(argv: readonly string[], parts: Parts): Promise<Parsed> {
  const [first = ''] = argv;
  if (VERSION_WORDS.has(first)) return {kind: 'text', text: parts.version};
  const {words, asksForHelp} = withoutHelp(argv);
  const found = findCommand(words, parts.commands);
  if (found.kind === 'group') return {kind: 'text', text: helpOfGroup(found.name, parts)};
  if (found.kind === 'nothing') {
    const [option] = found.rest;
    if (asksForHelp || option === undefined) return {kind: 'text', text: helpOfAll(parts)};
    throw usageError(`no command before or after ${printable(option, 60)}`, 'run: orgkey --help');
  }
  if (asksForHelp) return {kind: 'text', text: helpOfCommand(found.command, parts.columns)};
  return {kind: 'command', run: await parseOptions(found.command, found.rest)};
}

const VERSION_WORDS: ReadonlySet<string> = new Set(['version', '--version', '-V', '-v']);

/** `orgkey help status`, `orgkey status --help`; what follows `--` belongs to another program. */
function withoutHelp(argv: readonly string[]): {
  readonly words: readonly string[];
  readonly asksForHelp: boolean;
} {
  if (argv[0] === 'help') return {words: argv.slice(1), asksForHelp: true};
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const words = argv.filter((word, at) => at >= end || (word !== '--help' && word !== '-h'));
  return {words, asksForHelp: words.length < argv.length};
}

async function parseOptions(command: Command, words: readonly string[]): Promise<Chosen> {
  let chosen: Chosen | undefined;
  const parser = yargs([])
    .scriptName('orgkey')
    .locale('en')
    .updateStrings({'Not enough arguments following: %s': '--%s needs a value'})
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'populate--': true,
      'short-option-groups': false,
    })
    .exitProcess(false)
    .help(false)
    .version(false)
    .middleware((parsed) => checkWords(parsed, {command, words}), true)
    .fail((message, error) => {
      throw error instanceof CommandError ? error : usageError(printable(message), helpHint(command));
    });
  await command
    .attach(parser, (choice) => {
      chosen = choice;
    })
    .parseAsync(words);
  if (chosen === undefined) throw usageError('the command line is not understood', helpHint(command));
  return chosen;
}

interface Typed {
  readonly command: Command;
  readonly words: readonly string[];
}

/** Checks what yargs made of the words. yargs itself can't tell an unknown option from an unknown argument. */
function checkWords(parsed: Readonly<Record<string, unknown>>, typed: Typed): void {
  const {command} = typed;
  const {_: extra, '--': behind, $0: _program, ...values} = parsed;
  const takesCommand = command.usage.includes(' -- ');
  const [unexpected] = [...wordsIn(extra), ...(takesCommand ? [] : wordsIn(behind))];
  if (unexpected !== undefined)
    throw usageError(
      `unexpected argument: ${printable(unexpected, 60)}`,
      takesCommand ? 'write -- before the command' : helpHint(command),
    );
  for (const [name, value] of Object.entries(values)) checkOption(name, value, typed);
  const missing = argumentsOf(command).find(({name, isRequired}) => isRequired && values[name] === undefined);
  if (missing !== undefined) throw usageError(`<${missing.name}> is missing`, helpHint(command));
}

function checkOption(name: string, value: unknown, typed: Typed): void {
  const {command} = typed;
  const option = optionNamed(name, command);
  const isPositional = isArgument(command, name);
  if (option === undefined || (isPositional && isTyped(name, typed))) throw unknownOption(name, typed);
  const shown = isPositional ? `<${name}>` : `--${name}`;
  if (Array.isArray(value) && !isRepeatable(option))
    throw usageError(`${shown} is given twice`, helpHint(command));
  if (
    option.choices === undefined ||
    value === undefined ||
    option.choices.some((choice) => choice === value)
  )
    return;
  throw usageError(`${shown} must be one of: ${option.choices.join(', ')}`, helpHint(command));
}

function isRepeatable({array, coerce}: Option): boolean {
  return array === true || coerce !== undefined;
}

function optionNamed(name: string, {options}: Command): Option | undefined {
  const all: Readonly<Record<string, Option>> = {...placeOptions, ...options};
  return Object.hasOwn(all, name) ? all[name] : Object.values(all).find(({alias}) => alias === name);
}

function isTyped(name: string, {words}: Typed): boolean {
  return words.some((word) => word === `--${name}` || word.startsWith(`--${name}=`));
}

/** Suggests only what the command takes. */
function unknownOption(name: string, typed: Typed): CommandError {
  const {command, words} = typed;
  const shown = words.includes(`-${name}`) ? `-${name}` : `--${name}`;
  const names = Object.keys({...command.options, ...placeOptions, help: ''});
  const candidates = names.filter((candidate) => !isArgument(command, candidate));
  const near =
    nearestWord(name, candidates) ?? candidates.find((candidate) => candidate.startsWith(`${name}-`));
  return usageError(
    `unknown option: ${printable(shown, 60)}`,
    near === undefined ? helpHint(command) : `did you mean: --${near}`,
  );
}

function wordsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function helpHint(command: Command): string {
  return `run: orgkey ${namesOf(command).join(' ')} --help`;
}
