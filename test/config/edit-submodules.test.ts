import test from 'ava';
import {parse} from 'yaml';
import {addSubmoduleKey, removeSubmoduleKey} from '../../src/config/edit-submodules.ts';

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

for (const [title, text] of rows) {
  test(`a key is added and taken out again: ${title}`, (t) => {
    const added = addSubmoduleKey(text, 'contoso', '/home/a: "b" # c/key') ?? '';
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

    t.is(addSubmoduleKey(added, 'contoso', '/elsewhere'), added, 'it has a rule already');
    const removed = parse(removeSubmoduleKey(added, 'contoso') ?? '') as typeof before;
    t.deepEqual(removed.orgkey?.['submodules'], before.orgkey?.['submodules'] ?? []);
    t.is(removeSubmoduleKey(text, 'contoso'), undefined);
  });
}

test('a rule for several organizations is nobody’s to take out', (t) => {
  const text = 'orgkey: {submodules: [{organizations: [contoso, fabrikam], privateKey: {$file: x}}]}\n';
  t.is(removeSubmoduleKey(text, 'contoso'), undefined);
  t.is(addSubmoduleKey(text, 'CONTOSO'.toLowerCase(), 'y'), text);
});

for (const text of [
  '[',
  '- a\n- b\n',
  'orgkey: nonsense\n',
  'orgkey: {submodules: 7}\n',
  'a: 1\n---\nb: 2\n',
])
  test(`what has no place for it stays: ${JSON.stringify(text)}`, (t) => {
    t.is(addSubmoduleKey(text, 'contoso', 'x'), undefined);
  });
