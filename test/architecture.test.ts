import {readdirSync, readFileSync} from 'node:fs';
import test from 'ava';

/** The table 'Who may import whom' of ARCHITECTURE.md holds: no import that it does not name, and each that it names. */

const root = new URL('..', import.meta.url);

interface Row {
  readonly names: readonly string[];
  readonly named: readonly string[];
  /** 'the core' stands for the parts of the first row. */
  readonly hasCore: boolean;
}

const rows: readonly Row[] = readFileSync(new URL('ARCHITECTURE.md', root), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, names, , ours, packages] = line.startsWith('| `') ? line.split('|') : [];
    if (names === undefined || ours === undefined || packages === undefined) return [];
    return [
      {
        names: namesIn(names),
        named: namesIn(`${ours} ${packages}`),
        hasCore: ours.includes('the core'),
      },
    ];
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

test('each part of src stands in the table, and nothing else', (t) => {
  const parts = readdirSync(new URL('src', root));
  t.deepEqual(rows.flatMap(({names}) => names).toSorted(), parts.toSorted());
});

for (const {names, named, hasCore} of rows) {
  const own = files.filter((path) => names.includes(partOf(path)));
  const may = hasCore ? [...named, ...(rows[0]?.names ?? [])] : named;

  test(`${names.join(', ')}: imports what the table says, and nothing else`, (t) => {
    const foreign = own.flatMap((path) =>
      importsOf(path)
        .filter((name) => !names.includes(name) && !may.includes(name))
        .map((name) => `${path} imports ${name}`),
    );
    t.deepEqual(foreign, []);
    const imported = new Set(own.flatMap(importsOf));
    const unused = named.filter((name) => !imported.has(name));
    t.deepEqual(unused, [], 'the table names what nothing imports');
  });
}

function partOf(path: string): string {
  return path.split('/')[0] ?? '';
}
