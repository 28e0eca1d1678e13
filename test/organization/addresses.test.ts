import test from 'ava';
import {addressesOf, directorySpellings} from '../../src/organization/addresses.ts';
import {httpsUrlOf, parseRemote} from '../../src/organization/git-url.ts';

test('an organization has addresses in four spellings and its old host', (t) => {
  t.deepEqual(addressesOf('dev.azure.com', 'conToso'), [
    'https://dev.azure.com/conToso',
    'https://dev.azure.com/contoso',
    'https://dev.azure.com/Contoso',
    'https://dev.azure.com/CONTOSO',
    'https://contoso.visualstudio.com',
  ]);
});

test('spellings that are equal are one address', (t) => {
  t.deepEqual(addressesOf('dev.azure.com', '1'), ['https://dev.azure.com/1', 'https://1.visualstudio.com']);
});

test('a collection is below the server and below its usual directory', (t) => {
  t.deepEqual(
    addressesOf('azure.example.org', 'My Team', (name) => [name]),
    ['https://azure.example.org/My%20Team', 'https://azure.example.org/tfs/My%20Team'],
  );
});

test('a server with a directory has no other, in each of its spellings', (t) => {
  t.deepEqual(
    addressesOf('azure.example.org/Devops', 'main', (name) => [name]),
    ['https://azure.example.org/Devops/main', 'https://azure.example.org/devops/main'],
  );
  t.deepEqual(directorySpellings('azure.example.org/devops'), ['azure.example.org/devops']);
});

for (const [remote, expected] of [
  ['git@ssh.dev.azure.com:v3/contoso/Web shop/site', 'https://dev.azure.com/contoso/Web%20shop/_git/site'],
  ['git@SSH.dev.azure.com:v3/contoso/web/site', 'https://dev.azure.com/contoso/web/_git/site'],
  ['https://DEV.azure.com/contoso/web/_git/site//', 'https://dev.azure.com/contoso/web/_git/site'],
  ['https://dev.azure.com', 'https://dev.azure.com/'],
  ['git@github.com:contoso/site', undefined],
  ['nothing', undefined],
] as const)
  test(`${remote} is ${expected === undefined ? 'no' : 'a'} remote`, (t) => {
    const parsed = parseRemote(remote);
    t.is(parsed && httpsUrlOf(parsed), expected);
  });
