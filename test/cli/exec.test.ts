import {existsSync} from 'node:fs';
import test from 'ava';
import {daemonFor} from '../helpers/daemon.ts';
import {Person} from '../helpers/command-line.ts';
import {personWithDaemon} from '../helpers/person-with-daemon.ts';

const GUID = '01234567-89ab-4cde-8f01-23456789abcd';

test.serial('exec sets the variables that tools read, and returns the exit code', async (t) => {
  const {person} = await personWithDaemon(t);
  const feeds = ['--feed', 'packages', '--feed', 'Project X/My.Feed'];
  const variables = await variablesOf(person, feeds);
  const pat = 'canary-pat-0123456789';
  t.is(variables['SYSTEM_ACCESSTOKEN'], pat);
  t.is(variables['AZURE_DEVOPS_EXT_PAT'], pat);
  t.is(variables['npm_config_//pkgs.dev.azure.com/contoso/:_auth'], btoa(`orgkey:${pat}`));
  t.is(variables['ORGKEY_TOKEN'], pat);
  t.is(variables['ORGKEY_BASIC'], btoa(`orgkey:${pat}`));
  t.is(variables['ORGKEY_AUTHORIZATION'], `Basic ${btoa(`orgkey:${pat}`)}`);
  t.is(
    variables['PIP_INDEX_URL'],
    'https://orgkey@pkgs.dev.azure.com/contoso/_packaging/packages/pypi/simple/',
  );
  t.is(variables['PIP_KEYRING_PROVIDER'], 'subprocess');
  t.is(
    variables['TWINE_REPOSITORY_URL'],
    'https://pkgs.dev.azure.com/contoso/_packaging/packages/pypi/upload/',
  );
  t.is(variables['TWINE_PASSWORD'], pat);
  t.is(variables['UV_INDEX_MY_FEED_PASSWORD'], pat);
  t.is(variables['MAVEN_FEED_PASSWORD'], pat);
  t.is(variables['CARGO_REGISTRIES_MY_FEED_TOKEN'], `Basic ${btoa(`orgkey:${pat}`)}`);
  t.is(variables['HOME'], person.home, 'the rest of the environment is kept');

  t.is((await person.run('exec contoso', ['--', 'sh', '-c', 'exit 7'])).code, 7);
  t.is((await person.run('exec contoso', ['--', 'sh', '-c', 'kill -TERM $$'])).code, 143);
  t.is((await person.run('exec contoso', ['--', 'no-such-program'])).code, 127);
  t.is((await person.run('exec contoso', ['--', '/etc/passwd'])).code, 126);
  t.is((await person.run('exec contoso', ['--', 'printf', '%s', '--json'])).stdout, '--json');
});

for (const feed of ['a/b/c', '', '/', 'a/', '/a', 'a%2Fb', 'a%', 'a\nb', '..', 'a:b', 'a?b'])
  test.serial(`exec refuses a feed that cannot exist: ${JSON.stringify(feed)}`, async (t) => {
    const {person} = await personWithDaemon(t);
    const {code, stdout} = await person.run('exec contoso', [`--feed=${feed}`, '--', 'env']);
    t.deepEqual({code, stdout}, {code: 2, stdout: ''});
  });

for (const [title, feed, address] of [
  ['a space', 'Project X/My Feed', 'Project%20X/_packaging/My%20Feed'],
  ['escapes', 'Project%20X/My%20Feed', 'Project%20X/_packaging/My%20Feed'],
  ['letters of another language', 'Größe/Käse', 'Gr%C3%B6%C3%9Fe/_packaging/K%C3%A4se'],
  ['a view', 'packages@Local', '_packaging/packages@Local'],
  ['GUIDs', `${GUID}/${GUID}`, `${GUID}/_packaging/${GUID}`],
] as const)
  test.serial(`exec spells a feed with ${title} alike in every variable`, async (t) => {
    const {person} = await personWithDaemon(t);
    const variables = await variablesOf(person, ['--feed', feed]);
    const base = `https://pkgs.dev.azure.com/contoso/${address}`;
    t.is(variables['PIP_INDEX_URL'], `${base.replace('//', '//orgkey@')}/pypi/simple/`);
    t.true(variables['UV_INDEX']?.endsWith(`=${base}/pypi/simple/`));
    t.is(variables['TWINE_REPOSITORY_URL'], `${base}/pypi/upload/`);
    t.is(variables['MAVEN_FEED_URL'], `${base}/maven/v1`);
    t.true(Object.values(variables).includes(`sparse+${base}/Cargo/index/`));
    t.is(endpointsOf(variables)[0]?.['endpoint'], `${base}/nuget/v3/index.json`);
  });

test.serial('exec names two feeds of one name apart', async (t) => {
  const {person} = await personWithDaemon(t);
  const variables = await variablesOf(person, ['--feed', 'one/packages', '--feed', 'two/packages']);
  const base = 'https://pkgs.dev.azure.com/contoso';
  t.is(variables['CARGO_REGISTRIES_PACKAGES_INDEX'], `sparse+${base}/one/_packaging/packages/Cargo/index/`);
  t.is(
    variables['CARGO_REGISTRIES_TWO_PACKAGES_INDEX'],
    `sparse+${base}/two/_packaging/packages/Cargo/index/`,
  );
  t.is(variables['UV_INDEX_TWO_PACKAGES_USERNAME'], 'orgkey');
});

test.serial('exec lists a NuGet feed under each host and view, and by prefix', async (t) => {
  const {person} = await personWithDaemon(t);
  const variables = await variablesOf(person, ['--feed', 'packages']);
  const listed = endpointsOf(variables).map((entry) => entry['endpoint']);
  for (const base of [
    'https://pkgs.dev.azure.com/contoso',
    'https://contoso.pkgs.visualstudio.com',
    'https://contoso.pkgs.visualstudio.com/DefaultCollection',
  ])
    for (const name of ['packages', 'packages@Local', 'packages@Prerelease', 'packages@Release'])
      t.true(listed.includes(`${base}/_packaging/${name}/nuget/v3/index.json`), `${base} ${name}`);
  const prefixes =
    'https://pkgs.dev.azure.com/contoso/;https://contoso.pkgs.visualstudio.com/;https://contoso.pkgs.visualstudio.com/DefaultCollection/';
  for (const start of ['ARTIFACTS_CREDENTIALPROVIDER', 'VSS_NUGET']) {
    t.is(variables[`${start}_URI_PREFIXES`], prefixes);
    t.is(variables[`${start}_ACCESSTOKEN`], 'canary-pat-0123456789');
  }
  t.is(
    variables['ARTIFACTS_CREDENTIALPROVIDER_EXTERNAL_FEED_ENDPOINTS'],
    variables['VSS_NUGET_EXTERNAL_FEED_ENDPOINTS'],
  );
});

const foreign = {endpoint: 'https://nuget.example.org/index.json', username: 'me', password: 'theirs'};
const stale = {
  endpoint: 'https://PKGS.dev.azure.com/contoso/_packaging/packages/nuget/v3/index.json',
  password: 'stale',
};
const both = JSON.stringify({endpointCredentials: [stale, foreign]});
for (const [title, environment] of [
  ['the newer variable', {ARTIFACTS_CREDENTIALPROVIDER_EXTERNAL_FEED_ENDPOINTS: both}],
  ['the older variable', {VSS_NUGET_EXTERNAL_FEED_ENDPOINTS: both}],
  ['single quotes', {VSS_NUGET_EXTERNAL_FEED_ENDPOINTS: both.replaceAll('"', "'")}],
  [
    'both variables',
    {ARTIFACTS_CREDENTIALPROVIDER_EXTERNAL_FEED_ENDPOINTS: both, VSS_NUGET_EXTERNAL_FEED_ENDPOINTS: '{}'},
  ],
] as const)
  test.serial(`exec keeps the caller's other NuGet sources: ${title}`, async (t) => {
    const {person} = await personWithDaemon(t);
    const variables = await variablesOf(person, ['--feed', 'packages'], environment);
    const entries = endpointsOf(variables);
    t.deepEqual(entries.at(-1), foreign);
    t.false(entries.some((entry) => entry['password'] === 'stale'));
  });

test.serial('exec leaves prefixes of another service to the caller', async (t) => {
  const {person} = await personWithDaemon(t);
  const environment = {VSS_NUGET_URI_PREFIXES: 'https://nuget.example.org/', VSS_NUGET_ACCESSTOKEN: 'theirs'};
  const variables = await variablesOf(person, ['--feed', 'packages'], environment);
  t.is(variables['VSS_NUGET_ACCESSTOKEN'], 'theirs');
  t.is(variables['ARTIFACTS_CREDENTIALPROVIDER_URI_PREFIXES'], undefined);
});

test.serial('exec keeps a list of long tokens short enough for the kernel', async (t) => {
  const token = 'x'.repeat(3000);
  const daemon = await daemonFor(t, {
    configuration: `integrations: {azure: [{credentials: [{personalAccessToken: ${token}}]}]}\n`,
  });
  const person = new Person(t, daemon.environment);
  const feeds = Array.from({length: 20}, (_, at) => ['--feed', `packages-${at}`]).flat();
  const variables = await variablesOf(person, feeds);
  t.is(endpointsOf(variables).length, 20);
});

test.serial('exec gives npm a private configuration that holds no token', async (t) => {
  const {person} = await personWithDaemon(t);
  const own = [
    '; mine',
    '@web:registry=https://pkgs.dev.azure.com/contoso/_packaging/web/npm/registry/',
    '//pkgs.dev.azure.com/Contoso/_packaging/web/npm/registry/:_authToken=stale',
    '//npm.example.org/:_authToken=theirs',
    '//pkgs.dev.azure.com/contoso-two/:_authToken=theirs',
  ];
  person.write('other.npmrc', own.join('\n'));
  const script =
    'cat "$NPM_CONFIG_USERCONFIG"; stat -c %a "$NPM_CONFIG_USERCONFIG"; echo "$NPM_CONFIG_USERCONFIG"; env';
  const environment = {npm_config_userconfig: person.path('other.npmrc')};
  const {stdout, stderr} = await person.run('exec contoso', ['--', 'sh', '-c', script], {environment});
  const [text = '', mode = '', path = ''] = stdout.split(/(?<=\n)(?=600)|(?<=600)\n/);
  t.is(mode, '600', stderr);
  t.deepEqual(
    text
      .trimEnd()
      .split('\n')
      .filter((line) => own.includes(line)),
    own.filter((line) => !line.includes('stale')),
  );
  t.true(text.includes('//pkgs.dev.azure.com/contoso/:_auth=${ORGKEY_BASIC}\n'));
  t.true(text.includes('//pkgs.dev.azure.com/Contoso/:_auth=${ORGKEY_BASIC}\n'));
  t.true(text.includes('//contoso.pkgs.visualstudio.com/:_auth=${ORGKEY_BASIC}\n'));
  t.false(text.includes('canary'));
  t.false(path.includes('npm_config_userconfig='), 'another spelling of the variable could win');
  t.false(existsSync(path.split('\n')[0] ?? ''), 'it is removed');
});

async function variablesOf(
  person: Person,
  options: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  const printed = await person.run('exec contoso', [...options, '--', 'env', '-0'], {environment});
  if (printed.code !== 0) throw new Error(printed.stderr);
  return Object.fromEntries(
    printed.stdout.split('\0').map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

function endpointsOf(variables: Readonly<Record<string, string>>): readonly Record<string, string>[] {
  return JSON.parse(variables['ARTIFACTS_CREDENTIALPROVIDER_EXTERNAL_FEED_ENDPOINTS'] ?? '')
    .endpointCredentials;
}

const servers = `integrations:
  azure:
    - {host: azure.example.org, credentials: [{organizations: [DefaultCollection], personalAccessToken: canary-server-pat}]}
    - {host: intranet, credentials: [{personalAccessToken: canary-server-pat}]}
`;

for (const [organization, base] of [
  ['azure.example.org/DefaultCollection', 'azure.example.org/DefaultCollection'],
  ['Azure.Example.org/tfs/DefaultCollection', 'azure.example.org/tfs/DefaultCollection'],
  ['intranet/Any one', 'intranet/Any%20one'],
] as const) {
  test.serial(`exec sends the token of a server only to that server: ${organization}`, async (t) => {
    const daemon = await daemonFor(t, {configuration: servers});
    const person = new Person(t, {...daemon.environment, https_proxy: ''});
    const feeds = ['--feed', 'packages', '--feed', 'Project X/My.Feed'];
    const {code, stdout, stderr} = await person.run('exec', [organization, ...feeds, '--', 'env', '-0']);
    t.is(code, 0, stderr);
    const pat = 'canary-server-pat';
    const variables = stdout
      .split('\0')
      .filter((line) => line.includes(pat) || line.includes('/_packaging/'));
    t.true(variables.includes(`PIP_INDEX_URL=https://orgkey@${base}/_packaging/packages/pypi/simple/`));
    t.true(variables.some((line) => line.startsWith(`MAVEN_FEED_URL=https://${base}/_packaging/packages/`)));
    t.true(stdout.includes(`npm_config_//${base}/:_auth=${btoa(`orgkey:${pat}`)}`));
    t.true(stdout.includes(`sparse+https://${base}/Project%20X/_packaging/My.Feed/Cargo/index/`));
    const hosts = stdout
      .split('\0')
      .flatMap((line) => [...line.matchAll(/\/\/(?:[^/@\s"]*@)?([^/:\s"]+)/g)].map(([, host]) => host));
    t.deepEqual([...new Set(hosts)], [base.slice(0, base.indexOf('/'))]);
  });
}

test.serial('exec fails if the collection of a server is missing', async (t) => {
  const daemon = await daemonFor(t, {configuration: servers});
  const person = new Person(t, daemon.environment);
  for (const organization of ['intranet', 'intranet/']) {
    const {code, stdout, stderr} = await person.run('exec', [organization, '--', 'env']);
    t.is(code, 2);
    t.is(stdout, '');
    t.regex(stderr, /error: no collection of intranet is named\n.*orgkey exec intranet\/Default/);
  }
});
