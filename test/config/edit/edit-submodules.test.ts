import test from 'ava';
import {parse} from 'yaml';
import {
  removeSubmoduleKey,
  setSubmoduleKey,
  type KeyOwner,
} from '../../../src/config/edit/edit-submodules.ts';

const rows: readonly [title: string, text: string][] = [
  ['nothing at all', ''],
  ['no section orgkey, no line break at the end', '# head\nintegrations: {azure: []} # tail'],
  ['a section without submodules', 'orgkey:\n  # why\n  prefetch: false\n'],
  ['an empty list', 'orgkey: {submodules: []}\n'],
  [
    'a rule of another organization',
    'orgkey:\n  submodules:\n    - organizations: [fabrikam] # theirs\n      privateKey: {$file: x}\n',
  ],
  ['a root between brackets', '{integrations: {azure: []}, }\n'],
  ['JSON', '{"integrations": {"azure": []}}'],
  ['nothing between brackets', '{}'],
  ['lines that end as on Windows', 'a: 1\r\norgkey:\r\n  prefetch: false\r\nb: 2\r\n'],
  ['a list at the column of its name', 'orgkey:\n  submodules:\n  - organizations: [x]\n    privateKey: y\n'],
  ['the rest of an app-config', 'app: {title: "a: b"}\nbackend:\n  - x\norgkey:\n  onFailure: pass\n'],
];

const contoso: KeyOwner = {organization: 'contoso', host: undefined};
const main: KeyOwner = {organization: 'main', host: 'tfs.example.org'};

function edited(text: string, owner: KeyOwner, file: string): string {
  return told(setSubmoduleKey(text, owner, file));
}

function removed(text: string, owner: KeyOwner): string {
  return told(removeSubmoduleKey(text, owner));
}

function told(edit: ReturnType<typeof removeSubmoduleKey>): string {
  return edit?.kind === 'text' ? edit.text : (edit?.kind ?? 'none');
}

for (const [title, text] of rows) {
  test(`a key is added, replaced and taken out again: ${title}`, (t) => {
    const added = edited(text, contoso, '/home/a: "b" # c/key');
    const {orgkey, ...rest} = parse(added) as {orgkey: {submodules: object[]} & Record<string, unknown>};
    t.deepEqual(orgkey.submodules.at(-1), {
      organizations: ['contoso'],
      privateKey: {$file: '/home/a: "b" # c/key'},
    });
    const before = (parse(text) ?? {}) as {orgkey?: Record<string, unknown>};
    t.deepEqual(
      rest,
      Object.fromEntries(Object.entries(before).filter(([key]) => key !== 'orgkey')) as typeof rest,
    );
    for (const comment of text.match(/#.*/g) ?? []) t.true(added.includes(comment));

    t.is(edited(added, contoso, '/home/a: "b" # c/key'), added, 'it has the rule already');
    const replaced = edited(added, contoso, '/elsewhere');
    t.deepEqual((parse(replaced) as {orgkey: typeof orgkey}).orgkey.submodules, [
      ...orgkey.submodules.slice(0, -1),
      {organizations: ['contoso'], privateKey: {$file: '/elsewhere'}},
    ]);
    const both = parse(edited(replaced, main, '/main')) as {orgkey: typeof orgkey};
    t.deepEqual(both.orgkey.submodules.at(-1), {
      organizations: ['main'],
      host: 'tfs.example.org',
      privateKey: {$file: '/main'},
    });
    const without = parse(removed(replaced, contoso)) as typeof before;
    t.deepEqual(without.orgkey?.['submodules'], before.orgkey?.['submodules'] ?? []);
    t.is(removed(text, contoso), 'none');
  });
}

test('a rule keeps what else it says, whatever its key was', (t) => {
  for (const key of ['x', '{$env: X}', '{$file: x}', '{$command: [pass, x]}'])
    t.deepEqual(
      parse(
        edited(
          `orgkey: {submodules: [{organizations: [Contoso], privateKey: ${key}, repositories: [a/b]}]}\n`,
          contoso,
          '/y',
        ),
      ),
      {
        orgkey: {
          submodules: [{organizations: ['Contoso'], privateKey: {$file: '/y'}, repositories: ['a/b']}],
        },
      },
    );
});

const numbers =
  "account:   0123456 # as it is\nlarge: 12345678901234567890\nquoted: 'it''s'\nfolded: >\n   a\n\n   b\n";

for (const [title, section] of [
  ['no section orgkey', ''],
  ['a section without submodules', 'orgkey:\n    prefetch:   false   # why\n'],
  ['a section between brackets', 'orgkey:   {prefetch:   false}\n'],
  ['rules between brackets', 'orgkey:\n  submodules:   [  ]\n'],
  [
    'another rule',
    'orgkey:\n  submodules:\n    # theirs\n    -   organizations: [ fabrikam ]\n        privateKey: |-\n          y\n    # the end\n',
  ],
])
  test(`what is others’ stays byte for byte: ${title}`, (t) => {
    for (const text of [`${numbers}${section}`, `${section}${numbers}`]) {
      const added = edited(text, contoso, '/x');
      const {orgkey} = parse(added) as {orgkey: {submodules: object[]}};
      t.deepEqual(orgkey.submodules.at(-1), {organizations: ['contoso'], privateKey: {$file: '/x'}});
      const replaced = edited(added, contoso, '/y');
      t.is(replaced, added.replace('"/x"', '"/y"'));
      const without = removed(replaced, contoso);
      t.true((parse(without) as typeof parse & {orgkey: typeof orgkey}).orgkey.submodules.length < 2);
      for (const each of [added, replaced, without]) t.true(each.includes(numbers), each);
    }
  });

const three = ['a', 'contoso', 'c'];

for (const [title, text, left] of [
  [
    'of a list in lines',
    `orgkey:\n  submodules:\n${three.map((name) => `    # on ${name}\n    - organizations: [${name}]\n      privateKey: {$file: x}\n`).join('')}`,
    (text: string) => text.replace(/    - organizations: \[contoso\]\n.*\n/, ''),
  ],
  [
    'of a list between brackets',
    `{orgkey: {submodules: [${three.map((name) => `{organizations: [${name}], privateKey: {$file: x}}`).join(', ')}]}}\n`,
    (text: string) => text.replace(/\{organizations: \[contoso\][^}]*\}\}, /, ''),
  ],
  [
    'that is the only one',
    'orgkey:\n  submodules:\n    - organizations: [contoso]\n      privateKey: {$file: x} # c\n  prefetch: false\n',
    () => 'orgkey:\n  submodules: [] # c\n  prefetch: false\n',
  ],
] as const)
  test(`a rule is taken out ${title}`, (t) => {
    t.is(removed(text, contoso), left(text));
  });

test('where an alias would change with it, nothing is changed', (t) => {
  const text =
    'orgkey: {submodules: [{organizations: [contoso], privateKey: &key {$file: x}}, {organizations: [b], privateKey: *key}]}\n';
  t.is(edited(text, contoso, '/y'), 'unfit');
});

function mainOn(host: string): string {
  return `{organizations: [main], host: ${host}, privateKey: {$file: x}, repositories: [a/b]}`;
}

test('a rule for several organizations, or one of several rules, is not changed', (t) => {
  const shared = 'orgkey: {submodules: [{organizations: [contoso, fabrikam], privateKey: {$file: x}}]}\n';
  t.is(removed(shared, contoso), 'none');
  t.is(edited(shared, contoso, 'y'), 'shared');
  t.is(edited(shared, contoso, 'x'), shared, 'it reads that file');
  const several = `orgkey: {submodules: [${mainOn('tfs.example.org')}, ${mainOn('TFS.example.com')}]}\n`;
  t.is(edited(several, {...main, host: undefined}, 'y'), 'shared');
  const {orgkey} = parse(edited(several, {...main, host: 'tfs.example.com'}, 'y')) as {
    orgkey: {submodules: {privateKey: object}[]};
  };
  t.deepEqual(
    orgkey.submodules.map(({privateKey}) => privateKey),
    [{$file: 'x'}, {$file: 'y'}],
  );
});

for (const text of [
  '[',
  '- a\n- b\n',
  'orgkey: nonsense\n',
  'orgkey: {submodules: 7}\n',
  'a: 1\n---\nb: 2\n',
  'a: 1\n...\n',
])
  test(`what has no place for it stays: ${JSON.stringify(text)}`, (t) => {
    t.is(edited(text, contoso, 'x'), 'unfit');
  });
