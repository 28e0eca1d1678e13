import test from 'ava';
import {directoryIn, ownerOf, shownName} from '../../src/organization/owner.ts';
import {describeOwner, nameOf} from '../../src/organization/socket-scope.ts';

const servers = new Set([
  'azure.example.org',
  'tfs.example.org:8443',
  'evil.visualstudio.com',
  'ssh.dev.azure.com',
]);
const directories = new Map([
  ['ado.example.org', ['ado.example.org/DevOps', 'ado.example.org/DevOps/old']],
  ['both.example.org', ['both.example.org', 'both.example.org/devops']],
]);
const serversAt = (host: string) => directories.get(host) ?? (servers.has(host) ? [host] : []);

const belongsTo = test.macro({
  exec: (t, [host, path, username]: readonly [string, (string | undefined)?, string?], expected: string) => {
    const owner = ownerOf({protocol: 'https', host, path, username}, serversAt);
    const name = 'organization' in owner ? owner.organization : 'host' in owner ? describeOwner(owner) : '';
    t.is(`${owner.kind} ${name}`.trimEnd(), expected);
  },
  title: (
    _,
    [host, path = '(no path)', username = '(no user name)']: readonly [
      string,
      (string | undefined)?,
      string?,
    ],
    expected: string,
  ) => `${JSON.stringify([host, path, username])}: ${expected}`,
});

test(belongsTo, ['dev.azure.com', 'Contoso/p'], 'organization contoso');
test(belongsTo, ['dev.azure.com', 'contoso/'], 'organization contoso');
test(belongsTo, ['dev.azure.com:443', 'contoso'], 'organization contoso');
test(belongsTo, ['dev.azure.com', undefined, 'contoso'], 'organization contoso');
test(belongsTo, ['dev.azure.com', 'contoso/p', 'fabrikam'], 'organization contoso');
test(belongsTo, ['dev.azure.com', undefined, 'me@example.org'], 'unnamed');
test(belongsTo, ['dev.azure.com', undefined, ''], 'unnamed');
test(belongsTo, ['dev.azure.com'], 'unnamed');
test(belongsTo, ['pkgs.dev.azure.com', 'contoso/_packaging'], 'organization contoso');
test(belongsTo, ['contoso.visualstudio.com', 'p/_git/r'], 'organization contoso');
test(belongsTo, ['contoso.visualstudio.com'], 'organization contoso');
test(belongsTo, ['contoso.pkgs.visualstudio.com', 'x'], 'organization contoso');
test(belongsTo, ['evil.visualstudio.com', 'x'], 'organization evil');

const ownerFor = (host: string, path?: string) =>
  ownerOf({protocol: 'https', host, path, username: undefined}, serversAt, 'all');

for (const service of [
  'pkgs',
  'vssps',
  'vsrm',
  'vsaex',
  'feeds',
  'auditservice',
  'almsearch',
  'extmgmt',
  'analytics',
])
  test(`a tool is served for ${service}, in both domains`, (t) => {
    const owner = {kind: 'organization', organization: 'contoso'};
    t.deepEqual(ownerFor(`${service}.dev.azure.com`, 'Contoso/_apis'), owner);
    t.deepEqual(ownerFor(`Contoso.${service}.visualstudio.com:443`, '_apis'), owner);
    t.is(ownerFor(`${service}.dev.azure.com`).kind, 'unnamed');
    t.is(ownerFor(`${service}.visualstudio.com`, 'contoso').kind, 'unserved');
    t.is(ownerFor(`x.${service}.dev.azure.com`, 'contoso').kind, 'unserved');
    t.is(ownerFor(`${service}.${service}.dev.azure.com`, 'contoso').kind, 'unserved');
    t.is(ownerFor(`${service}.dev.azure.com.evil.example`, 'contoso').kind, 'elsewhere');
  });

test('git is served for no host of the REST interface but that of feeds', (t) => {
  for (const host of ['vssps.dev.azure.com', 'contoso.vsrm.visualstudio.com', 'feeds.dev.azure.com'])
    t.is(
      ownerOf({protocol: 'https', host, path: 'contoso', username: undefined}, serversAt).kind,
      'unserved',
    );
});

test(belongsTo, ['azure.example.org', 'Collection/p'], 'server azure.example.org/collection');
test(belongsTo, ['Azure.Example.ORG:443', 'tfs/Collection/p'], 'server azure.example.org/collection');
test(belongsTo, ['azure.example.org', 'TFS/My Collection.1_x'], 'server azure.example.org/my collection.1_x');
test(belongsTo, ['azure.example.org', 'ÄRZTE/p'], 'server azure.example.org/ärzte');
test(belongsTo, ['azure.example.org', '\u212aollection/p'], 'server azure.example.org/\u212aollection');
test(belongsTo, ['azure.example.org', '\u0130zmir/p'], 'server azure.example.org/\u0130zmir');
test(belongsTo, ['azure.example.org', 'tfs'], 'server azure.example.org');
test(belongsTo, ['azure.example.org', undefined, 'collection'], 'server azure.example.org');
test(belongsTo, ['tfs.example.org:8443', 'c'], 'server tfs.example.org:8443/c');
test(belongsTo, ['tfs.example.org', 'c'], 'elsewhere tfs.example.org');

test(belongsTo, ['ado.example.org', 'DevOps/Main/p/_git/r'], 'server ado.example.org/DevOps/main');
test(belongsTo, ['ADO.example.org', 'devops/Main'], 'server ado.example.org/DevOps/main');
test(belongsTo, ['ado.example.org', 'devops/OLD/Main/p'], 'server ado.example.org/DevOps/old/main');
test(belongsTo, ['ado.example.org', 'devops/tfs/p'], 'server ado.example.org/DevOps/tfs');
test(belongsTo, ['ado.example.org', 'devops'], 'server ado.example.org/DevOps');
test(belongsTo, ['ado.example.org', 'devops2/Main/p'], 'elsewhere ado.example.org');
test(belongsTo, ['ado.example.org', 'Main/p'], 'elsewhere ado.example.org');
test(belongsTo, ['ado.example.org', 'tfs/Main/p'], 'elsewhere ado.example.org');
test(belongsTo, ['ado.example.org', 'x/../devops/Main'], 'unserved');
test(belongsTo, ['ado.example.org:8443', 'devops/Main'], 'elsewhere ado.example.org:8443');
test(belongsTo, ['ado.example.org'], 'server ado.example.org');
test(belongsTo, ['both.example.org', 'devops/main/p'], 'server both.example.org/devops/main');
test(belongsTo, ['both.example.org', 'main/p'], 'server both.example.org/main');
test(belongsTo, ['both.example.org', 'tfs/main/p'], 'server both.example.org/main');

test(belongsTo, ['git.example.com', 'anything'], 'elsewhere git.example.com');
test(belongsTo, ['Git.Example.com:443'], 'elsewhere git.example.com');
test(belongsTo, ['git.example.com:8443', '../..'], 'elsewhere git.example.com:8443');
test(belongsTo, ['git.example.com.', 'x'], 'elsewhere git.example.com.');
test(belongsTo, ['localhost', 'x'], 'elsewhere localhost');
test(belongsTo, ['my_host', 'x'], 'elsewhere my_host');
test(belongsTo, ['[::1]:8443', 'x'], 'elsewhere [::1]:8443');
test(belongsTo, ['dev.azure.com.evil.example', 'contoso'], 'elsewhere dev.azure.com.evil.example');
test(belongsTo, ['evildev.azure.com', 'contoso'], 'elsewhere evildev.azure.com');

for (const host of [
  // Azure DevOps' own, which serve no git, whatever is configured for them
  'ssh.dev.azure.com',
  'SSH.dev.azure.com',
  'vssps.dev.azure.com',
  'dev.azure.com.',
  'dev.azure.com.:443',
  'dev.azure.com:8443',
  'x.dev.azure.com:8443',
  'visualstudio.com',
  'visualstudio.com.',
  'pkgs.visualstudio.com',
  'vs-ssh.visualstudio.com',
  'a.b.visualstudio.com',
  'contoso.visualstudio.com.',
  'contoso.visualstudio.com:8443',
  'con_toso.visualstudio.com',
  // no host names
  '',
  '.',
  '..',
  ':443',
  'a..b',
  '.a',
  'a:',
  'a:0',
  'a:x',
  'a:123456',
  'a:443:443',
  '[',
  '[]',
  '[::1',
  '::1',
  'a b',
  'a@b',
  'a/b',
  'é.example',
]) {
  test(belongsTo, [host, 'contoso/p'], 'unserved');
}
for (const path of ['', '/', '..', '.', 'a//b', '/a', 'a/../b', 'a/./b', 'a/..', 'a//']) {
  for (const host of ['dev.azure.com', 'contoso.visualstudio.com', 'azure.example.org'])
    test(belongsTo, [host, path], 'unserved');
}
for (const collection of ['a\\b', 'a?b', 'a#b', 'a%2fb', 'a\u001bb', '\u0085']) {
  test(belongsTo, ['azure.example.org', `${collection}/p`], 'unserved');
}

test('only the protocol https in lower case is answered', (t) => {
  for (const protocol of ['http', 'HTTPS', 'https ', 'ssh', '', 'ftp', 'https:', 'httpss']) {
    const remote = {host: 'dev.azure.com', path: 'contoso', username: undefined};
    t.is(ownerOf({...remote, protocol}, serversAt).kind, 'unserved', protocol);
  }
});

test('an owner without a name has no name', (t) => {
  t.is(nameOf({kind: 'unnamed', reason: 'x'}), undefined);
  t.is(nameOf({kind: 'unserved', reason: 'x'}), undefined);
  t.is(nameOf({kind: 'elsewhere', host: 'contoso'}), undefined);
  t.is(nameOf({kind: 'server', host: 'contoso', collection: undefined}), undefined);
  t.is(nameOf({kind: 'server', host: 'h', collection: 'contoso'}), 'contoso');
  t.is(describeOwner({kind: 'unnamed', reason: 'x'}), 'an unknown organization');
});

test('an organization is shown by its name, a collection with its server', (t) => {
  t.is(shownName({host: 'dev.azure.com', organization: 'contoso'}), 'contoso');
  t.is(shownName({host: 'tfs.example.org', organization: 'main'}), 'tfs.example.org/main');
  t.is(shownName({host: 'dev.azure.com', organization: undefined}), 'dev.azure.com');
});

for (const [path, directory] of [
  ['collection/web/_git/site', ''],
  ['DevOps/collection/web/_git/site', 'DevOps'],
  ['a/b/collection/web/_GIT/site', 'a/b'],
  ['tfs/collection/web/_git/site', ''],
  ['web/_git/site', ''],
  ['a/b/c/d', ''],
] as const)
  test(`the virtual directory in ${path} is ${directory || 'missing'}`, (t) => {
    t.is(directoryIn(path), directory);
  });
