import test from 'ava';
import {parse} from 'yaml';
import {addGateway, removeGateway} from '../../../src/config/edit/edit-gateways.ts';

const rows: readonly [title: string, text: string][] = [
  ['nothing at all', ''],
  ['no section orgkey, no line break at the end', '# head\nintegrations: {azure: []} # tail'],
  ['a section without gateways', 'orgkey:\n  # why\n  prefetch: false\n'],
  ['an empty list', 'orgkey: {gateways: []}\n'],
  ['another gateway', 'orgkey:\n  gateways:\n    - name: agents # theirs\n      repositories: [a/b/c]\n'],
  ['a root between brackets', '{integrations: {azure: []}, }\n'],
  ['JSON', '{"integrations": {"azure": []}}'],
  ['lines that end as on Windows', 'a: 1\r\norgkey:\r\n  prefetch: false\r\nb: 2\r\n'],
];

const own = {name: 'own', repositories: ['contoso/*/*'], push: ['refs/*'], deletions: true};

function gatewaysIn(text: string): readonly unknown[] {
  return (parse(text) as {orgkey: {gateways: unknown[]}}).orgkey.gateways;
}

for (const [title, text] of rows)
  test(`a gateway is added, extended and removed again: ${title}`, (t) => {
    const added = addGateway(text, own) ?? '';
    t.deepEqual(gatewaysIn(added).at(-1), own);
    for (const comment of text.match(/#.*/g) ?? []) t.true(added.includes(comment));
    t.is(addGateway(added, own), added, 'it has the gateway already');

    const more = {...own, repositories: ['fabrikam/*/*'], listen: '127.0.0.1:9468'};
    const extended = addGateway(added, more) ?? '';
    t.deepEqual(gatewaysIn(extended).at(-1), {...more, repositories: ['contoso/*/*', 'fabrikam/*/*']});
    t.is(gatewaysIn(extended).length, gatewaysIn(added).length);

    const removed = removeGateway(extended, 'own') ?? '';
    t.false(removed.includes('own'));
    t.is(removeGateway(removed, 'own'), undefined);
    t.is(removed.includes('\r\n'), text.includes('\r\n'));
  });

test('what a user changed in the gateway stays', (t) => {
  const text =
    'orgkey:\n  gateways:\n    - {name: own, repositories: [a/b/c], push: [refs/heads/x], lfs: false}\n';
  t.deepEqual(gatewaysIn(addGateway(text, own) ?? ''), [
    {...own, repositories: ['a/b/c', 'contoso/*/*'], push: ['refs/heads/x'], lfs: false},
  ]);
});

test('a list that is an alias is not changed', (t) => {
  const text = 'x: &all [{name: a, repositories: [a/b/c]}]\norgkey: {gateways: *all}\n';
  t.is(addGateway(text, own), undefined);
});
