import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {dirname, join, relative, resolve} from 'node:path';
import {Ajv2020} from 'ajv/dist/2020.js';
import test from 'ava';
import {parse} from 'yaml';
import {namesOf, placeOptions, type Command} from '../../src/cli/line/command.ts';
import {commands} from '../../src/cli/line/command-line.ts';
import {describeConfiguration} from '../../src/config/shape/describe-configuration.ts';
import {jsonSchema} from '../../src/config/shape/json-schema.ts';
import {SCRIPTS} from '../../src/tools/main.ts';
import {anchor, GENERATED} from '../../scripts/docs/markdown.ts';

/** The documents agree with the program and with each other. What is generated is compared by scripts/docs.ts. */

const root = join(import.meta.dirname, '../..');

interface Document {
  readonly path: string;
  readonly text: string;
  readonly isGenerated: boolean;
}

const documents: readonly Document[] = [
  ...readdirSync(root),
  ...readdirSync(join(root, 'docs'), {recursive: true, encoding: 'utf8'}).map((path) => join('docs', path)),
]
  .filter((path) => path.endsWith('.md'))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return {path, text, isGenerated: text.startsWith(GENERATED)};
  });
const byHand = documents.filter(({isGenerated}) => !isGenerated);

test('the README has at most 130 lines', (t) => {
  const readme = documents.find(({path}) => path === 'README.md');
  t.true((readme?.text.trimEnd().split('\n').length ?? Infinity) <= 130);
});

test('each place where it works names tests that exist', (t) => {
  const {text = ''} = documents.find(({path}) => path === 'docs/where-it-works.md') ?? {};
  const rows = text.split('\n').filter((line) => /^\| (?!---|Place )/.test(line));
  t.true(rows.length > 15);
  for (const row of rows) {
    const [, title = '', path = ''] = /\[([^\]]+)\]\(\.\.\/(test\/[^)]+\.test\.ts)\) \|$/.exec(row) ?? [];
    if (path === '') t.regex(row, / \| not tried \|$/);
    else t.true(readFileSync(join(root, path), 'utf8').includes(title), title);
  }
});

test('every link to a file and to a heading leads somewhere', (t) => {
  const broken = documents.flatMap(({path, text}) =>
    linksOf(text)
      .filter((link) => !/^https?:/.test(link) && !leadsSomewhere(path, link))
      .map((link) => `${path}: ${link}`),
  );
  t.deepEqual(broken, []);
});

test('every file that a document names exists', (t) => {
  const missing = byHand
    .filter(({path}) => path !== 'CHANGELOG.md')
    .flatMap(({path, text}) =>
      [...text.matchAll(/`((?:src|test|scripts|docs|bench)\/[\w./-]*)`/g)]
        .map(([, file = '']) => file)
        .filter((file) => !existsSync(join(root, file)))
        .map((file) => `${path}: ${file}`),
    );
  t.deepEqual(missing, []);
});

test('every command line of orgkey in a document is valid', (t) => {
  const invalid = documents.flatMap(({path, text}) =>
    commandLinesOf(text).flatMap((line) => {
      const problem = problemOf(line);
      return problem === undefined ? [] : [`${path}: ${line}: ${problem}`];
    }),
  );
  t.deepEqual(invalid, []);
});

test('every configuration in a document is valid by the JSON Schema', (t) => {
  const validate = new Ajv2020({strict: false, validateFormats: false}).compile(jsonSchema());
  let count = 0;
  for (const {path, text} of byHand) {
    for (const [, block = ''] of text.matchAll(/```yaml\n([^]*?)```/g)) {
      count += 1;
      t.true(validate(parse(block)), `${path}: ${JSON.stringify(validate.errors?.slice(0, 3))}\n${block}`);
    }
  }
  t.true(count > 15);
});

test('only generated documents describe commands, options and keys', (t) => {
  const descriptions = [
    ...commands.flatMap(({summary, options}) => [
      summary,
      ...Object.values(options).map(({describe}) => describe),
    ]),
    ...describeConfiguration().flatMap(({rows}) => rows.map(({description}) => description)),
  ].filter((description) => description.length > 25);
  for (const {path, text} of byHand) {
    t.notRegex(text, /^\| `(?:orgkey |--)/m, path);
    for (const description of descriptions) t.false(text.includes(description), `${path}: ${description}`);
  }
});

test('decisions are numbered, have their parts and are listed', (t) => {
  const decisions = byHand.filter(({path}) => /^docs\/decisions\/\d{4}-/.test(path));
  const list = documents.find(({path}) => path === 'docs/decisions/README.md')?.text ?? '';
  for (const [index, {path, text}] of decisions.toSorted((a, b) => (a.path < b.path ? -1 : 1)).entries()) {
    const name = path.replace('docs/decisions/', '');
    const number = String(index).padStart(4, '0');
    t.true(name.startsWith(number), name);
    t.regex(text, new RegExp(`^# ${number}\\. .+\n\nStatus: `), name);
    for (const heading of ['Context', 'Decision', 'Consequences'])
      t.true(text.includes(`\n## ${heading}\n`), name);
    t.true(text.split('\n').length <= 35, `${name} is too long`);
    if (index > 0) t.true(list.includes(`[${number}](${name}) | ${titleOf(text)}`), `${name} is not listed`);
  }
});

function linksOf(text: string): string[] {
  const prose = text.replaceAll(/```[^]*?```/g, '').replaceAll(/`[^`\n]*`/g, '`');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
}

function leadsSomewhere(from: string, link: string): boolean {
  const [file = '', heading] = link.split('#');
  const path = file === '' ? from : relative(root, resolve(root, dirname(from), file));
  if (!existsSync(join(root, path))) return false;
  if (heading === undefined) return true;
  const headings = documents.find((document) => document.path === path)?.text.matchAll(/^#+ (.*)$/gm) ?? [];
  return [...headings].some(([, title = '']) => anchor(title) === heading);
}

/** Returns what a shell would run of orgkey, in blocks and in the text, without what follows a pipe or `--`. */
function commandLinesOf(text: string): string[] {
  const blocks = [...text.matchAll(/```(?:console|sh)\n([^]*?)```/g)].map(([, block = '']) => block);
  const spans = [...text.matchAll(/`(?:sudo )?(orgkey [a-z][^`]*)`/g)].map(([, span = '']) => span);
  return [...blocks, ...spans]
    .flatMap((block) => block.replaceAll(/\\\n\s*/g, '').split('\n'))
    .map((line) => line.replace(/^\$ (?:sudo )?/, '').replace(/ (?:#|\||--) .*/, ''))
    .filter((line) => line.startsWith('orgkey '));
}

function problemOf(line: string): string | undefined {
  const words = line.split(/\s+/).slice(1);
  // tools run these, with words of their own
  if (words[0] === 'helper')
    return SCRIPTS.has(words[1]) || words[1] === 'nuget' ? undefined : 'no such helper';
  const command = commands.find((one) => namesOf(one).every((name, index) => words[index] === name));
  if (command === undefined) return 'no such command';
  return words
    .filter((word) => /^--?[a-z]/.test(word))
    .map((word) => word.replace(/^--?/, '').replace(/=.*/, ''))
    .filter((name) => !isOption(command, name))
    .map((name) => `no option ${name}`)[0];
}

function isOption({options}: Command, name: string): boolean {
  const all: Command['options'] = {...options, ...placeOptions};
  return Object.entries(all).some(([key, {alias}]) => key === name || alias === name);
}

function titleOf(text: string): string {
  return /^# \d{4}\. (.*)$/m.exec(text)?.[1] ?? '';
}
