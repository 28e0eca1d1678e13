import yargs, {type Argv} from 'yargs';
import {nearestWord} from '../config/nearest-word.ts';
import {printable} from '../printable.ts';
import {placeOptions, type Chosen, type Command} from './command.ts';
import {CommandError} from './command-error.ts';
import {EXIT} from './exit-code.ts';

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
  const parser = build(commands, version, (choice) => {
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

function build(commands: readonly Command[], version: string, choose: (chosen: Chosen) => void): Argv {
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
    .fail((message, error, parser) => {
      throw explain(message, error, commands, parser);
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

function explain(
  message: string | undefined,
  error: Error | undefined,
  commands: readonly Command[],
  parser: Argv,
): Error {
  if (error instanceof CommandError) return error;
  if (message === undefined || message === '') return error ?? usage('the command line is not understood');
  void parser;
  const unknown = /^Unknown (argument|command)s?: (.*)$/s.exec(message);
  if (unknown !== null) return unknownWord(unknown[2]?.split(', ')[0] ?? '', commands);
  const sentence = message.split('\n', 1)[0] ?? '';
  return usage(printable(lowerFirst(sentence)), 'run: orgkey --help');
}

function unknownWord(word: string, commands: readonly Command[]): CommandError {
  const options = [...Object.keys(placeOptions), ...commands.flatMap((one) => Object.keys(one.options))];
  const words = [...commands.map(firstWord), ...commands.filter(isNested).map(secondWord)];
  const option = nearestWord(word, options) ?? options.find((name) => name.startsWith(`${word}-`));
  const named = nearestWord(word, words);
  const near = named ?? (option === undefined ? undefined : `--${option}`);
  return usage(
    `unknown: ${printable(word, 60)}`,
    near === undefined ? 'run: orgkey --help' : `did you mean ${near}?`,
  );
}

/** What a value may be is said by the words behind the colon, and a switch is off where it is not given. */
function tidy(help: string): string {
  const tag = /\s*\[(?:boolean|string|array|required|choices:[^\]]*|default:\s[^\]]*)\]/g;
  return help.replaceAll(tag, '');
}

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
