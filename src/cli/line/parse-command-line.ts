import yargs, {type Argv} from 'yargs';
import {nearestWord} from '../../text/nearest-word.ts';
import {printable} from '../../text/printable.ts';
import {ARGUMENTS, placeOptions, type Chosen, type Command} from './command.ts';
import {CommandError} from '../command-error.ts';
import {EXIT} from '../exit-code.ts';

export type Parsed =
  | {readonly kind: 'command'; readonly run: Chosen}
  /** Help, or the version: what to print. */
  | {readonly kind: 'text'; readonly text: string};

/** Understands a command line and runs nothing. @throws {CommandError} with the exit code for wrong usage. */
export async function parseCommandLine(
  argv: readonly string[],
  commands: readonly Command[],
  version: string,
): Promise<Parsed> {
  let chosen: Chosen | undefined;
  let text = '';
  const words = argv[0] === 'help' ? [...argv.slice(1), '--help'] : [...argv];
  const parser = build(commands, {version, words}, (choice) => {
    chosen = choice;
  });
  await parser.parseAsync(words, {}, (_error, parsed, output) => {
    text = output;
    checkSingleValues(parsed, commands);
  });
  if (text !== '') return {kind: 'text', text: [tidy(text), ...examplesFor(words, commands)].join('\n')};
  if (chosen === undefined) throw usage('no command was given', 'run: orgkey --help');
  return {kind: 'command', run: chosen};
}

function build(
  commands: readonly Command[],
  {version, words}: {readonly version: string; readonly words: readonly string[]},
  choose: (chosen: Chosen) => void,
): Argv {
  const base = yargs([])
    .scriptName('orgkey')
    .usage('orgkey: one key per organization\n\nUsage: $0 <command> [options]')
    .locale('en')
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
    .wrap(WIDTH)
    .exitProcess(false)
    .epilogue('The daemon itself, in the foreground: orgkey daemon --help')
    .help('help', 'show this')
    .alias('h', 'help')
    .version('version', 'show the version', version)
    .strict()
    .fail((message, error) => {
      throw explain(message, error, {commands, words});
    });
  return attach(base, commands, choose).demandCommand(1, NO_COMMAND);
}

/** `org list` and `org test` come below one command `org`. */
function attach(base: Argv, commands: readonly Command[], choose: (chosen: Chosen) => void): Argv {
  let parser = base;
  for (const name of new Set(commands.map(firstWord))) {
    const ones = commands.filter((command) => firstWord(command) === name);
    const [only] = ones;
    if (ones.length === 1 && only !== undefined && !isNested(only)) {
      parser = only.attach(parser, only.usage, choose);
      continue;
    }
    parser = parser.command(name, ones.map(secondWord).join(', '), (below) => {
      let inner = below.usage(`Usage: $0 ${name} <command> [options]`).strict();
      for (const one of ones) inner = one.attach(inner, one.usage.slice(name.length + 1), choose);
      return inner.demandCommand(1, NO_COMMAND);
    });
  }
  return parser;
}

export function firstWord({usage}: Command): string {
  return usage.split(' ', 1)[0] ?? '';
}

function secondWord({usage}: Command): string {
  return usage.split(' ')[1] ?? '';
}

/** Whether the second word is a command as well, no argument. */
export function isNested({usage}: Command): boolean {
  return /^[a-z-]+ [a-z]/.test(usage);
}

/** yargs makes a list of an option that is given twice; only some of ours are lists. */
function checkSingleValues(
  parsed: Readonly<Record<string, unknown>> | undefined,
  commands: readonly Command[],
): void {
  const lists = commands.flatMap(({options}) => Object.entries(options).filter(([, {array}]) => array));
  const mayRepeat = new Set(['_', '--', ...lists.map(([name]) => name)]);
  for (const [name, value] of Object.entries(parsed ?? {})) {
    if (Array.isArray(value) && !mayRepeat.has(name)) throw usage(`--${name} is given twice`);
  }
}

/** What was typed, and what could have been. */
interface Typed {
  readonly words: readonly string[];
  readonly commands: readonly Command[];
}

function explain(message: string | undefined, error: Error | undefined, typed: Typed): Error {
  if (error instanceof CommandError) return error;
  if (message === undefined || message === '') return error ?? usage('the command line is not understood');
  const unknown = /^Unknown (argument|command)s?: (.*)$/s.exec(message);
  if (unknown !== null) return unknownWord(unknown[2]?.split(', ')[0] ?? '', typed);
  const [, name, choices] = /^ *Argument: ([a-z-]+), Given: .*, Choices: (.*)$/m.exec(message) ?? [];
  if (name !== undefined) {
    const isOption = typed.words.some((word) => isOptionOf(word, name));
    return usage(
      `${isOption ? '--' : ''}${name} is one of: ${choices?.replaceAll('"', '')}`,
      `run: ${helpOf(typed)}`,
    );
  }
  if (message.startsWith('Not enough non-option arguments')) {
    const [missing] = commandsAtHand(typed)[0]?.usage.match(/<[a-z-]+>/) ?? [];
    return usage(`${missing ?? 'an argument'} is missing`, `run: ${helpOf(typed)}`);
  }
  const sentence = message.split('\n', 1)[0] ?? '';
  return usage(printable(lowerFirst(sentence)), `run: ${helpOf(typed)}`);
}

/** Only what could stand there is proposed: options of the command at hand, or words in the place of a word. */
function unknownWord(unknown: string, typed: Typed): CommandError {
  const isOption = typed.words.some((word) => isOptionOf(word, unknown));
  const candidates = isOption ? optionsAtHand(typed) : namesAtHand(typed);
  const near =
    nearestWord(unknown, candidates) ?? candidates.find((name) => isOption && name.startsWith(`${unknown}-`));
  return usage(
    `unknown: ${printable(unknown, 60)}`,
    near === undefined ? `run: ${helpOf(typed)}` : `did you mean ${isOption ? '--' : ''}${near}?`,
  );
}

function isOptionOf(word: string, name: string): boolean {
  return word === `--${name}` || word.startsWith(`--${name}=`);
}

function optionsAtHand(typed: Typed): readonly string[] {
  const options = commandsAtHand(typed).flatMap((one) => Object.keys(one.options));
  return [...options, ...Object.keys(placeOptions), 'help', 'version'];
}

/** Names of commands, or second words where the first is typed already. */
function namesAtHand({words, commands}: Typed): readonly string[] {
  const below = commands.filter((one) => isNested(one) && firstWord(one) === words[0]);
  if (below.length > 0) return below.map(secondWord);
  return commands.some((one) => firstWord(one) === words[0]) ? [] : commands.map(firstWord);
}

/** The one whose words are typed; all of `org` where no second word of theirs is. */
function commandsAtHand({words, commands}: Typed): readonly Command[] {
  const ones = commands.filter((one) => firstWord(one) === words[0]);
  const exact = ones.filter((one) => !isNested(one) || secondWord(one) === words[1]);
  return exact.length > 0 ? exact : ones;
}

function helpOf(typed: Typed): string {
  const [only, ...others] = commandsAtHand(typed);
  if (only === undefined) return 'orgkey --help';
  const second = isNested(only) && others.length === 0 ? [secondWord(only)] : [];
  return ['orgkey', firstWord(only), ...second, '--help'].join(' ');
}

/**
 * What a value may be is said by the words behind the colon, and a switch is off where it is not given. Arguments are
 * shown as the usage has them: yargs knows them as options too.
 */
function tidy(help: string): string {
  const tag = /\s*\[(?:boolean|string|array|required|choices:[^\]]*|default:\s[^\]]*)\]/g;
  const shown = (_option: string, name: string) => (help.includes(`[${name}]`) ? `[${name}]` : `<${name}>`);
  return help
    .replaceAll(tag, '')
    .replace(ARGUMENT_LINES, (lines) =>
      lines.replaceAll(/^ +--[a-z-]+/gm, (option) => option.replace(/--([a-z-]+)/, shown)),
    );
}

const ARGUMENT_LINES = new RegExp(`^${ARGUMENTS}\n(?:.+\n)+`, 'm');

function examplesFor(argv: readonly string[], commands: readonly Command[]): string[] {
  const words = argv.filter((word) => !word.startsWith('-'));
  const asked = commands.find(({usage}) =>
    usage.split(' ').every((word, at) => words[at] === word || !/^[a-z]/.test(word)),
  );
  return asked?.example === undefined ? [] : ['', 'Example:', `  ${asked.example}`];
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function usage(message: string, hint?: string): CommandError {
  return new CommandError(EXIT.usage, message, {hint});
}

/** In columns. */
const WIDTH = 80;

const NO_COMMAND = 'no command was given';
