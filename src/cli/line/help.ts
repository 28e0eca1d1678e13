import {wrap} from '../wrap.ts';
import {EXIT_MEANINGS} from '../exit-code.ts';
import {isArgument, namesOf, placeOptions, type Command, type Option} from './command.ts';

interface Table {
  readonly commands: readonly Command[];
  readonly groups: Readonly<Record<string, string>>;
  /** How wide the text may be. */
  readonly columns: number;
}

/** Returns the help of the whole program: every command, those with the same first word as one line. */
export function helpOfAll({commands, groups, columns}: Table): string {
  const names = [...new Set(commands.map((command) => namesOf(command)[0] ?? ''))];
  const rows = names.map((name): Row => {
    const only = commands.find((command) => namesOf(command).join(' ') === name);
    return [`orgkey ${only?.usage ?? `${name} …`}`, only?.summary ?? groups[name] ?? ''];
  });
  return [
    'orgkey: one key per organization',
    '',
    'Usage: orgkey <command> [options]',
    ...section('Commands:', rows, columns),
    ...section(
      'Exit codes:',
      Object.entries(EXIT_MEANINGS).map(([code, meaning]) => [code, meaning]),
      columns,
    ),
    '',
    ...wrap('Help for one command: orgkey help <command>. The version: orgkey --version.', columns),
  ].join('\n');
}

/** Returns the help of the commands with the same first word. */
export function helpOfGroup(name: string, {commands, groups, columns}: Table): string {
  const ones = commands.filter((command) => namesOf(command)[0] === name);
  return [
    `Usage: orgkey ${name} <command> [options]`,
    '',
    ...wrap(`orgkey ${name}: ${groups[name] ?? ''}`, columns),
    ...section(
      'Commands:',
      ones.map(({usage, summary}) => [`orgkey ${usage}`, summary]),
      columns,
    ),
    '',
    ...wrap(`Help for one command: orgkey help ${name} <command>`, columns),
  ].join('\n');
}

export function helpOfCommand(command: Command, columns: number): string {
  const {usage, summary, description, options, examples, exitCodes} = command;
  const rows = Object.entries(options);
  const own = rows.filter(([name]) => !isArgument(command, name));
  const [before = '', after] = usage.split(' -- ');
  return [
    `Usage: orgkey ${before} [options]${after === undefined ? '' : ` -- ${after}`}`,
    '',
    ...wrap(`orgkey ${namesOf(command).join(' ')}: ${summary}`, columns),
    ...(description === undefined ? [] : ['', ...wrap(description, columns)]),
    ...section(
      'Arguments:',
      rows
        .filter(([name]) => isArgument(command, name))
        .map(([name, {describe, demandOption}]) => [demandOption ? `<${name}>` : `[${name}]`, describe]),
      columns,
    ),
    ...section(
      'Options:',
      [...own.map(optionRow), ...Object.entries(placeOptions).map(optionRow), HELP],
      columns,
    ),
    ...(examples.length === 0 ? [] : ['', 'Examples:']),
    ...examples.flatMap(({command: line, note}) => [
      ...(note === undefined ? [] : [`  # ${note}`]),
      `  ${line}`,
    ]),
    ...section('Exit codes:', Object.entries(exitCodes), columns),
  ].join('\n');
}

type Row = readonly [term: string, text: string];

const HELP: Row = ['-h, --help', 'print this'];

function optionRow([name, option]: readonly [string, Option]): Row {
  const short = typeof option.alias === 'string' ? `-${option.alias}, ` : '    ';
  const value = option.value === undefined ? '' : ` ${option.value}`;
  const choices = option.choices === undefined ? '' : `: ${option.choices.join(', ')}`;
  const fallback = typeof option.default === 'string' ? ` (default: ${option.default})` : '';
  return [`${short}--${name}${value}`, `${option.describe}${choices}${fallback}`];
}

/** A title and two columns. A term that is too long for the first one stands on a line of its own. */
function section(title: string, rows: readonly Row[], columns: number): string[] {
  if (rows.length === 0) return [];
  const longest = Math.floor(columns * 0.45);
  const width = Math.max(...rows.map(([term]) => (term.length <= longest ? term.length : 0)));
  const indent = ' '.repeat(width + 4);
  const lines = rows.flatMap(([term, text]) => {
    const [first = '', ...more] = wrap(text, columns - indent.length);
    const rest = more.map((line) => indent + line);
    return term.length <= width
      ? [`  ${term.padEnd(width)}  ${first}`, ...rest]
      : [`  ${term}`, indent + first, ...rest];
  });
  return ['', title, ...lines];
}
