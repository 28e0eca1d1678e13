import test from 'ava';
import {parse} from 'yaml';
import {removeSubmoduleKey, setSubmoduleKey, type KeyOwner} from '../../src/config/edit-submodules.ts';

const rows: readonly [title: string, text: string][] = [
  ['nothing at all', ''],
  ['no section of ours, no line break at the end', '# head\nintegrations: {azure: []} # tail'],
  ['a section without submodules', 'orgkey:\n  # why\n  prefetch: false\n'],
  ['an empty list', 'orgkey: {submodules: []}\n'],
  [
    'a rule of another organization',
    'orgkey:\n  submodules:\n    - organizations: [fabrikam] # theirs\n      privateKey: {$file: x}\n',
  ],
  ['the rest of an app-config', 'app: {title: "a: b"}\nbackend:\n  - x\norgkey:\n  onFailure: pass\n'],
];

const contoso: KeyOwner = {organization: 'contoso', host: undefined};
const main: KeyOwner = {organization: 'main', host: 'tfs.example.org'};

function edited(text: string, owner: KeyOwner, file: string): string {
  const edit = setSubmoduleKey(text, owner, file);
  return edit.kind === 'text' ? edit.text : edit.kind;
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
    const removed = parse(removeSubmoduleKey(replaced, contoso) ?? '') as typeof before;
    t.deepEqual(removed.orgkey?.['submodules'], before.orgkey?.['submodules'] ?? []);
    t.is(removeSubmoduleKey(text, contoso), undefined);
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

function mainOn(host: string): string {
  return `{organizations: [main], host: ${host}, privateKey: {$file: x}, repositories: [a/b]}`;
}

test('a rule for several organizations, and several rules for one, are nobody’s to change', (t) => {
  const shared = 'orgkey: {submodules: [{organizations: [contoso, fabrikam], privateKey: {$file: x}}]}\n';
  t.is(removeSubmoduleKey(shared, contoso), undefined);
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
])
  test(`what has no place for it stays: ${JSON.stringify(text)}`, (t) => {
    t.is(edited(text, contoso, 'x'), 'unfit');
  });
