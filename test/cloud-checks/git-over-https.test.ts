import {randomBytes} from 'node:crypto';
import {writeFileSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import test from 'ava';
import type {Macro} from 'ava';
import {startCloud} from '../cloud/cloud.ts';
import type {Repository} from '../cloud/repositories.ts';
import {Workplace, withUser} from './programs.ts';

const cloud = await startCloud();
const place = new Workplace(cloud);
const tenant = cloud.addTenant({name: 'Contoso'});
const app = tenant.addApplication();
const outsider = tenant.addApplication({name: 'outsider'});
const foreigner = cloud.addTenant({name: 'Fabrikam'}).addApplication({name: 'foreigner'});
const org = cloud.addOrganization('contoso', {tenant, members: [app]});
const pat = org.addPat();
const readOnly = org.addPat({scopes: ['vso.code']});
const packaging = org.addPat({scopes: ['vso.packaging']});
const expired = org.addPat({expired: true, length: 52});
const repository = org.addRepository('My Project/app', {files: {'a.txt': 'a'}});
const same = org.addRepository('tools', {files: {'t.txt': 't'}});
const open = org.addRepository('My Project/open', {public: true});
const server = cloud.addServer('tfs.example.org');
const collection = server.addCollection('Default Collection');
const serverPat = collection.addPat();
const onServer = collection.addRepository('Team/app', {files: {'s.txt': 's'}});
const plainServer = cloud.addServer('azure.example.org', {virtualDirectory: ''}).addCollection('Main');
const plainPat = plainServer.addPat();
const onPlainServer = plainServer.addRepository('Team/app');
const github = cloud.addOtherHost('git.example.org', {username: 'ada', password: 'secret'});
const elsewhere = github.addRepository('team/app.git');
const lib = org.addRepository('My Project/lib', {files: {'lib.txt': 'lib'}});
const whole = org.addRepository('My Project/whole', {
  submodules: [
    {path: 'near', url: '../lib'},
    {path: 'far', url: same.url},
    {path: 'ssh', url: 'git@ssh.dev.azure.com:v3/contoso/My%20Project/lib'},
  ],
});
// all that is awaited must come before the first test
const hasLfs = (await place.git('lfs', 'version')).status === 0;

test.after.always(async () => {
  place.close();
  await cloud.close();
});

const check = test.serial;
let clones = 0;
const fresh = (): string => place.path(`clone-${(clones += 1)}`);

const clones200: Macro<[url: string, token?: string]> = {
  exec: async (t, url, token) => {
    const args = ['clone', '--quiet', url, fresh()];
    const {status, stderr} =
      token === undefined ? await place.git(...args) : await place.gitWithToken(token, ...args);
    t.is(status, 0, stderr);
  },
  title: (given, url) => `${given ?? ''} clones ${url.replace(/:[^/@]+@/, ':…@')}`,
};

const token = cloud.createToken(app);
check('Bearer', clones200, repository.url, token);
check('Bearer, repository called as its project', clones200, same.url, token);
check('Bearer, user name in the URL', clones200, withUser(repository.url, 'contoso'), token);
check('PAT', clones200, withUser(repository.url, 'anyone', pat.value));
check('access token as password', clones200, withUser(repository.url, 'x', token));
check(
  'visualstudio.com',
  clones200,
  withUser('https://contoso.visualstudio.com/My%20Project/_git/app', 'x', pat.value),
);
check(
  'DefaultCollection',
  clones200,
  withUser('https://contoso.visualstudio.com/DefaultCollection/My%20Project/_git/app', 'x', pat.value),
);
check(
  'another case',
  clones200,
  withUser('https://dev.azure.com/CONTOSO/my%20project/_git/APP', 'x', pat.value),
);
check('public', clones200, open.url);
check('server', clones200, withUser(onServer.url, 'x', serverPat.value));
check('server without virtual directory', clones200, withUser(onPlainServer.url, 'x', plainPat.value));
check('another host', clones200, withUser(elsewhere.url, 'ada', 'secret'));

const isRefused: Macro<[url: string, wanted: RegExp, token?: string]> = {
  exec: async (t, url, wanted, token) => {
    const args = ['ls-remote', url];
    const {status, stderr} =
      token === undefined ? await place.git(...args) : await place.gitWithToken(token, ...args);
    t.not(status, 0);
    t.regex(stderr, wanted);
  },
};

const asksAgain = /could not read Username|Authentication failed/;
check('the anonymous user', isRefused, repository.url, asksAgain);
check(
  'an application that is not a member',
  isRefused,
  repository.url,
  asksAgain,
  cloud.createToken(outsider),
);
check('an application of another tenant', isRefused, repository.url, asksAgain, cloud.createToken(foreigner));
check(
  'a token for something else',
  isRefused,
  repository.url,
  asksAgain,
  cloud.createToken(app, {resource: 'https://vault.azure.net'}),
);
check('a token that has ended', isRefused, repository.url, asksAgain, cloud.createToken(app, {life: -1}));
check(
  'a token with a changed signature',
  isRefused,
  repository.url,
  asksAgain,
  `${token.slice(0, -8)}AAAAAAAA`,
);
check('an expired PAT', isRefused, withUser(repository.url, 'x', expired.value), asksAgain);
check('a PAT without the scope', isRefused, withUser(repository.url, 'x', packaging.value), /403/);
check(
  'a missing repository',
  isRefused,
  withUser(`${repository.url}-not`, 'x', pat.value),
  /TF401019.*not found/s,
);
check(
  'a missing project',
  isRefused,
  withUser('https://dev.azure.com/contoso/nothing/_git/app', 'x', pat.value),
  /TF200016/,
);
check('a token at a server', isRefused, onServer.url, asksAgain, token);
check('a PAT of the cloud at a server', isRefused, withUser(onServer.url, 'x', pat.value), asksAgain);
check('a host that the proxy does not know', isRefused, 'https://github.com/a/b', /502|CONNECT/);

check('a revoked token is refused from then on', async (t) => {
  const token = cloud.createToken(app);
  t.is((await place.gitWithToken(token, 'ls-remote', repository.url)).status, 0);
  cloud.revoke(token);
  t.not((await place.gitWithToken(token, 'ls-remote', repository.url)).status, 0);
  t.is(cloud.requests.filter({endpoint: 'git', refusal: 'revoked'}).at(-1)?.status, 401);
});

check('a refusal names every way to sign in, and the tenant', async (t) => {
  const answer = await cloud.request(`${repository.url}/info/refs?service=git-upload-pack`);
  t.is(answer.status, 401);
  t.deepEqual(answer.challenges, [
    `Bearer authorization_uri=https://login.microsoftonline.com/${tenant.id}`,
    'Basic realm="https://tfsprodweu.app.visualstudio.com/"',
    'TFS-Federated',
  ]);
  t.is(answer.headers['x-vss-resourcetenant'], tenant.id);
  t.regex(decodeURIComponent(String(answer.headers['x-tfs-serviceerror'])), /^TF400813/);
});

check('a server offers Basic alone', async (t) => {
  const answer = await cloud.request(`${onServer.url}/info/refs?service=git-upload-pack`);
  t.deepEqual(answer.challenges, ['Basic realm="https://tfs.example.org/"']);
});

check('a PAT needs no user name', async (t) => {
  const value = Buffer.from(`:${pat.value}`).toString('base64');
  const {status} = await place.git(
    '-c',
    `http.extraHeader=Authorization: Basic ${value}`,
    'ls-remote',
    repository.url,
  );
  t.is(status, 0);
});

check('a push that does not fit one buffer arrives', async (t) => {
  const clone = fresh();
  await place.git('clone', '--quiet', withUser(lib.url, 'x', pat.value), clone);
  writeFileSync(`${clone}/big.bin`, randomBytes(5_000_000));
  await place.git('-C', clone, 'add', '.');
  await place.git('-C', clone, 'commit', '--quiet', '--message', 'Big');
  const {status, stderr} = await place.git('-C', clone, 'push', '--quiet');
  t.is(status, 0, stderr);
});

check('git can get the sign-in page instead of a 401', async (t) => {
  for (const status of [203, 302] as const) {
    org.unauthenticated = status;
    const answer = await cloud.request(`${repository.url}/info/refs?service=git-upload-pack`);
    t.is(answer.status, status);
    t.not((await place.git('ls-remote', repository.url)).status, 0);
  }
  org.unauthenticated = 'real';
});

check('a caller that is not a member is asked to sign in once', async (t) => {
  const headers = {
    authorization: `Bearer ${cloud.createToken(outsider)}`,
    'x-tfs-fedauthredirect': 'Suppress',
  };
  const answer = await cloud.request('https://dev.azure.com/contoso/_apis/connectionData', {headers});
  t.is(answer.status, 401);
  t.regex(answer.text, /TF401444/);
});

check('connectionData names the caller', async (t) => {
  const url = 'https://dev.azure.com/contoso/_apis/connectionData?api-version=7.1-preview';
  const answer = await cloud.request(url, {headers: {authorization: `Bearer ${token}`}});
  const {authenticatedUser} = JSON.parse(answer.text) as {
    authenticatedUser: {id: string; providerDisplayName: string; descriptor: string};
  };
  t.is(authenticatedUser.id, app.objectId);
  t.is(authenticatedUser.providerDisplayName, app.name);
  t.regex(authenticatedUser.descriptor, /AadServicePrincipal/);
});

check('pages redirect callers that are not signed in', async (t) => {
  const url = 'https://dev.azure.com/contoso/_apis/connectionData';
  const anonymous = await cloud.request(url);
  t.is(anonymous.status, 302);
  t.regex(String(anonymous.headers.location), /_signin/);
  const wrong = await cloud.request(url, {headers: {authorization: 'Bearer wrong'}});
  t.is(wrong.status, 203);
  t.regex(wrong.text, /<html/);
  const plainly = await cloud.request(url, {headers: {'x-tfs-fedauthredirect': 'Suppress'}});
  t.is(plainly.status, 401);
});

async function change(repository: Repository, pat: string): Promise<{status: number; stderr: string}> {
  const clone = fresh();
  await place.git('clone', '--quiet', withUser(repository.url, 'x', pat), clone);
  writeFileSync(`${clone}/new.txt`, `new ${clones}`);
  await place.git('-C', clone, 'add', '.');
  await place.git('-C', clone, 'commit', '--quiet', '--message', 'More');
  return place.git('-C', clone, 'push', '--quiet');
}

check('a push arrives if the PAT may write', async (t) => {
  const before = await repository.branch();
  const {status, stderr} = await change(repository, pat.value);
  t.is(status, 0, stderr);
  t.not(await repository.branch(), before);
  const denied = await change(repository, readOnly.value);
  t.regex(denied.stderr, /403/);
});

check('a commit can be added later', async (t) => {
  const id = await repository.commit({files: {'later.txt': 'later'}});
  const {stdout} = await place.gitWithToken(token, 'ls-remote', repository.url, 'refs/heads/main');
  t.is(stdout.split('\t')[0], id);
});

check('submodules lead to the commits of their repositories', async (t) => {
  const clone = fresh();
  const args = [
    'clone',
    '--quiet',
    '--recurse-submodules=near',
    '--recurse-submodules=far',
    whole.url,
    clone,
  ];
  const {status, stderr} = await place.gitWithToken(token, ...args);
  t.is(status, 0, stderr);
  t.is(await readFile(`${clone}/near/lib.txt`, 'utf8'), 'lib');
  t.is(await readFile(`${clone}/far/t.txt`, 'utf8'), 't');
  const {stdout} = await place.git('-C', clone, 'ls-tree', 'HEAD', 'ssh');
  t.true(stdout.includes(await lib.ready()));
});

check('a member may be kept from repositories and from pushing', async (t) => {
  const guest = tenant.addApplication({name: 'guest'});
  org.addMember(guest, {repositories: ['My Project/l*'], contribute: false});
  const token = cloud.createToken(guest);
  t.is((await place.gitWithToken(token, 'ls-remote', lib.url)).status, 0);
  t.regex((await place.gitWithToken(token, 'ls-remote', repository.url)).stderr, /TF401019/);
  const push = await cloud.request(`${lib.url}/info/refs?service=git-receive-pack`, {
    headers: {authorization: `Bearer ${token}`},
  });
  t.is(push.status, 403);
  t.regex(push.text, /TF401027/);
});

check('Git LFS objects are listed and handed out', async (t) => {
  const large = org.addRepository('My Project/large', {lfs: {'a.bin': 'large content'}});
  await large.ready();
  const [[oid] = ['']] = [...large.lfsObjects];
  const headers = {authorization: `Bearer ${token}`};
  for (const base of [`${large.url}.git/info/lfs`, `${large.url}/info/lfs`]) {
    const body = JSON.stringify({operation: 'download', transfers: ['basic'], objects: [{oid, size: 13}]});
    const batch = await cloud.request(`${base}/objects/batch`, {headers, body});
    const {objects} = JSON.parse(batch.text) as {objects: {actions: {download: {href: string}}}[]};
    const object = await cloud.request(objects[0]?.actions.download.href ?? '', {headers});
    t.is(object.text, 'large content');
    t.is((await cloud.request(`${base}/objects/batch`, {body})).status, 401);
  }
});

function basic(password: string): {authorization: string} {
  return {authorization: `Basic ${Buffer.from(`x:${password}`).toString('base64')}`};
}

(hasLfs ? check : check.skip)('git-lfs fetches and pushes (skipped where git has no lfs)', async (t) => {
  const large = org.addRepository('My Project/really-large', {lfs: {'a.bin': 'large content'}});
  const clone = fresh();
  await place.git('lfs', 'install');
  const {status, stderr} = await place.git('clone', '--quiet', withUser(large.url, 'x', pat.value), clone);
  t.is(status, 0, stderr);
  t.is(await readFile(`${clone}/a.bin`, 'utf8'), 'large content');
  writeFileSync(`${clone}/a.bin`, 'other content');
  await place.git('-C', clone, 'commit', '--quiet', '--all', '--message', 'Other');
  t.is((await place.git('-C', clone, 'push', '--quiet')).status, 0);
  t.is(large.lfsObjects.size, 2);
});

check('a feed wants a credential with its scope', async (t) => {
  org.addFeed('packages');
  const url = 'https://pkgs.dev.azure.com/contoso/_packaging/packages/npm/registry/left';
  t.is((await cloud.request(url)).status, 401);
  t.is((await cloud.request(url, {headers: basic(readOnly.value)})).status, 401);
  const found = await cloud.request(url, {headers: basic(pat.value)});
  t.is((JSON.parse(found.text) as {name: string}).name, 'left');
  t.is(
    (
      await cloud.request('https://contoso.pkgs.visualstudio.com/_packaging/packages/npm/registry/left', {
        headers: basic(packaging.value),
      })
    ).status,
    200,
  );
});

check('every request is recorded', async (t) => {
  cloud.requests.clear();
  await place.git('ls-remote', withUser(repository.url, 'ada', pat.value));
  const [first, second] = cloud.requests.filter({endpoint: 'git'});
  t.like(first, {
    status: 401,
    organization: 'contoso',
    repository: 'My Project/app',
    authorization: undefined,
  });
  t.like(second, {
    status: 200,
    principal: 'Pat Owner',
    authorization: {scheme: 'basic', username: 'ada', secret: pat.value},
  });
  t.regex(second?.userAgent ?? '', /^git\//);
});
