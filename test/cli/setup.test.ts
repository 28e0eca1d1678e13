import test from 'ava';
import {mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Person, patConfiguration} from '../helpers/command-line.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';
import {helper as script} from '../helpers/program.ts';

const userConfigurations: Readonly<Record<string, string | undefined>> = {
  'no file': undefined,
  'an empty file': '',
  'comments, aliases and no line break at the end':
    '# mine\n[alias]\n\tco = checkout ; yes\n[user]\n  name=Ann',
  'other helpers, everywhere':
    '[credential]\n\thelper = store --file=/nowhere\n[credential "https://dev.azure.com"]\n\thelper = other\n\tuseHttpPath = false\n[credential "https://dev.azure.com/contoso"]\n\thelper =\n\thelper = third\n',
  includes:
    '[include]\n\tpath = ~/projects.gitconfig\n[includeIf "gitdir:~/projects/"]\n\tpath = other.gitconfig\n',
  'Windows line breaks': '[user]\r\n\tname = Ann\r\n',
};

for (const [title, before] of Object.entries(userConfigurations)) {
  test.serial(`setup, twice, and uninstall restore git's configuration: ${title}`, async (t) => {
    const person = new Person(t);
    person.configure();
    if (before !== undefined) person.write('.gitconfig', before);

    const first = await person.run('setup', ['--service', 'none']);
    t.is(first.code, 0, first.stderr);
    const after = person.read('.gitconfig');
    t.true(after?.includes('path = ~/.config/orgkey/gitconfig\n'));
    t.false(after?.includes('git-credential-orgkey'), 'all other lines are in the file of its own');
    t.true(after?.startsWith((before ?? '').trimEnd().slice(0, 20)));

    const second = await person.run('setup', ['--service', 'none']);
    t.is(second.code, 0, second.stderr);
    t.is(person.read('.gitconfig'), after);
    t.regex(second.stderr, /git: everything is in place/);

    const last = await person.run('uninstall');
    t.is(last.code, 0, last.stderr);
    t.is(person.read('.gitconfig'), before);
    t.is(person.read('.config/orgkey/gitconfig'), undefined);
    t.is((await person.run('uninstall')).code, 0, 'twice is harmless');
    t.is(person.read('.gitconfig'), before);
    t.is(person.read('.config/orgkey/config.yaml'), patConfiguration, 'the configuration stays');
  });
}

test.serial('git is configured for each host and each organization', async (t) => {
  const person = new Person(t);
  person.configure();
  t.is((await person.run('setup', ['--service', 'none'])).code, 0);
  const {stdout} = await person.git(['config', '--global', '--includes', '--list']);
  const helper = `!script='${script}'; f() { [ ! -r "$script" ] || . "$script"; }; f`;
  const organization = (url: string) => [`credential.${url}.helper=`, `credential.${url}.helper=${helper}`];
  t.deepEqual(
    stdout.trim().split('\n').toSorted(),
    [
      `credential.https://azure.example.org.helper=${helper}`,
      'credential.https://azure.example.org.usehttppath=true',
      `credential.https://dev.azure.com.helper=${helper}`,
      'credential.https://dev.azure.com.usehttppath=true',
      ...['DefaultCollection', 'defaultcollection', 'Defaultcollection', 'DEFAULTCOLLECTION'].flatMap(
        (name) => organization(`https://azure.example.org/${name}`),
      ),
      ...['DefaultCollection', 'defaultcollection', 'Defaultcollection', 'DEFAULTCOLLECTION'].flatMap(
        (name) => organization(`https://azure.example.org/tfs/${name}`),
      ),
      ...organization('https://contoso.visualstudio.com'),
      ...['contoso', 'Contoso', 'CONTOSO'].flatMap((name) => organization(`https://dev.azure.com/${name}`)),
      ...['fabrikam', 'Fabrikam', 'FABRIKAM'].flatMap((name) =>
        organization(`https://dev.azure.com/${name}`),
      ),
      ...organization('https://fabrikam.visualstudio.com'),
      'include.path=~/.config/orgkey/gitconfig',
    ].toSorted(),
  );
});

test.serial('only a fallback resets the existing helpers for the whole host', async (t) => {
  const person = new Person(t);
  person.configure('integrations: {azure: [{credentials: [{personalAccessToken: canary-pat}]}]}\n');
  t.is((await person.run('setup', ['--service', 'none'])).code, 0);
  const {stdout} = await person.git([
    'config',
    '--global',
    '--includes',
    '--get-all',
    'credential.https://dev.azure.com.helper',
  ]);
  t.is(stdout.split('\n')[0], '');
});

test.serial('only --proactive-auth makes git send the credential with its first request', async (t) => {
  const person = new Person(t);
  person.configure();
  const own = () => person.read('.config/orgkey/gitconfig') ?? '';
  for (const [argv, count] of [
    [[], 0],
    [['--proactive-auth'], 16],
    [['--no-proactive-auth'], 0],
  ] as const) {
    t.is((await person.run('setup', ['--service', 'none', ...argv])).code, 0);
    t.is(own().match(/\tproactiveAuth = auto\n/g)?.length ?? 0, count);
  }
});

test.serial('setup with flags serves a credential through git, and uninstall removes it all', async (t) => {
  const person = new Person(t);
  person.write('pat', 'canary-pat-of-the-file\n');
  const argv = ['--organization', 'contoso', '--pat-file', 'pat', '--service', 'plain'];

  const plan = await person.run('setup', [...argv, '--dry-run']);
  t.is(plan.code, 0, plan.stderr);
  t.regex(
    plan.stdout,
    /write .*config\.yaml[^]*personalAccessToken: \{\$file: "\/tmp[^]*service: plain[^]*\+ credential/,
  );
  // Node keeps compiled code in .local/state/orgkey/compile-cache
  t.deepEqual(readdirSync(person.home).toSorted(), ['.local', 'pat'], 'a dry run leaves nothing');
  t.deepEqual(readdirSync(person.path('.local/state/orgkey')), ['compile-cache']);

  const first = await person.run('setup', argv);
  t.is(first.code, 0, first.stderr);
  t.is(first.stdout, '');
  t.regex(first.stderr, /– contoso: personal access token: not checked: /);
  t.is(statSync(person.path('.config/orgkey/config.yaml')).mode & 0o777, 0o600);
  t.is(statSync(person.path('.local/state/orgkey/git-configuration.json')).mode & 0o777, 0o600);

  const filled = await person.git(['credential', 'fill'], {
    input: 'protocol=https\nhost=dev.azure.com\npath=contoso/p/_git/r\n\n',
  });
  t.regex(filled.stdout, /password=canary-pat-of-the-file\n/);

  const again = await person.run('setup', argv);
  t.is(again.code, 0, again.stderr);
  t.false(/warning/.test(again.stderr), 'the same flags again cause no warning');
  t.regex(again.stderr, /already running/);

  const status = await person.run('status');
  t.regex(
    status.stdout,
    /^ORGANIZATION +IDENTITY +TOKEN +REQUESTS +LAST ERROR\ncontoso +personal access token +ok +1\n/,
  );

  const last = await person.run('uninstall', ['--purge', '--yes']);
  t.is(last.code, 0, last.stderr);
  t.regex(last.stderr, /^git: removed \S+\/orgkey\/gitconfig \(\d+ settings\)$/m);
  t.is(person.read('.gitconfig'), undefined);
  t.is(person.read('.config/orgkey/config.yaml'), undefined);
  t.is(person.read('pat'), 'canary-pat-of-the-file\n', 'what is not ours stays');
  t.is((await person.run('status')).code, 3);
});

test.serial('uninstall --purge needs --yes without a terminal, and keeps foreign files', async (t) => {
  const person = new Person(t);
  person.configure();
  t.is((await person.run('setup', ['--service', 'none'])).code, 0);
  const ours = [
    '.config/orgkey/config.yaml',
    '.config/orgkey/secrets/contoso',
    '.config/orgkey/ssh/contoso.pub',
  ];
  const foreign = [
    '.config/orgkey/notes.txt',
    '.config/orgkey/secrets/mine.txt',
    '.local/state/orgkey/mine/a',
  ];
  for (const path of ours.slice(1)) person.write(path, 'ours');
  for (const path of foreign) person.write(path, 'mine');
  const before = person.read('.gitconfig');

  const refused = await person.run('uninstall', ['--purge'], {input: 'y\n'});
  t.is(refused.code, 2);
  t.regex(refused.stderr, /hint: .*--dry-run, then add --yes/);
  const plan = await person.run('uninstall', ['--purge', '--dry-run']);
  t.is(plan.code, 0, plan.stderr);
  t.regex(plan.stdout, /git: would remove /);
  t.regex(plan.stdout, /^would remove \S+config\.yaml$/m);
  t.regex(plan.stdout, /^would keep \S+notes\.txt/m);
  t.notRegex(plan.stdout, /\bremoved\b|restored/);
  t.is(person.read('.gitconfig'), before, 'nothing was changed');

  const done = await person.run('uninstall', ['--purge', '--yes']);
  t.is(done.code, 0, done.stderr);
  for (const path of ours) t.is(person.read(path), undefined, path);
  for (const path of foreign) t.is(person.read(path), 'mine', path);
  t.regex(done.stderr, /kept \S+notes\.txt/);
  t.regex(done.stderr, /hint: to remove the program as well: npm uninstall --global orgkey/);
});

test.serial('uninstall keeps what was added to git after setup', async (t) => {
  const person = new Person(t);
  person.configure();
  person.write('.gitconfig', '[user]\n\tname = Ann\n');
  await person.run('setup', ['--service', 'none']);
  await person.git(['config', '--global', 'alias.st', 'status']);
  await person.git(['config', '--global', '--add', 'credential.https://dev.azure.com.helper', 'mine']);
  t.is((await person.run('uninstall')).code, 0);
  t.is(
    person.read('.gitconfig'),
    '[user]\n\tname = Ann\n[alias]\n\tst = status\n[credential "https://dev.azure.com"]\n\thelper = mine\n',
  );
});

test.serial('setup removes an organization from git that left the configuration', async (t) => {
  const person = new Person(t);
  person.configure();
  await person.run('setup', ['--service', 'none']);
  person.configure(patConfiguration.replace('contoso, fabrikam', 'contoso'));
  const {stderr} = await person.run('setup', ['--service', 'none', '--verbose']);
  t.regex(stderr, / {2}- credential\.https:\/\/dev\.azure\.com\/fabrikam\.helper/);
  t.false(person.read('.config/orgkey/gitconfig')?.includes('fabrikam'));
  await person.run('uninstall');
  t.is(person.read('.gitconfig'), undefined);
});

for (const [title, before] of [
  ['no file of before', undefined],
  ['a file of before', '# mine\n[user]\n  name=Ann'],
] as const) {
  test.serial(`setup completes what a failed setup left, and uninstall undoes it: ${title}`, async (t) => {
    const person = new Person(t);
    person.configure();
    if (before !== undefined) person.write('.gitconfig', before);
    await person.run('setup', ['--service', 'none']);
    person.configure(patConfiguration.replace('contoso, fabrikam', 'contoso'));
    const lock = person.write('.config/orgkey/gitconfig.lock', '');
    const locked = await person.run('setup', ['--service', 'none']);
    t.is(locked.code, 1);
    t.regex(locked.stderr, /is locked/);
    t.true(person.read('.config/orgkey/gitconfig')?.includes('fabrikam'));
    rmSync(lock);

    const dry = await person.run('uninstall', ['--dry-run']);
    t.regex(dry.stdout, /- credential\.https:\/\/dev\.azure\.com\/fabrikam\.helper/);
    const next = await person.run('setup', ['--service', 'none']);
    t.is(next.code, 0, next.stderr);
    t.false(person.read('.config/orgkey/gitconfig')?.includes('fabrikam'));
    t.true(person.read('.config/orgkey/gitconfig')?.includes('contoso'));
    t.is((await person.run('uninstall')).code, 0);
    t.is(person.read('.gitconfig'), before);
  });
}

test.serial('uninstall completes what a failed uninstall left, and removes nothing else', async (t) => {
  const person = new Person(t);
  person.configure();
  const before = '[credential "https://dev.azure.com/contoso"]\n\thelper =\n\thelper = third\n';
  person.write('.gitconfig', before);
  await person.run('setup', ['--service', 'none']);
  await person.run('ssh-key new contoso');
  const lock = person.write('.config/orgkey/submodules.gitconfig.lock', '');
  t.is((await person.run('uninstall')).code, 1);
  t.is(person.read('.gitconfig'), before);
  rmSync(lock);
  t.is((await person.run('uninstall')).code, 0);
  t.is(person.read('.gitconfig'), before);
  t.is(person.read('.config/orgkey/submodules.gitconfig'), undefined);
});

for (const [title, between] of [
  ['at once', undefined],
  ['after another setup', 'setup'],
] as const) {
  test.serial(`uninstall restores git without its record: ${title}`, async (t) => {
    const person = new Person(t);
    person.configure();
    person.write(
      '.gitconfig',
      '[user]\n\tname = Ann\n[includeIf "gitdir:**/.git/modules/**"]\n\tpath = ~/mine.gitconfig\n',
    );
    await person.run('setup', ['--service', 'none']);
    t.is((await person.run('ssh-key new contoso')).code, 0);
    await person.git(['init', '-q', 'above']);
    mkdirSync(person.path('above/.git/modules'));
    await person.git(['init', '-q', '--separate-git-dir=above/.git/modules/below', 'above/below']);
    const sshCommand = () =>
      person.git(['config', 'core.sshCommand'], {directory: person.path('above/below')});
    t.regex((await sshCommand()).stdout, /orgkey-ssh'; f\(\) .*; f\n$/);

    rmSync(person.path('.local/state/orgkey'), {recursive: true});
    if (between !== undefined) t.is((await person.run(between, ['--service', 'none'])).code, 0);
    const {code, stderr} = await person.run('uninstall');
    t.is(code, 0, stderr);
    t.is((await sshCommand()).stdout, '');
    t.is(person.read('.config/orgkey/submodules.gitconfig'), undefined);
    const {stdout} = await person.git(['config', '--global', '--list']);
    t.deepEqual(stdout.trim().split('\n'), [
      'user.name=Ann',
      'includeif.gitdir:**/.git/modules/**.path=~/mine.gitconfig',
    ]);
    t.is((await person.run('uninstall')).code, 0, 'twice is harmless');
  });
}

test.serial('uninstall without its record keeps other lines of the file for submodules', async (t) => {
  const person = new Person(t);
  person.configure();
  await person.run('setup', ['--service', 'none']);
  await person.run('ssh-key new contoso');
  const file = person.path('.config/orgkey/submodules.gitconfig');
  await person.git(['config', '--file', file, 'fetch.parallel', '4']);
  rmSync(person.path('.local/state/orgkey'), {recursive: true});
  t.is((await person.run('uninstall')).code, 0);
  t.is(person.read('.config/orgkey/submodules.gitconfig'), '[fetch]\n\tparallel = 4\n');
});

test.serial("uninstall keeps the user's own ssh command", async (t) => {
  const person = new Person(t);
  const text = "[core]\n\tsshCommand = '/opt/my-ssh'\n[ssh]\n\tvariant = ssh\n";
  person.write('.config/orgkey/submodules.gitconfig', text);
  const own = "[core]\n\tsshCommand = '/opt/orgkey-ssh'\n[include]\n\tpath = ~/orgkey/submodules.gitconfig\n";
  person.write('.gitconfig', own);
  t.is((await person.run('uninstall')).code, 0);
  t.is(person.read('.config/orgkey/submodules.gitconfig'), text);
  t.is(person.read('.gitconfig'), own);
});

for (const [title, before, resets] of [
  ['one that drops ours', undefined, ['']],
  ['one more', undefined, []],
  [
    'one that drops ours, after a section like ours',
    '[credential "https://dev.azure.com/contoso"]\n\tprovider = generic',
    [''],
  ],
] as const) {
  test.serial(`setup moves our lines behind a later credential manager: ${title}`, async (t) => {
    const person = new Person(t);
    if (before !== undefined) person.write('.gitconfig', before);
    const manager = person.write(
      'git-credential-manager',
      '#!/bin/sh\ncat > /dev/null\necho $1 >> "$HOME/asked"\necho username=me\necho password=of-manager\n',
      0o755,
    );
    person.write('pat', 'canary-pat\n');
    const argv = ['--organization', 'contoso', '--pat-file', 'pat', '--service', 'plain'];
    const first = await person.run('setup', argv);
    t.is(first.code, 0, first.stderr);
    for (const value of [...resets, manager])
      await person.git(['config', '--global', '--add', 'credential.helper', value]);

    const setup = await person.run('setup', argv);
    t.is(setup.code, 0, setup.stderr);
    t.regex(setup.stderr, /our lines are moved behind those of others\n/);
    const input = 'protocol=https\nhost=dev.azure.com\npath=contoso/p/_git/r\n';
    const filled = await person.git(['credential', 'fill'], {input: `${input}\n`});
    t.regex(filled.stdout, /password=canary-pat\n/);
    await person.git(['credential', 'approve'], {input: `${input}username=me\npassword=canary-pat\n\n`});
    t.is(person.read('asked'), undefined, 'the manager hears nothing');
    const elsewhere = await person.git(['credential', 'fill'], {
      input: 'protocol=https\nhost=example.com\n\n',
    });
    t.regex(elsewhere.stdout, /password=of-manager\n/);

    const again = await person.run('setup', argv);
    t.regex(again.stderr, /git: everything is in place/);
    t.is((await person.run('uninstall')).code, 0);
    const left = [before, '[credential]', ...resets.map(() => '\thelper = '), `\thelper = ${manager}`, ''];
    t.is(person.read('.gitconfig'), left.filter((line) => line !== undefined).join('\n'));
  });
}

test.serial('setup writes to GIT_CONFIG_GLOBAL if it is set', async (t) => {
  const person = new Person(t, {});
  person.configure();
  const file = person.path('elsewhere/config');
  mkdirSync(person.path('elsewhere'));
  const environment = {GIT_CONFIG_GLOBAL: file};
  t.is((await person.run('setup', ['--service', 'none'], {environment})).code, 0);
  t.true(person.read('elsewhere/config')?.includes('/.config/orgkey/gitconfig'));
  t.is(person.read('.gitconfig'), undefined);
  t.is((await person.run('uninstall', [], {environment})).code, 0);
  t.is(person.read('elsewhere/config'), undefined);

  const {code, stderr} = await person.run('setup', ['--service', 'none'], {
    environment: {GIT_CONFIG_GLOBAL: '/dev/null'},
  });
  t.is(code, 1);
  t.regex(stderr, /error: GIT_CONFIG_GLOBAL is .*, which cannot be written\norgkey: hint: unset it/);
});

test.serial('setup writes to the XDG file if only that one exists', async (t) => {
  const person = new Person(t);
  person.configure();
  person.write('.config/git/config', '[user]\n\tname = Ann\n');
  await person.run('setup', ['--service', 'none']);
  t.true(person.read('.config/git/config')?.includes('/.config/orgkey/gitconfig'));
  t.is(person.read('.gitconfig'), undefined);
  await person.run('uninstall');
  t.is(person.read('.config/git/config'), '[user]\n\tname = Ann\n');
});

test.serial('a symbolic link to a configuration of git is kept', async (t) => {
  const person = new Person(t);
  person.configure();
  const target = person.write('dotfiles/gitconfig', '[user]\n\tname = Ann\n', 0o644);
  symlinkSync(target, person.path('.gitconfig'));
  await person.run('setup', ['--service', 'none']);
  t.true(person.read('dotfiles/gitconfig')?.includes('/.config/orgkey/gitconfig'));
  await person.run('uninstall');
  t.is(person.read('dotfiles/gitconfig'), '[user]\n\tname = Ann\n');
  t.is(statSync(target).mode & 0o777, 0o644);
});

test.serial('setup --system writes to the files of the machine', async (t) => {
  const person = new Person(t);
  const file = person.path('machine.gitconfig');
  const config = person.configure();
  const environment = {GIT_CONFIG_SYSTEM: file};
  const argv = ['--system', '--service', 'none', '--config', config, '--dry-run'];
  const {code, stdout, stderr} = await person.run('setup', argv, {environment});
  t.is(code, 0, stderr);
  t.true(stdout.includes(`git: ${file}\n`));
  t.is(person.read('machine.gitconfig'), undefined);
});

const failures: readonly {
  readonly title: string;
  readonly argv: readonly string[];
  readonly prepare?: (person: Person) => void;
  readonly code: number;
  readonly says: RegExp;
}[] = [
  {title: 'no configuration and no flags', argv: [], code: 2, says: /no configuration exists yet/},
  {title: 'two ways to sign in', argv: ['--azure-cli', '--stored'], code: 2, says: /exclude each other/},
  {
    title: 'an application without tenant',
    argv: ['--client-id', '9f000000-0000-4000-8000-000000000000', '--client-secret-file', 'y'],
    code: 2,
    says: /needs --client-id and --tenant-id/,
  },
  {
    title: 'an identity of Entra for a server',
    argv: ['--host', 'tfs.example.com', '--organization', 'DefaultCollection', '--sign-in', 'browser'],
    code: 2,
    says: /error: --sign-in is for dev\.azure\.com only, not for tfs\.example\.com\n.*hint: pass --pat-file or --stored/,
  },
  {title: 'no way to sign in', argv: ['--organization', 'contoso'], code: 2, says: /no way to sign in/},
  {
    title: 'a missing secret file',
    argv: ['--pat-file', 'nowhere'],
    code: 5,
    says: /^--pat-file: error: .*\n[^]*error: .*config\.yaml was not written/,
  },
  {
    title: 'a secret file that others can read',
    argv: ['--pat-file', 'open'],
    prepare: (person) => person.write('open', 'canary-secret', 0o644),
    code: 5,
    says: /read/,
  },
  {
    title: 'an invalid client ID',
    argv: ['--managed-identity', 'not-a-guid'],
    code: 2,
    says: /--managed-identity must be a GUID or system-assigned: not-a-guid/,
  },
  {
    title: 'an invalid configuration',
    argv: [],
    prepare: (person) =>
      person.configure('integrations: {azure: [{credentials: [{personalAccesToken: canary-secret}]}]}\n'),
    code: 5,
    says: /did you mean|personalAccessToken/,
  },
  {
    title: "git's configuration cannot be read",
    argv: ['--azure-cli'],
    prepare: (person) => person.write('.gitconfig', '[user\n'),
    code: 1,
    says: /bad config line 1 in file .*\.gitconfig/,
  },
  {
    title: "git's configuration is locked",
    argv: ['--azure-cli'],
    prepare: (person) => person.write('.gitconfig.lock', ''),
    code: 1,
    says: /\.gitconfig is locked\norgkey: hint: .*\.gitconfig\.lock/,
  },
];

for (const {title, argv, prepare, code, says} of failures) {
  test.serial(`setup does not change git if it fails: ${title}`, async (t) => {
    const person = new Person(t);
    prepare?.(person);
    const before = person.read('.gitconfig');
    const outcome = await person.run('setup', [...argv, '--service', 'none']);
    t.is(outcome.code, code, outcome.stderr);
    t.regex(outcome.stderr, says);
    t.false(outcome.stderr.includes('canary-secret'));
    t.is(person.read('.gitconfig'), before);
  });
}

const GUID = '11111111-2222-3333-4444-555555555555';

for (const [title, clientId, mode] of [
  ['a secret file that others can read', GUID, 0o644],
  ['a missing secret file', GUID, undefined],
  ['an invalid client ID', 'mine', 0o600],
] as const) {
  test.serial(`after a failed setup its hint works, and then setup: ${title}`, async (t) => {
    const person = new Person(t);
    if (mode !== undefined) person.write('secret', 'canary', mode);
    const setUp = (id: string) =>
      person.run(
        `setup --service none --organization contoso --tenant-id ${GUID} --client-secret-file ./secret --client-id`,
        [id],
      );
    const {code, stderr} = await setUp(clientId);
    t.is(code, clientId === GUID ? 5 : 2, stderr);
    // nothing was written, so no hint may name a draft or an editor
    t.false(stderr.includes(`${person.home}/orgkey-`), stderr);
    t.false(stderr.includes('config edit'), stderr);
    t.regex(stderr, /--client-(?:id|secret-file)/);
    t.is(person.read('.config/orgkey/config.yaml'), undefined);

    const [command] = /^ {2}chmod .*$/m.exec(stderr) ?? [];
    if (mode === undefined) person.write('secret', 'canary');
    else if (command !== undefined) await person.spawn('sh', ['-c', command]);
    const again = await setUp(GUID);
    t.is(again.code, 0, again.stderr);
  });
}

test.serial('a failed setup leaves no configuration behind', async (t) => {
  const person = new Person(t);
  t.is((await person.run('setup', ['--pat-file', 'nowhere', '--service', 'none'])).code, 5);
  t.is(person.read('.config/orgkey/config.yaml'), undefined);
});

test.serial('setup without git says so', async (t) => {
  const person = new Person(t, {PATH: '/nonexistent'});
  person.configure();
  const {code, stderr} = await person.run('setup', ['--service', 'none']);
  t.is(code, 1);
  t.is(stderr, 'orgkey: error: git is not on the PATH\norgkey: hint: install git 2.39 or later\n');
});

test.serial('setup rejects an old git', async (t) => {
  const person = new Person(t);
  person.configure();
  const folder = person.path('bin');
  mkdirSync(folder);
  writeFileSync(join(folder, 'git'), '#!/bin/sh\necho git version 2.20.1\n', {mode: 0o755});
  const {code, stderr} = await person.run('setup', ['--service', 'none'], {environment: {PATH: folder}});
  t.is(code, 1);
  t.regex(stderr, /git 2\.20\.1 is too old/);
});

testUnless(whyNotRoot, test.serial)('a home that cannot be written to is named', async (t) => {
  const person = new Person(t);
  const config = person.write(
    'config.yaml',
    'integrations: {azure: [{credentials: [{azureCli: true}]}]}\n',
    0o644,
  );
  person.write('.gitconfig', '[user]\n\tname = Ann\n', 0o644);
  await person.spawn('chmod', ['755', person.home]);
  await person.spawn('mkdir', ['-m', '777', person.path('state'), person.path('tmp')]);
  const {code, stderr} = await person.run('setup --service none --config', [config], {
    uid: 65_534,
    environment: {ORGKEY_STATE_DIR: person.path('state'), TMPDIR: person.path('tmp')},
  });
  t.is(code, 1, stderr);
  t.regex(stderr, /gitconfig cannot be written \(EACCES\)\norgkey: hint: /);
  t.is(person.read('.gitconfig'), '[user]\n\tname = Ann\n');
});

test.serial('setup names remotes of the repository here that git sends other logins to', async (t) => {
  const person = new Person(t);
  person.configure();
  await person.git(['init', '-q', 'site']);
  const remotes = {
    odd: 'https://dev.azure.com/cOntoSo/web/_git/site',
    usual: 'https://dev.azure.com/Contoso/web/_git/site',
    login: 'https://me:canary-password@dev.azure.com/contoso/web/_git/site',
  };
  for (const [name, url] of Object.entries(remotes))
    await person.git(['-C', 'site', 'remote', 'add', name, url]);
  const {stderr} = await person.run('setup', ['--service', 'none'], {directory: person.path('site')});
  t.regex(stderr, /^git: odd says cOntoSo, the configuration says contoso: /m);
  t.regex(
    stderr,
    /^orgkey: hint: git remote set-url odd https:\/\/dev\.azure\.com\/contoso\/web\/_git\/site$/m,
  );
  t.regex(stderr, /^git: the URL of login holds a password/m);
  t.notRegex(stderr, /usual says|canary-password/);
});
