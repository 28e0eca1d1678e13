import test from 'ava';
import {organizationFrom} from '../../src/organization/organization.ts';
import type {Owner} from '../../src/organization/owner.ts';
import {isInScope} from '../../src/organization/socket-scope.ts';
import {everybody, scopedTo} from '../helpers/fake-respond.ts';

function organization(name: string): Owner {
  const known = organizationFrom(name);
  if (known === undefined) throw new Error(`${name} is no organization`);
  return {kind: 'organization', organization: known};
}

const isServed = test.macro({
  exec: (t, owner: Owner, scope: readonly string[] | undefined, expected: boolean) => {
    t.is(isInScope(owner, scope === undefined ? everybody : scopedTo(...scope)), expected);
  },
  title: (_, owner: Owner, scope: readonly string[] | undefined, expected: boolean) =>
    `${JSON.stringify(owner)} is ${expected ? '' : 'not '}served by a socket for ${scope === undefined ? 'everybody' : `[${scope.join()}]`}`,
});

test(isServed, organization('Contoso'), ['contoso'], true);
test(isServed, organization('contoso'), ['fabrikam', 'contoso'], true);
test(isServed, organization('contoso'), ['fabrikam'], false);
test(isServed, organization('contoso'), ['contoso-labs'], false);
test(isServed, organization('contoso'), [], false);
test(isServed, organization('contoso'), undefined, true);
test(isServed, {kind: 'server', host: 'h', collection: 'team'}, ['team'], true);
test(isServed, {kind: 'server', host: 'h', collection: 'team'}, ['h'], false);
test(isServed, {kind: 'server', host: 'h', collection: undefined}, ['h'], false);
test(isServed, {kind: 'server', host: 'h', collection: undefined}, undefined, true);
for (const owner of [
  {kind: 'unnamed', reason: 'contoso'},
  {kind: 'elsewhere', host: 'contoso'},
  {kind: 'unserved', reason: 'contoso'},
] as const) {
  test(isServed, owner, ['contoso', 'undefined', ''], false);
  test(isServed, owner, undefined, true);
}
