import test, {type ExecutionContext} from 'ava';
import {statSync} from 'node:fs';
import {Person} from '../helpers/command-line.ts';

const plain = ['--service', 'plain'];

/** Sets up one organization, in a file with comments. */
async function withContoso(t: ExecutionContext): Promise<Person> {
  const person = new Person(t);
  person.write('contoso.pat', 'canary-pat-of-contoso\n');
  person.write('fabrikam.pat', 'canary-pat-of-fabrikam\n');
  person.configure(`# mine
integrations:
  azure:
    - host: dev.azure.com # ours
      credentials:
        - organizations: [contoso] # first
          personalAccessToken: {$file: ../../contoso.pat}
# the end
`);
  const {code, stderr} = await person.run('setup', plain);
  t.is(code, 0, stderr);
  return person;
}

async function passwordOf(person: Person, organization: string): Promise<string | undefined> {
  const {stdout} = await person.git(['credential', 'fill'], {
    input: `protocol=https\nhost=dev.azure.com\npath=${organization}/p/_git/r\nusername=x\n\n`,
    environment: {GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: 'true'},
  });
  return /^password=(.+)$/m.exec(stdout)?.[1];
}

const ways: readonly [title: string, command: string, argv: readonly string[]][] = [
  ['org add', 'org add', ['fabrikam', '--pat-file', 'fabrikam.pat']],
  [
    'org add with a URL',
    'org add',
    ['https://ann@dev.azure.com/fabrikam/shared/_git/library', '--pat-file', 'fabrikam.pat'],
  ],
  ['setup', 'setup', ['--organization', 'fabrikam', '--pat-file', 'fabrikam.pat', ...plain]],
];

for (const [title, command, argv] of ways) {
  test.serial(`a second organization is added to the file, to git and to the daemon: ${title}`, async (t) => {
    const person = await withContoso(t);
    const before = person.read('.config/orgkey/config.yaml') ?? '';
    const added = await person.run(command, argv);
    t.false(added.stderr.includes('the rest of'), added.stderr);
    t.is(added.code, 0, added.stderr);
    const file = person.read('.config/orgkey/config.yaml') ?? '';
    t.true(file.startsWith(before.replace('# the end\n', '')));
    t.true(file.endsWith('# the end\n'));
    t.is(statSync(person.path('.config/orgkey/config.yaml')).mode & 0o777, 0o600);
    t.is(await passwordOf(person, 'fabrikam'), 'canary-pat-of-fabrikam');
    t.is(await passwordOf(person, 'contoso'), 'canary-pat-of-contoso');
    t.true(person.read('.config/orgkey/gitconfig')?.includes('dev.azure.com/fabrikam'));
    t.false(added.stderr.includes('canary'));

    t.is((await person.run(command, argv)).code, 0, 'the same again');
    t.is(person.read('.config/orgkey/config.yaml'), file);

    const removed = await person.run('org remove', ['https://dev.azure.com/fabrikam']);
    t.is(removed.code, 0, removed.stderr);
    t.is(person.read('.config/orgkey/config.yaml'), before);
    t.is(await passwordOf(person, 'fabrikam'), undefined);
    t.is(await passwordOf(person, 'contoso'), 'canary-pat-of-contoso');
    t.false(person.read('.config/orgkey/gitconfig')?.includes('fabrikam'));
    t.is(person.read('fabrikam.pat'), 'canary-pat-of-fabrikam\n', 'the file with the secret stays');
  });
}

test.serial('another credential for the same organization replaces the one that it has', async (t) => {
  const person = await withContoso(t);
  const {code, stderr} = await person.run('setup', [
    '--organization',
    'Contoso',
    '--pat-file',
    'fabrikam.pat',
    ...plain,
  ]);
  t.is(code, 0, stderr);
  t.is(await passwordOf(person, 'contoso'), 'canary-pat-of-fabrikam');
  t.true(person.read('.config/orgkey/config.yaml')?.includes('[contoso] # first\n'));
});

test.serial('several organizations are added and removed at once', async (t) => {
  const person = await withContoso(t);
  t.is((await person.run('org add', ['a', 'b', 'c', '--pat-file', 'fabrikam.pat'])).code, 0);
  t.regex(person.read('.config/orgkey/config.yaml') ?? '', /organizations: \["a", "b", "c"\]/);
  const before = person.read('.config/orgkey/config.yaml');
  const wrong = await person.run('org remove', ['a', 'contosso', 'b']);
  t.is(wrong.code, 2);
  t.regex(wrong.stderr, /contosso is not configured[^]*did you mean: contoso/);
  t.is(person.read('.config/orgkey/config.yaml'), before, 'all or nothing');
  t.is((await person.run('org remove', ['a', 'c', 'contoso'])).code, 0);
  t.is(await passwordOf(person, 'b'), 'canary-pat-of-fabrikam');
  t.is(await passwordOf(person, 'contoso'), undefined);
});

test.serial('a collection of a server gets a host of its own', async (t) => {
  const person = await withContoso(t);
  const added = await person.run('org add', [
    'https://tfs.example.com/tfs/Main/p/_git/r',
    '--pat-file',
    'fabrikam.pat',
  ]);
  t.is(added.code, 0, added.stderr);
  t.regex(
    person.read('.config/orgkey/config.yaml') ?? '',
    /- host: "tfs\.example\.com"\n +credentials:\n +- organizations: \["Main"\]/,
  );
  t.is((await person.run('org remove', ['tfs.example.com/main'])).code, 0);
  t.false(person.read('.config/orgkey/config.yaml')?.includes('tfs'));
});

test.serial('a collection below a virtual directory gets the host with the directory', async (t) => {
  const person = await withContoso(t);
  const host = 'ADO.example.com:8443/DevOps';
  const added = await person.run('org add', ['Main', '--host', host, '--pat-file', 'fabrikam.pat']);
  t.is(added.code, 0, added.stderr);
  t.regex(
    person.read('.config/orgkey/config.yaml') ?? '',
    /- host: "ado\.example\.com:8443\/DevOps"\n +credentials:\n +- organizations: \["Main"\]/,
  );
  const url = 'https://ado.example.com:8443/devops/main/p/_git/r';
  const {stdout} = await person.run('which', [url, '--json']);
  t.like(JSON.parse(stdout), {
    organization: 'ado.example.com:8443/DevOps/main',
    identity: 'personal access token',
  });
  t.is((await person.run('org remove', ['ado.example.com:8443/DevOps/main'])).code, 0);
  t.false(person.read('.config/orgkey/config.yaml')?.includes('DevOps'));
});

test.serial('without a daemon, the file changes and git follows', async (t) => {
  const person = new Person(t);
  person.write('pat', 'canary-pat\n');
  person.configure();
  t.is((await person.run('setup', ['--service', 'none'])).code, 0);
  const {code, stderr} = await person.run('org add', ['northwind', '--pat-file', 'pat']);
  t.is(code, 0, stderr);
  t.regex(stderr, /test: skipped/);
  t.true(person.read('.config/orgkey/gitconfig')?.includes('northwind'));
  t.is((await person.run('config check')).code, 0);
});

test.serial('org add writes a first configuration', async (t) => {
  const person = new Person(t);
  person.write('pat', 'canary-pat\n');
  const {code, stderr} = await person.run('org add', ['contoso', '--pat-file', 'pat']);
  t.is(code, 0, stderr);
  t.regex(stderr, /run: orgkey setup/);
  t.is((await person.run('config check')).code, 0);
});

interface Rejected {
  readonly title: string;
  readonly command: string;
  readonly argv: readonly string[];
  readonly code: number;
  readonly says: RegExp;
}

const rejected: readonly Rejected[] = [
  {
    title: 'setup cannot copy a file into it',
    command: 'setup',
    argv: ['--from', 'other.yaml'],
    code: 2,
    says: /one exists already/,
  },
  {
    title: 'setup does not know how to sign in',
    command: 'setup',
    argv: ['--organization', 'fabrikam'],
    code: 2,
    says: /no way to sign in/,
  },
  {
    title: 'a client ID is not a GUID',
    command: 'setup',
    argv: [
      '--organization',
      'fabrikam',
      '--client-id',
      'abc',
      '--tenant-id',
      'x',
      '--client-secret-file',
      'pat',
    ],
    code: 2,
    says: /--client-id must be a GUID: abc/,
  },
  {
    title: 'a file does not exist',
    command: 'org add',
    argv: ['fabrikam', '--pat-file', 'missing'],
    code: 5,
    says: /^--pat-file: error: /m,
  },
  {
    title: 'an identity of Entra on a server',
    command: 'org add',
    argv: ['tfs.example.com/main', '--azure-cli'],
    code: 2,
    says: /--azure-cli is for dev\.azure\.com only/,
  },
  {title: 'no organization', command: 'org add', argv: ['--azure-cli'], code: 2, says: /<organization>/},
  {title: 'nothing to remove', command: 'org remove', argv: [], code: 2, says: /<organization>/},
  {
    title: 'an invalid name',
    command: 'org add',
    argv: ['fabri kam', '--azure-cli'],
    code: 2,
    says: /invalid organization name/,
  },
  {
    title: 'an unknown one',
    command: 'org remove',
    argv: ['nosuch'],
    code: 2,
    says: /nosuch is not configured/,
  },
];

test.serial('a change that is not possible changes nothing', async (t) => {
  const person = await withContoso(t);
  person.write(
    'other.yaml',
    'integrations: {azure: [{credentials: [{organizations: [x], azureCli: true}]}]}\n',
  );
  const before = person.read('.config/orgkey/config.yaml');
  const git = person.read('.config/orgkey/gitconfig');
  for (const {title, command, argv, code, says} of rejected) {
    const outcome = await person.run(command, argv);
    t.is(outcome.code, code, `${title}: ${outcome.stderr}`);
    t.regex(outcome.stderr, says, title);
    t.is(person.read('.config/orgkey/config.yaml'), before, title);
    t.is(person.read('.config/orgkey/gitconfig'), git, title);
  }
});

test.serial('a configuration in a form that cannot be changed safely is left alone', async (t) => {
  const person = new Person(t);
  person.write('pat', 'canary-pat\n');
  const text = `x: &own
  - organizations: [contoso]
    personalAccessToken: canary
integrations: {azure: [{credentials: *own}]}
`;
  person.configure(text);
  for (const argv of [
    ['add', 'fabrikam', '--pat-file', 'pat'],
    ['remove', 'contoso'],
  ]) {
    const {code, stderr} = await person.run('org', argv);
    t.is(code, 5, stderr);
    t.regex(stderr, /orgkey config edit/);
    t.is(person.read('.config/orgkey/config.yaml'), text);
  }
});

test.serial('a credential that is wrong does not keep another one from being added or removed', async (t) => {
  const person = await withContoso(t);
  const file = person.read('.config/orgkey/config.yaml') ?? '';
  person.configure(
    file.replace(
      '# the end',
      '        - organizations: [broken]\n          personalAccessToken: {$file: nowhere}\n# the end',
    ),
  );
  const added = await person.run('org add', ['fabrikam', '--pat-file', 'fabrikam.pat']);
  t.is(added.code, 0, added.stderr);
  t.is(await passwordOf(person, 'fabrikam'), 'canary-pat-of-fabrikam');
  const removed = await person.run('org remove', ['broken', 'fabrikam']);
  t.is(removed.code, 0, removed.stderr);
  t.is(person.read('.config/orgkey/config.yaml'), file);
});

test.serial('a dry run shows the change of the file and changes nothing', async (t) => {
  const person = await withContoso(t);
  const before = person.read('.config/orgkey/config.yaml');
  const {code, stdout} = await person.run('setup', [
    '--organization',
    'fabrikam',
    '--pat-file',
    'fabrikam.pat',
    '--dry-run',
    ...plain,
  ]);
  t.is(code, 0);
  t.regex(stdout, /change .*config\.yaml:\n\n {2}\+ +- organizations: \["fabrikam"\]/);
  t.regex(stdout, /\+ credential.*fabrikam/);
  t.is(person.read('.config/orgkey/config.yaml'), before);
});
