import {basename} from 'node:path';
import {
  isArgument,
  namesOf,
  placeOptions,
  type Command,
  type Example,
  type Option,
} from '../../src/cli/line/command.ts';
import {commands} from '../../src/cli/line/command-line.ts';
import {EXIT_MEANINGS} from '../../src/cli/exit-code.ts';
import {SCRIPTS} from '../../src/tools/main.ts';
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
  /** `ssh-key add` */
  readonly words: string;
  readonly summary: string;
  readonly description: string | undefined;
  readonly examples: readonly Example[];
  /** The codes that mean something else for this command than for others. */
  readonly exitCodes: Readonly<Record<string, string>>;
  readonly options: readonly OptionEntry[];
}

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
    '## Helpers of tools',
    'Tools run these, with their own protocol on standard input and output; [`orgkey tools install`](#orgkey-tools-install) sets them up. The script is the same helper; except for NuGet it starts no Node. Another name ends with exit code 2.',
    table(
      ['Command', 'Script'],
      [
        ...[...SCRIPTS].map(([name = '', script]) => [code(`orgkey helper ${name}`), code(basename(script))]),
        [code('orgkey helper nuget -Plugin'), code('nuget-plugin-orgkey')],
      ],
    ),
    '## Shared options',
    table(
      ['Option', '', 'Commands'],
      [...shared.values()].map(({option, users}) => [
        code(option.syntax),
        option.describe,
        users.map((user) => `[${user.words}](#${anchorOf(user)})`).join(', '),
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
  return commands.map((command) => ({
    ...command,
    words: namesOf(command).join(' '),
    options: Object.entries(command.options).map(([name, option]) => optionEntry(name, option, command)),
  }));
}

export function placeEntries(): OptionEntry[] {
  return Object.entries(placeOptions).map(([name, option]) => optionEntry(name, option, {usage: ''}));
}

export function exitCodes(): (readonly [code: number, meaning: string])[] {
  return Object.entries(EXIT_MEANINGS).map(([number, meaning]) => [Number(number), sentence(meaning)]);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
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
    `## orgkey ${entry.words}`,
    `${code(`orgkey ${entry.usage}`)}: ${entry.summary}.${entry.description === undefined ? '' : ` ${entry.description}`}`,
    own.length === 0
      ? ''
      : table(
          ['Option', ''],
          own.map(({syntax, describe}) => [code(syntax), describe]),
        ),
    others.length === 0
      ? ''
      : `It also takes the [shared options](#shared-options) ${others.map(({name}) => code(`--${name}`)).join(', ')}.`,
    ...Object.entries(entry.exitCodes).map(
      ([number, meaning]) => `Exit code ${number === 'any' ? '' : `${number}: `}${meaning}.`,
    ),
    examplesOf(entry),
  ];
}

function examplesOf({examples}: CommandEntry): string {
  if (examples.length === 0) return '';
  const lines = examples.map(({command, note}) => `$ ${command}${note === undefined ? '' : `    # ${note}`}`);
  return `\`\`\`console\n${lines.join('\n')}\n\`\`\``;
}

function anchorOf(entry: CommandEntry): string {
  return anchor(`orgkey ${entry.words}`);
}

function optionEntry(name: string, option: Option, command: Pick<Command, 'usage'>): OptionEntry {
  const {describe, choices, value} = option;
  if (isArgument(command, name))
    return {name, syntax: option.demandOption ? `<${name}>` : `[${name}]`, describe, isArgument: true};
  const short = typeof option.alias === 'string' ? `-${option.alias}, ` : '';
  return {
    name,
    syntax: `${short}--${name}${value === undefined ? '' : ` ${value}`}`,
    describe: choices === undefined ? describe : `${describe}: ${choices.join(', ')}`,
    isArgument: false,
  };
}
