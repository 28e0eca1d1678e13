import test from 'ava';
import {readOrganization} from '../../../src/cli/organizations/named-organization.ts';
import {shownName} from '../../../src/organization/owner.ts';

const names: readonly [word: string, name: string][] = [
  ['contoso', 'contoso'],
  [' Contoso ', 'Contoso'],
  ['dev.azure.com/Contoso', 'Contoso'],
  ['https://dev.azure.com/contoso', 'contoso'],
  ['https://dev.azure.com/contoso/', 'contoso'],
  ['https://ann@dev.azure.com/contoso/web/_git/site', 'contoso'],
  ['https://ann:canary@dev.azure.com/contoso/web', 'contoso'],
  ['https://contoso.visualstudio.com/DefaultCollection/web/_git/site', 'contoso'],
  ['git@ssh.dev.azure.com:v3/contoso/web/site', 'contoso'],
  ['tfs.example.com/tfs/Main/web/_git/site', 'tfs.example.com/Main'],
  ['https://TFS.example.com:8443/Main%20One', 'tfs.example.com:8443/Main One'],
  ['tfs.example.com:8443/main', 'tfs.example.com:8443/main'],
  ['ado.example.com:8443/DevOps/Main', 'ado.example.com:8443/DevOps/Main'],
  ['https://ado.example.com/DevOps/Main/web/_git/site', 'ado.example.com/DevOps/Main'],
  ['https://ado.example.com/Main/web/_git/site', 'ado.example.com/Main'],
  ['https://ado.example.com/a/b/Main/web/_git/site', 'ado.example.com/a/b/Main'],
];

for (const [word, name] of names)
  test(`an organization is read from what the user types: ${word}`, (t) => {
    t.is(shownName(readOrganization(word)), name);
  });

for (const word of ['', '-x', 'a b', 'contoso/web', 'https://github.com', 'https://dev.azure.com', '../x'])
  test(`what names no organization is rejected: "${word}"`, (t) => {
    t.throws(() => readOrganization(word), {code: 'ERR_USAGE'});
  });

test('a password in a URL is not repeated', (t) => {
  const error = t.throws(() => readOrganization('https://ann:canary@tfs.example.com/'));
  t.false(error.message.includes('canary'));
});

test('a plain name belongs to the host that is given', (t) => {
  t.is(shownName(readOrganization('Main', 'TFS.example.com')), 'tfs.example.com/Main');
  t.is(shownName(readOrganization('Main', 'ADO.example.com/DevOps/')), 'ado.example.com/DevOps/Main');
  t.throws(() => readOrganization('Main', 'https://x'), {message: /--host/});
});
