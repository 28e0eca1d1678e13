import {existsSync, readdirSync, readFileSync} from 'node:fs';
import test from 'ava';

/**
 * The table "Who may import whom" of ARCHITECTURE.md: every import between rooms is in it, every entry is used, and a
 * room imports only from rooms above it. Type imports count.
 */

const root = new URL('..', import.meta.url);

interface Row {
  readonly name: string;
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

const rows: readonly Row[] = readFileSync(new URL('ARCHITECTURE.md', root), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, name, , imports, packages] = line.startsWith('| `') ? line.split('|') : [];
    if (name === undefined || imports === undefined || packages === undefined) return [];
    return namesIn(name).map((room) => ({
      name: room,
      imports: namesIn(imports),
      packages: namesIn(packages),
    }));
  });

function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name.replace(/\/$/, ''));
}

/** The folders and files of `src` itself, and the packages, that a file imports, types too. */
function importsOf(path: string): string[] {
  const text = readFileSync(new URL(`src/${path}`, root), 'utf8');
  const specifiers = [
    ...text.matchAll(/^(?:(?:import|export|\}) (?:.* )?from|import) '([^']+)';$|\bimport\('([^']+)'\)/gm),
  ];
  return specifiers.map(([, fixed, late]) => {
    const specifier = fixed ?? late ?? '';
    if (specifier.startsWith('node:')) return 'node:*';
    if (!specifier.startsWith('.')) return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
    const {pathname} = new URL(specifier, `file:///src/${path}`);
    return pathname.split('/')[2] ?? '';
  });
}

const files = readdirSync(new URL('src', root), {recursive: true, encoding: 'utf8'}).filter((path) =>
  path.endsWith('.ts'),
);

test('each room of src has a row in the table', (t) => {
  t.deepEqual(rows.map(({name}) => name).toSorted(), readdirSync(new URL('src', root)).toSorted());
});

for (const [index, {name, imports, packages}] of rows.entries()) {
  test(`${name} imports exactly what the table says`, (t) => {
    const own = files.filter((path) => roomOf(path) === name);
    const found = new Set(own.flatMap(importsOf).filter((room) => room !== name));
    t.deepEqual([...found].toSorted(), [...imports, ...packages].toSorted());
  });

  test(`${name} imports only from rooms above it`, (t) => {
    const above = new Set(rows.slice(0, index).map((row) => row.name));
    t.deepEqual(
      imports.filter((room) => !above.has(room)),
      [],
    );
  });
}

function roomOf(path: string): string {
  return path.split('/')[0] ?? '';
}

test('each place that ARCHITECTURE.md and CONTRIBUTING.md name exists, and holds what it should', (t) => {
  const text = ['ARCHITECTURE.md', 'CONTRIBUTING.md']
    .map((file) => readFileSync(new URL(file, root), 'utf8'))
    .join('\n');
  const named = [...text.matchAll(/(?:`(\w+)` in )?`((?:src|test|scripts)\/[\w./-]+)`/g)];
  t.true(named.length > 20);
  for (const [, name, path = ''] of named) {
    t.true(existsSync(new URL(path, root)), path);
    if (name !== undefined)
      t.true(readFileSync(new URL(path, root), 'utf8').includes(name), `${name} in ${path}`);
  }
});
