import test from 'ava';
import {Person, patConfiguration} from '../helpers/command-line.ts';

const questions: readonly [url: string, facts: Readonly<Record<string, unknown>>][] = [
  [
    'https://dev.azure.com/Contoso/p/_git/r',
    {organization: 'contoso', host: 'dev.azure.com', sockets: ['git.sock', 'scoped/team-a/git.sock']},
  ],
  ['https://fabrikam@dev.azure.com/fabrikam/p/_git/r', {organization: 'fabrikam', sockets: ['git.sock']}],
  ['https://contoso.visualstudio.com/p/_git/r', {organization: 'contoso'}],
  ['fabrikam', {organization: 'fabrikam'}],
  [
    'https://azure.example.org/tfs/DefaultCollection/p/_git/r',
    {organization: 'azure.example.org/defaultcollection'},
  ],
  [
    'https://azure.example.org/devops/DefaultCollection/p/_git/r',
    {
      answer: 'nothing',
      detail:
        'nothing, git asks its next helper: no credential covers the collection; if devops is a virtual directory, write host: azure.example.org/devops',
    },
  ],
  [
    'https://dev.azure.com/unknown/p/_git/r',
    {answer: 'nothing', detail: 'nothing, git asks its next helper: no credential covers the organization'},
  ],
  [
    'https://github.com/a/b',
    {answer: 'nothing', detail: 'nothing, git asks its next helper: not an Azure DevOps host'},
  ],
  [
    'https://dev.azure.com.evil.example/contoso',
    {
      answer: 'nothing',
      detail: 'nothing, git asks its next helper: not an Azure DevOps host',
      identity: undefined,
    },
  ],
  [
    'http://dev.azure.com/contoso/p',
    {
      answer: 'nothing',
      detail: 'nothing, git asks its next helper: only https is answered',
      identity: undefined,
    },
  ],
  [
    'git@ssh.dev.azure.com:v3/contoso/p/r',
    {overHttps: 'git clone https://dev.azure.com/contoso/p/_git/r', sockets: undefined},
  ],
  [
    'ssh://azure.example.org:2222/tfs/DefaultCollection/A%20B/_git/r',
    {
      organization: 'defaultcollection',
      overHttps: 'git clone https://azure.example.org/tfs/DefaultCollection/A%20B/_git/r',
    },
  ],
  ['git@github.com:contoso/_git/r', {organization: undefined, overHttps: undefined}],
];

for (const [url, facts] of questions) {
  test.serial(`which explains without a daemon: ${url}`, async (t) => {
    const person = new Person(t);
    person.configure();
    const {code, stdout, stderr} = await person.run('which', [url, '--json']);
    t.is(code, 0, stderr);
    const answer = JSON.parse(stdout) as Record<string, unknown>;
    for (const [name, value] of Object.entries(facts)) t.deepEqual(answer[name], value, name);
    const text = await person.run('which', [url]);
    t.is(text.code, 0);
    // a URL that the user did not write is not shown
    t.is(text.stdout.startsWith('url '), url.includes('/'));
  });
}

test.serial('which names the sockets that grant an SSH submodule', async (t) => {
  const person = new Person(t);
  const key = person.write('key', 'key');
  const rules = `[{organizations: [contoso, fabrikam], privateKey: {$file: ${key}}}, {organizations: [main], host: tfs.example.org, privateKey: {$file: ${key}}}]`;
  person.configure(`${patConfiguration}  submodules: ${rules}\n`);
  const about = async (url: string) =>
    JSON.parse((await person.run('which', [url, '--json'])).stdout) as Record<string, unknown>;
  t.deepEqual((await about('git@ssh.dev.azure.com:v3/contoso/p/r'))['sockets'], [
    'git.sock',
    'scoped/team-a/git.sock',
  ]);
  t.deepEqual((await about('git@ssh.dev.azure.com:v3/fabrikam/p/r'))['sockets'], ['git.sock']);
  t.like(await about('tfs.example.org:Main/p/_git/r'), {
    sockets: ['git.sock'],
    overHttps: 'git clone https://tfs.example.org/Main/p/_git/r',
  });
});

test.serial('which names the key, file and line of a header that git sends itself', async (t) => {
  const person = new Person(t);
  person.configure();
  const url = 'https://dev.azure.com/contoso/p/_git/r';
  await person.git(['init', '--quiet', 'clone']);
  await person.git(['-C', 'clone', 'config', `http.${url}.extraheader`, 'AUTHORIZATION: bearer canary']);
  const config = person.path('clone/.git/config');
  const line =
    person
      .read('clone/.git/config')
      ?.split('\n')
      .findIndex((text) => text.includes('canary')) ?? 0;
  const ask = async (argv: readonly string[]) =>
    (await person.run('which', argv, {directory: person.path('clone')})).stdout;
  const header = `http.${url}.extraheader: local, ${config}, line ${line + 1}`;
  t.is(JSON.parse(await ask([url, '--json'])).ownHeader, header);
  t.regex(await ask([url]), /^own header +git sends this instead of asking orgkey: http\./m);
  t.is(JSON.parse(await ask(['contoso', '--json'])).ownHeader, undefined);
  t.is(JSON.parse(await ask(['https://dev.azure.com/contoso/p/_git/other', '--json'])).ownHeader, undefined);
  // a header for the host concerns the whole organization
  await person.git(['-C', 'clone', 'config', 'http.https://dev.azure.com.extraheader', 'Authorization: x']);
  t.regex(
    JSON.parse(await ask(['contoso', '--json'])).ownHeader,
    /^http\.https:\/\/dev\.azure\.com\.extraheader: /,
  );
});

test.serial('which names the file, line and column of the rule', async (t) => {
  const person = new Person(t);
  const file = person.configure();
  const {stdout} = await person.run('which contoso --json');
  t.deepEqual(JSON.parse(stdout).rule, {place: `${file}:5:11`, by: 'name'});
});

test.serial('which names the gateways that carry a repository, over HTTPS and SSH', async (t) => {
  const person = new Person(t);
  person.configure(`${patConfiguration}  gateways:
    - {name: agents, repositories: [contoso/web/*], push: ["refs/heads/agents/*"]}
    - {name: readers, repositories: [contoso/*/*, azure.example.org/defaultcollection/a b/*]}
`);
  const names = async (url: string) => {
    const {code, stdout, stderr} = await person.run('which', [url, '--json']);
    t.is(code, 0, stderr);
    return (JSON.parse(stdout) as {gateways?: {name: string}[]}).gateways?.map(({name}) => name);
  };
  t.deepEqual(await names('https://contoso@dev.azure.com/Contoso/Web/_git/site'), ['agents', 'readers']);
  t.deepEqual(await names('https://contoso.visualstudio.com/hr/_git/salaries'), ['readers']);
  t.deepEqual(await names('git@ssh.dev.azure.com:v3/contoso/web/site'), ['agents', 'readers']);
  t.deepEqual(await names('https://azure.example.org/tfs/DefaultCollection/A%20B/_git/r'), ['readers']);
  t.deepEqual(await names('https://dev.azure.com/fabrikam/web/_git/site'), []);
  t.deepEqual(await names('contoso'), ['agents', 'readers']);
  t.deepEqual(await names('fabrikam'), []);
  const {stdout} = await person.run('which', ['contoso']);
  t.regex(stdout, /^gateways +agents \(fetch, push to refs\/heads\/agents\/\*\); readers \(fetch\)$/m);
});

test.serial('which and config show print what a value means, not how it is stored', async (t) => {
  const person = new Person(t);
  const key = person.write('key', 'key');
  person.configure(`integrations:
  azure:
    - credentials:
        - {organizations: [contoso], signIn: browser}
        - clientId: system-assigned
orgkey: {submodules: [{organizations: [contoso], privateKey: {$file: ${key}}}]}
`);
  const {stdout} = await person.run('which', ['contoso']);
  t.regex(stdout, /^tenant +any tenant$/m);
  t.false(stdout.includes('_git'), stdout);
  const shown = (await person.run('config show')).stdout;
  t.regex(shown, /organizations: all that no other credential names/);
  t.regex(shown, /repositories: all/);
  const {credentials} = JSON.parse((await person.run('config show', ['--json'])).stdout) as {
    credentials: {organizations: string[]}[];
  };
  t.deepEqual(
    credentials.map(({organizations}) => organizations),
    [['contoso'], []],
  );
});

test.serial('a near miss of an organization is named', async (t) => {
  const person = new Person(t);
  person.configure();
  t.regex((await person.run('which', ['contosso'])).stdout, /did you mean contoso\?/);
  t.false((await person.run('which', ['litware'])).stdout.includes('did you mean'));
  const doctor = await person.run('doctor', ['contosso']);
  t.regex(doctor.stdout, /✗ rule: no credential covers this organization; did you mean contoso\?/);
  t.regex(doctor.stdout, /repair: add one: orgkey org add contosso/);
});
