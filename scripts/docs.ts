// usage: node scripts/docs.ts [--check]
// Writes the reference in README.md, between its markers, from what the program is made of. --check: only says whether
// it is up to date, and whether every error code is explained.
import {readFileSync, readdirSync, writeFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {parseArgs} from 'node:util';
import type {Options} from 'yargs';
import {ARGUMENTS, placeOptions} from '../src/cli/line/command.ts';
import {commands} from '../src/cli/line/command-line.ts';
import {describeConfiguration, type KeyRow} from '../src/config/shape/describe-configuration.ts';
import {allExplanations} from '../src/entra/advice.ts';

interface Explained {
  readonly code: string;
  readonly meaning: string;
  readonly action: string;
}

/** Codes of Node's, which are only compared with. */
const OF_NODE: ReadonlySet<string> = new Set(['ERR_PROXY_TUNNEL', 'ERR_SSL', 'ERR_TLS_CERT_ALTNAME_INVALID']);

const root = resolve(import.meta.dirname, '..');
const readme = join(root, 'README.md');
const {values} = parseArgs({options: {check: {type: 'boolean', default: false}}});

const ownCodes: readonly Explained[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'own-error-codes.json'), 'utf8'),
);
const before = readFileSync(readme, 'utf8');
let after = before;
for (const [name, text] of [
  ['commands', renderCommands()],
  ['configuration', renderConfiguration()],
  ['errors', renderErrors()],
] as const)
  after = replacePart(after, name, text);

const faults = codeFaults();
if (values.check && before !== after)
  faults.push('README.md is not what the program says: run node scripts/docs.ts');
for (const fault of faults) console.error(`docs: ${fault}`);
if (!values.check && before !== after) writeFileSync(readme, after);
if (faults.length === 0)
  console.log(before === after ? 'README.md is up to date' : 'README.md: the reference was written');
process.exitCode = faults.length === 0 ? 0 : 1;

/** What stands between the two markers of a part, folded away: it is long. */
function replacePart(text: string, name: string, part: string): string {
  const [start, end] = [`<!-- generated: ${name} -->`, '<!-- /generated -->'];
  const from = text.indexOf(start);
  const to = text.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`README.md has no markers ${start} … ${end}`);
  const title = `<summary>${name[0]?.toUpperCase()}${name.slice(1)}</summary>`;
  const folded = `<details>\n${title}\n\n${part}\n\n</details>`;
  return `${text.slice(0, from + start.length)}\n\n${folded}\n\n${text.slice(to)}`;
}

function renderCommands(): string {
  const rows = commands.flatMap(({usage, summary, options}) => [
    [code(`orgkey ${usage}`), summary],
    ...Object.entries(options).map(([name, option]) => optionRow(name, option)),
  ]);
  const everywhere = Object.entries(placeOptions).map(([name, option]) => optionRow(name, option));
  return `${table(['Command', ''], rows)}\n\nEvery command takes:\n\n${table(['Option', ''], everywhere)}`;
}

/** `organization`, described as `for this organization: NAME`, is `--organization NAME`. */
function optionRow(name: string, option: Options): string[] {
  const describe = option.describe ?? '';
  if (option.group === ARGUMENTS)
    return [indented(option.demandOption ? `<${name}>` : `[${name}]`), describe];
  const at = option.type === 'boolean' ? -1 : describe.lastIndexOf(': ');
  const [what, value] = at === -1 ? [describe, ''] : [describe.slice(0, at), ` ${describe.slice(at + 2)}`];
  const short = typeof option.alias === 'string' ? `-${option.alias}, ` : '';
  return [
    indented(`${short}--${name}${value.includes(', ') ? ' …' : value}`),
    value.includes(', ') ? describe : what,
  ];
}

function indented(text: string): string {
  return `&emsp;${code(text)}`;
}

function renderConfiguration(): string {
  const sections = describeConfiguration().map(({title, rows}) => {
    const heading = title.includes(': ')
      ? title.replace(/^credentials\[\]: /, 'A credential: ')
      : code(title);
    return `**${heading}**\n\n${table(['Key', 'Type', 'Default', ''], withoutRepeats(title, rows).map(keyRow))}`;
  });
  return `${sections.join('\n\n')}\n\nEvery credential takes \`organizations\`: ${organizationsText()}`;
}

/** Every kind of credential has it. */
function withoutRepeats(title: string, rows: readonly KeyRow[]): KeyRow[] {
  return rows.filter(({key}) => !(title.startsWith('credentials[]') && key === 'organizations'));
}

function organizationsText(): string {
  const rows = describeConfiguration().flatMap((section) => section.rows);
  return rows.find(({key}) => key === 'organizations')?.description ?? '';
}

function keyRow({key, type, default: fallback, required, description}: KeyRow): string[] {
  return [code(key), type, required ? 'required' : fallback === undefined ? '' : code(fallback), description];
}

function renderErrors(): string {
  return `Of orgkey itself:\n\n${codeTable(ownCodes)}\n\nOf Entra and Azure DevOps:\n\n${codeTable(allExplanations())}`;
}

function codeTable(codes: Iterable<Explained>): string {
  const rows = [...codes].map(({code: name, meaning, action}) => [code(name), meaning, action]);
  return table(['Code', 'What it means', 'What repairs it'], rows);
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [titles, titles.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ');
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Every code that the program can show is explained, once, and no other is. */
function codeFaults(): string[] {
  const shown = new Set<string>();
  for (const file of readdirSync(join(root, 'src'), {recursive: true, encoding: 'utf8'})) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(join(root, 'src', file), 'utf8');
    for (const [, name = ''] of text.matchAll(/'(ERR_[A-Z0-9_]+)'/g)) if (!OF_NODE.has(name)) shown.add(name);
  }
  const explained = ownCodes.map(({code: name}) => name);
  return [
    ...[...shown]
      .filter((name) => !explained.includes(name))
      .map((name) => `scripts/own-error-codes.json lacks ${name}`),
    ...explained
      .filter((name) => !shown.has(name))
      .map((name) => `${name} is explained, and nowhere in src/`),
    ...explained
      .filter((name, at) => explained.indexOf(name) !== at)
      .map((name) => `${name} is explained twice`),
    ...(explained.toSorted().join() === explained.join()
      ? []
      : ['scripts/own-error-codes.json is not in order']),
  ];
}
