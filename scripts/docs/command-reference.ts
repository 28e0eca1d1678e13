import type {Options} from 'yargs';
import {ARGUMENTS, placeOptions, type Command} from '../../src/cli/line/command.ts';
import {commands} from '../../src/cli/line/command-line.ts';
import {EXIT} from '../../src/cli/exit-code.ts';
import {anchor, code, page, table} from './markdown.ts';

/** One option or argument, as a reference shows it. */
export interface OptionEntry {
  /** `organization`; with `syntax` it identifies the option. */
  readonly name: string;
  /** `--organization NAME`, `-f, --follow`, `<organization>`. */
  readonly syntax: string;
  readonly describe: string;
  readonly isArgument: boolean;
}

/** One command, as a reference shows it. */
export interface CommandEntry {
  readonly usage: string;
  readonly summary: string;
  readonly example: string | undefined;
  readonly options: readonly OptionEntry[];
}

export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'The command succeeded.',
  unhealthy: 'Something is wrong: a check failed, or an organization is not served.',
  usage: 'The command line is not valid.',
  notRunning: 'The daemon is not running, or does not answer within 5 seconds.',
  signInRefused: 'The sign-in was refused.',
  badConfiguration: 'The configuration is not valid.',
};

export const ENVIRONMENT: readonly (readonly [variable: string, meaning: string])[] = [
  ['ORGKEY_CONFIG', 'The configuration file; `--config` wins.'],
  ['ORGKEY_RUNTIME_DIR', 'The directory of the sockets; `--runtime-dir` wins.'],
  ['ORGKEY_STATE_DIR', 'The state directory; `--state-dir` wins.'],
  ['ORGKEY_LOG_LEVEL', 'How much the daemon logs: `error`, `warn`, `info` or `debug`.'],
  ['ORGKEY_NO_START', 'If set, the helper does not start the service.'],
  ['NO_COLOR', 'If set, output has no colors.'],
];

/** Returns docs/commands.md. An option that several commands share is described once, at the end. */
export function commandReference(): string {
  const entries = commandEntries();
  const shared = sharedOptions(entries);
  return page([
    '# Commands',
    'Data is printed on stdout, everything else on stderr. JSON output carries `schemaVersion`; its schemas are in [json/](json/).',
    table(
      ['Command', ''],
      entries.map((entry) => [`[${code(`orgkey ${entry.usage}`)}](#${anchorOf(entry)})`, entry.summary]),
    ),
    ...entries.flatMap((entry) => renderCommand(entry, shared)),
    '## Shared options',
    table(
      ['Option', '', 'Commands'],
      [...shared.values()].map(({option, users}) => [
        code(option.syntax),
        option.describe,
        users.map((user) => `[${wordsOf(user)}](#${anchorOf(user)})`).join(', '),
      ]),
    ),
    '## Options of every command',
    table(
      ['Option', ''],
      placeEntries().map(({syntax, describe}) => [code(syntax), describe]),
    ),
    '## Environment',
    table(
      ['Variable', ''],
      ENVIRONMENT.map(([variable, meaning]) => [code(variable), meaning]),
    ),
    '## Exit codes',
    'See [errors.md](errors.md#exit-codes).',
  ]);
}

export function commandEntries(): CommandEntry[] {
  return commands.map(({usage, summary, example, options}: Command) => ({
    usage,
    summary,
    example,
    options: Object.entries(options).map(([name, option]) => optionEntry(name, option)),
  }));
}

export function placeEntries(): OptionEntry[] {
  return Object.entries(placeOptions).map(([name, option]) => optionEntry(name, option));
}

export function exitCodes(): (readonly [code: number, meaning: string])[] {
  return [
    [EXIT.ok, EXIT_MEANINGS.ok],
    [EXIT.unhealthy, EXIT_MEANINGS.unhealthy],
    [EXIT.usage, EXIT_MEANINGS.usage],
    [EXIT.notRunning, EXIT_MEANINGS.notRunning],
    [EXIT.signInRefused, EXIT_MEANINGS.signInRefused],
    [EXIT.badConfiguration, EXIT_MEANINGS.badConfiguration],
  ];
}

/** Returns the options that more than one command takes with the same text, and those commands. */
export function sharedOptions(
  entries: readonly CommandEntry[],
): ReadonlyMap<string, {option: OptionEntry; users: CommandEntry[]}> {
  const all = new Map<string, {option: OptionEntry; users: CommandEntry[]}>();
  for (const entry of entries) {
    for (const option of entry.options) {
      if (option.isArgument) continue;
      const known = all.get(keyOf(option)) ?? {option, users: []};
      known.users.push(entry);
      all.set(keyOf(option), known);
    }
  }
  return new Map([...all].filter(([, {users}]) => users.length > 1));
}

export function keyOf({syntax, describe}: OptionEntry): string {
  return `${syntax} ${describe}`;
}

function renderCommand(entry: CommandEntry, shared: ReadonlyMap<string, unknown>): string[] {
  const own = entry.options.filter((option) => !shared.has(keyOf(option)));
  const others = entry.options.filter((option) => shared.has(keyOf(option)));
  return [
    `## orgkey ${wordsOf(entry)}`,
    `${code(`orgkey ${entry.usage}`)}: ${entry.summary}.`,
    own.length === 0
      ? ''
      : table(
          ['Option', ''],
          own.map(({syntax, describe}) => [code(syntax), describe]),
        ),
    others.length === 0
      ? ''
      : `It also takes the [shared options](#shared-options) ${others.map(({name}) => code(`--${name}`)).join(', ')}.`,
    entry.example === undefined ? '' : `Example: ${code(entry.example)}`,
  ];
}

/** Returns the command without its arguments: `ssh-key add`. */
export function wordsOf({usage}: CommandEntry): string {
  return usage.replaceAll(/ [[<].*/g, '');
}

function anchorOf(entry: CommandEntry): string {
  return anchor(`orgkey ${wordsOf(entry)}`);
}

/** An option that is described as `for this organization: NAME` is `--organization NAME`. */
function optionEntry(name: string, option: Options): OptionEntry {
  const describe = option.describe ?? '';
  if (option.group === ARGUMENTS)
    return {name, syntax: option.demandOption ? `<${name}>` : `[${name}]`, describe, isArgument: true};
  const at = option.type === 'boolean' ? -1 : describe.lastIndexOf(': ');
  const value = at === -1 ? '' : ` ${describe.slice(at + 2)}`;
  const isList = value.includes(', ');
  const short = typeof option.alias === 'string' ? `-${option.alias}, ` : '';
  return {
    name,
    syntax: `${short}--${name}${isList ? ' …' : value}`,
    describe: at === -1 || isList ? describe : describe.slice(0, at),
    isArgument: false,
  };
}
