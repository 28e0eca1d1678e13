import test from 'ava';
import {askerOf} from '../../src/token/asker.ts';
import {identityNamed} from '../helpers/fake-issuer.ts';

const owner = {kind: 'server', host: 'tfs.example.org', collection: undefined} as const;
const scope = {name: 'git.sock', organizations: undefined};

for (const [path, expected] of [
  [undefined, ''],
  ['', ''],
  ['Web/_git/Site', 'web/_git/site'],
  ['web/_git/site//', 'web/_git/site'],
] as const)
  test(`an asker for the path ${JSON.stringify(path) ?? 'of no request'} has ${JSON.stringify(expected)}`, (t) => {
    const asker = askerOf({owner, path}, scope, identityNamed('build'));
    t.is(asker.path, expected);
    t.is(asker.identity, 'build');
    t.false(asker.scoped);
  });
