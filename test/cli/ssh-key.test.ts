import test from 'ava';
import {execFileSync} from 'node:child_process';
import {statSync, symlinkSync, utimesSync} from 'node:fs';
import {dirname} from 'node:path';
import {Sshd, whyNoSshd} from '../helpers/sshd.ts';
import {main, Person, patConfiguration} from '../helpers/command-line.ts';
import {inMountNamespace, ownEtc, whyNotContained} from '../helpers/run-contained.ts';
import {testUnless} from '../helpers/test-unless.ts';

test.serial('a new key is listed, printed, used by git in submodules, and removed', async (t) => {
  const person = new Person(t);
  const before = `# what we use\n${patConfiguration}`;
  person.configure(before);
  person.write('.gitconfig', '[user]\n\tname = Ann\n');
  t.is((await person.run('setup', ['--service', 'none'])).code, 0);

  const made = await person.run('ssh-key new Contoso');
  t.is(made.code, 0, made.stderr);
  t.regex(made.stdout, /^ssh-rsa AAAA\S+ orgkey-contoso\n$/);
  t.regex(made.stderr, /https:\/\/dev\.azure\.com\/contoso\/_usersSettings\/keys/);
  const key = person.path('.config/orgkey/ssh/contoso');
  t.is(statSync(key).mode & 0o777, 0o600);
  const configuration = person.read('.config/orgkey/config.yaml') ?? '';
  t.true(configuration.startsWith('# what we use\n'), 'comments are kept');
  t.is((await person.run('config check')).code, 0);

  // OpenSSH computes the same fingerprint
  const fingerprint = execFileSync('ssh-keygen', ['-lf', '-'], {
    input: made.stdout,
    encoding: 'utf8',
  }).split(' ')[1];
  const listed = JSON.parse((await person.run('ssh-key list --json')).stdout) as {
    keys: Record<string, unknown>[];
  };
  t.is(listed.keys[0]?.['fingerprint'], fingerprint);
  t.is(listed.keys[0]?.['size'], 4096);
  t.is((await person.run('ssh-key show-public contoso')).stdout, made.stdout);

  const command = await person.git([
    'config',
    '--file',
    person.path('.config/orgkey/submodules.gitconfig'),
    'core.sshCommand',
  ]);
  t.regex(command.stdout, /^wrapper='.*\/orgkey-ssh'; /);
  const included = await person.git([
    'config',
    '--global',
    '--includes',
    '--get-regexp',
    String.raw`^includeif\..*\.path$`,
  ]);
  t.true(
    included.stdout
      .trim()
      .split('\n')
      .every((line) => line.endsWith('/submodules.gitconfig')),
  );
  const asked = await person.run('which git@ssh.dev.azure.com:v3/contoso/p/r --json');
  t.is(
    (JSON.parse(asked.stdout) as {submoduleDetail: string}).submoduleDetail,
    'may be read with the key of contoso',
  );

  const old = new Date(Date.now() - 400 * 24 * 3600 * 1000);
  utimesSync(key, old, old);
  t.regex((await person.run('ssh-key list')).stderr, /older than a year/);

  t.is((await person.run('ssh-key new contoso')).code, 2, 'an existing key is not overwritten');
  t.is((await person.run('ssh-key remove contoso')).code, 0);
  t.is(person.read('.config/orgkey/ssh/contoso'), undefined);
  t.is(person.read('.config/orgkey/submodules.gitconfig'), undefined);
  t.is((await person.run('ssh-key remove contoso')).code, 2);
  t.is((await person.run('uninstall')).code, 0);
  t.is(person.read('.gitconfig'), '[user]\n\tname = Ann\n');
  for (const text of [made.stderr, made.stdout]) t.false(text.includes('PRIVATE'));
});

const inNamespace = testUnless(whyNotContained(), test.serial);

inNamespace("the key of the machine's configuration is next to it, and its service reads it", async (t) => {
  const person = new Person(t);
  const configuration = person.write('machine.yaml', patConfiguration, 0o640);
  const script = `set -e
    ${ownEtc}
    echo orgkey-config:x:5200: >> /etc/group; rm -rf /etc/orgkey; mkdir /etc/orgkey
    mv '${configuration}' /etc/orgkey/config.yaml; chgrp 5200 /etc/orgkey/config.yaml
    umask 077; orgkey() { '${process.execPath}' '${main}' "$@"; }
    orgkey ssh-key new contoso > "$HOME/public"
    stat --format='%n %a %u:%g' /etc/orgkey/config.yaml /etc/orgkey/ssh /etc/orgkey/ssh/contoso
    setpriv --reuid 12345 --regid 12345 --groups 5200 head -n 1 /etc/orgkey/ssh/contoso | cut -c 1-10
    orgkey ssh-key list --json | grep -c savedAt
    orgkey ssh-key remove contoso
    ls /etc/orgkey/ssh`;
  const {code, stdout, stderr} = await person.spawn(...inMountNamespace(script));
  t.is(code, 0, stderr);
  t.is(
    stdout,
    '/etc/orgkey/config.yaml 640 0:5200\n/etc/orgkey/ssh 755 0:0\n/etc/orgkey/ssh/contoso 640 0:5200\n-----BEGIN\n1\n',
  );
  t.regex(person.read('public') ?? '', /^ssh-rsa /);
  t.is(person.read('.config/orgkey/ssh/contoso'), undefined);
});

testUnless(whyNotContained() ?? whyNoSshd(), test.serial)(
  "the machine's pinned keys are next to its configuration, readable for every daemon",
  async (t) => {
    const sshd = await Sshd.start({authorizedKeys: [], hostKeys: ['ed25519']});
    t.teardown(() => sshd.stop());
    const person = new Person(t);
    const host = `127.0.0.1:${sshd.port}`;
    const shown = await person.run('ssh-key trust', [host]);
    const [fingerprint = ''] = shown.stderr.match(/SHA256:\S{43}/) ?? [];
    const configuration = person.write('machine.yaml', patConfiguration, 0o640);
    const script = `set -e
      ${ownEtc}
      rm -rf /etc/orgkey; mkdir /etc/orgkey; mv '${configuration}' /etc/orgkey/config.yaml
      umask 077; '${process.execPath}' '${main}' ssh-key trust '${host}' --fingerprint '${fingerprint}'
      stat --format='%n %a' /etc/orgkey/known_hosts; cat /etc/orgkey/known_hosts`;
    const {code, stdout, stderr} = await person.spawn(...inMountNamespace(script));
    t.is(code, 0, stderr);
    t.regex(stdout, /^\/etc\/orgkey\/known_hosts 644\n\[127\.0\.0\.1\]:[0-9]+ ssh-ed25519 /);
    t.is(person.read('.local/state/orgkey/known_hosts'), undefined);
  },
);

function keygen(...argv: string[]): void {
  execFileSync('ssh-keygen', ['-q', '-C', 'canary', ...argv]);
}

const inputs: readonly {
  readonly title: string;
  readonly make: (path: string, person: Person) => void;
  readonly argv?: readonly string[];
  readonly code: number;
  readonly says: RegExp;
}[] = [
  {
    title: 'RSA in OpenSSH format',
    make: (path) => keygen('-t', 'rsa', '-b', '2048', '-N', '', '-f', path),
    code: 0,
    says: /✓ contoso: ssh-rsa 2048/,
  },
  {
    title: 'RSA in PEM',
    make: (path) => keygen('-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', '', '-f', path),
    code: 0,
    says: /✓ contoso: ssh-rsa 2048/,
  },
  {
    title: 'a key with a passphrase',
    make: (path) => keygen('-t', 'rsa', '-b', '2048', '-N', 'canary', '-f', path),
    code: 2,
    says: /the key has a passphrase[^]*ssh-keygen -p/,
  },
  {
    title: 'Ed25519',
    make: (path) => keygen('-t', 'ed25519', '-N', '', '-f', path),
    code: 2,
    says: /Azure DevOps accepts only RSA keys/,
  },
  {
    title: 'a file without a key',
    make: (path, person) => person.write(path.slice(person.home.length + 1), 'canary\n'),
    code: 2,
    says: /the text is not a private key/,
  },
  {title: 'a missing file', make: () => undefined, code: 2, says: /cannot be read/},
  {
    title: 'a file that others can read',
    make: (path) => {
      keygen('-t', 'rsa', '-b', '2048', '-N', '', '-f', path);
      execFileSync('chmod', ['644', path]);
    },
    code: 2,
    says: /other users can read the key file/,
  },
];

for (const {title, make, argv = [], code, says} of inputs) {
  test.serial(`ssh-key add: ${title}`, async (t) => {
    const person = new Person(t);
    person.configure();
    const path = person.path('key');
    make(path, person);
    const outcome = await person.run('ssh-key add contoso --file', [path, ...argv]);
    t.is(outcome.code, code, outcome.stderr);
    t.regex(outcome.stderr, says);
    t.false(`${outcome.stderr}${outcome.stdout}`.includes('canary'));
    t.false(`${outcome.stderr}${outcome.stdout}`.includes('PRIVATE'));
    if (code !== 0) {
      t.is(person.read('.config/orgkey/ssh/contoso'), undefined);
      t.is(person.read('.config/orgkey/config.yaml'), patConfiguration);
    }
  });
}

test.serial('a key is read from stdin; without one and without a terminal, add fails', async (t) => {
  const person = new Person(t);
  person.configure();
  keygen('-t', 'rsa', '-b', '2048', '-N', '', '-f', person.path('key'));
  const input = person.read('key') ?? '';
  const {code, stderr} = await person.run('ssh-key add contoso --file -', [], {input});
  t.is(code, 0, stderr);
  t.is(person.read('.config/orgkey/ssh/contoso'), input);
  t.is((await person.run('ssh-key add contoso')).code, 2);
  t.is((await person.run('ssh-key add contoso --file -', [], {input: 'x'.repeat(70_000)})).code, 1);
});

/** Makes a key in a file. Returns its fingerprint. */
function makeKey(person: Person, path: string): string {
  keygen('-t', 'rsa', '-b', '2048', '-N', '', '-f', person.path(path));
  return execFileSync('ssh-keygen', ['-lf', person.path(path)], {encoding: 'utf8'}).split(' ')[1] ?? '';
}

async function listed(person: Person): Promise<Record<string, unknown>[]> {
  const {stdout} = await person.run('ssh-key list --json');
  return (JSON.parse(stdout) as {keys: Record<string, unknown>[]}).keys;
}

test.serial('an added key replaces the previous one, whichever file that is in', async (t) => {
  const person = new Person(t);
  person.configure('orgkey: {submodules: [{organizations: [contoso], privateKey: {$file: old}}]}\n');
  const old = makeKey(person, '.config/orgkey/old');
  const fresh = makeKey(person, 'fresh');
  const file = person.path('.config/orgkey/old');
  const anHourAgo = new Date(Date.now() - 3600 * 1000);
  utimesSync(file, anHourAgo, anHourAgo);
  t.like((await listed(person))[0], {fingerprint: old, savedAt: anHourAgo.toISOString()});

  t.is((await person.run('ssh-key new contoso')).code, 2, 'a key exists already');
  const added = await person.run('ssh-key add contoso --file', [person.path('fresh')]);
  t.is(added.code, 0, added.stderr);
  t.true(added.stderr.includes(`✓ contoso: ssh-rsa 2048, ${fresh}\n`));
  t.true(added.stderr.includes(`the previous key is still in ${file}\n`));
  t.is((await listed(person))[0]?.['fingerprint'], fresh);
  t.is((await person.run('ssh-key show-public contoso')).stdout, added.stdout);
});

test.serial('remove reports what it removed, and what it left', async (t) => {
  const person = new Person(t);
  person.configure('orgkey: {submodules: [{organizations: [contoso], privateKey: {$file: mine}}]}\n');
  makeKey(person, '.config/orgkey/mine');
  const {code, stderr} = await person.run('ssh-key remove contoso');
  t.is(code, 0, stderr);
  t.regex(stderr, /^removed the rule of contoso; /m);
  t.true(stderr.includes(`the key is still in ${person.path('.config/orgkey/mine')}\n`));
  t.not(person.read('.config/orgkey/mine'), undefined);
  t.deepEqual(await listed(person), []);
});

test.serial('a rule for several organizations is not changed', async (t) => {
  const person = new Person(t);
  const configuration =
    'orgkey: {submodules: [{organizations: [contoso, fabrikam], privateKey: {$file: ssh/contoso}}]}\n';
  person.configure(configuration);
  person.write('.config/orgkey/ssh/.keep', '');
  makeKey(person, '.config/orgkey/ssh/contoso');
  const key = person.read('.config/orgkey/ssh/contoso');
  makeKey(person, 'fresh');
  for (const argv of [
    ['add', 'contoso', '--file', person.path('fresh')],
    ['add', 'fabrikam', '--file', person.path('fresh')],
    ['remove', 'contoso'],
  ]) {
    const {code, stderr} = await person.run('ssh-key', argv);
    t.is(code, 2, stderr);
    t.regex(stderr, /rule at \S*config\.yaml:1:23 names other organizations too/);
    t.true(stderr.includes(person.path('.config/orgkey/ssh/contoso')));
  }
  t.is(person.read('.config/orgkey/config.yaml'), configuration);
  t.is(person.read('.config/orgkey/ssh/contoso'), key);
  t.is(person.read('.config/orgkey/ssh/fabrikam'), undefined);
});

test.serial('a collection of a server has a key, under the SSH name of the server', async (t) => {
  const person = new Person(t);
  person.configure();
  keygen('-t', 'ed25519', '-N', '', '-f', person.path('key'));
  const name = 'TFS.example.org/Main Collection';
  const added = await person.run('ssh-key add', [name, '--file', person.path('key')]);
  t.is(added.code, 0, added.stderr);
  t.regex(added.stderr, /Paste the public key at the user settings of tfs\.example\.org, SSH public keys/);
  t.like((await listed(person))[0], {organizations: ['main collection'], host: 'tfs.example.org', size: 256});
  t.is((await person.run('ssh-key show-public', [name])).stdout, added.stdout);
  t.is((await person.run('ssh-key show-public', ['tfs.example.com/Main Collection'])).code, 2);
  const asked = await person.run('which', ['ssh://tfs.example.org/tfs/Main%20Collection/p/_git/r', '--json']);
  t.is(
    (JSON.parse(asked.stdout) as {submoduleDetail: string}).submoduleDetail,
    'may be read with the key of main collection',
  );
  const removed = await person.run('ssh-key remove', [name]);
  t.is(removed.code, 0, removed.stderr);
  t.deepEqual(await listed(person), []);
  t.is(person.read('.config/orgkey/ssh/main%20collection@tfs.example.org'), undefined);
  for (const none of ['dev.azure.com/contoso', '../main', 'tfs.example.org/', 'tfs.example.org/a/b', 'a/..'])
    t.is((await person.run('ssh-key show-public', [none])).code, 2, none);
});

test.serial("the user's own key is rejected unless --force is given", async (t) => {
  const person = new Person(t);
  person.configure();
  person.write('.ssh/known_hosts', '');
  keygen('-t', 'rsa', '-b', '2048', '-N', '', '-f', person.path('.ssh/id_rsa'));
  const refused = await person.run('ssh-key add contoso --file', [person.path('.ssh/id_rsa')]);
  t.is(refused.code, 2);
  t.regex(refused.stderr, /this is your personal key/);
  t.is((await person.run('ssh-key add contoso --force --file', [person.path('.ssh/id_rsa')])).code, 0);
});

test.serial("the user's own key is rejected under each of its names", async (t) => {
  const person = new Person(t);
  person.configure();
  person.write('dotfiles/.keep', '');
  person.write('.ssh/known_hosts', '');
  makeKey(person, 'dotfiles/mykey');
  symlinkSync('../dotfiles/mykey', person.path('.ssh/id_rsa'));
  symlinkSync('.ssh', person.path('keys'));
  symlinkSync('.ssh/id_rsa', person.path('link'));
  for (const path of ['.ssh/id_rsa', 'keys/id_rsa', 'link', 'dotfiles/mykey']) {
    const {code, stderr} = await person.run('ssh-key add contoso --file', [path]);
    t.is(code, 2, path);
    t.regex(stderr, /this is your personal key/);
  }
});

test.serial('invalid names and unreachable hosts are errors', async (t) => {
  const person = new Person(t);
  person.configure();
  t.is((await person.run('ssh-key new ../../etc')).code, 2);
  t.is((await person.run('ssh-key show-public contoso')).code, 2);
  t.is((await person.run('ssh-key trust', ['host name'])).code, 2);
  const unreachable = await person.run('ssh-key trust 127.0.0.1:1');
  t.is(unreachable.code, 1);
  t.is(person.read('.local/state/orgkey/known_hosts'), undefined);
});

testUnless(whyNoSshd(), test.serial)(
  'the keys of a host are pinned after their fingerprints were confirmed',
  async (t) => {
    const sshd = await Sshd.start({authorizedKeys: [], hostKeys: ['ed25519', 'rsa']});
    t.teardown(() => sshd.stop());
    const person = new Person(t);
    person.configure();
    const host = `127.0.0.1:${sshd.port}`;
    const unconfirmed = await person.run('ssh-key trust', [host]);
    t.is(unconfirmed.code, 2);
    const [fingerprint = '', ...others] = unconfirmed.stderr.match(/SHA256:\S{43}/g) ?? [];
    t.is((await person.run('ssh-key trust', [host, '--fingerprint', `${fingerprint}x`])).code, 1);
    t.is(person.read('.local/state/orgkey/known_hosts'), undefined);

    for (let times = 0; times < 2; times++) {
      const argv = [fingerprint, ...others].flatMap((one) => ['--fingerprint', one]);
      const {code, stderr} = await person.run('ssh-key trust', [host, ...argv]);
      t.is(code, 0, stderr);
    }
    const lines = (person.read('.local/state/orgkey/known_hosts') ?? '').trim().split('\n');
    t.is(lines.length, 2, 'each key once');
    t.true(lines.every((line) => line.startsWith(`[127.0.0.1]:${sshd.port} `)));
  },
);

for (const [title, configuration] of [
  ['in flow style', '{integrations: {azure: []}}\n'],
  ['with numbers of other programs', 'account: 0123456\nlarge: 12345678901234567890\norgkey: {}\n'],
] as const)
  test.serial(`a configuration stays valid, and the rest of it unchanged: ${title}`, async (t) => {
    const person = new Person(t);
    person.configure(configuration);
    makeKey(person, 'key');
    const added = await person.run('ssh-key add contoso --file', [person.path('key')]);
    t.is(added.code, 0, added.stderr);
    t.like((await listed(person))[0], {organizations: ['contoso'], size: 2048});
    const others = configuration.split(/}|orgkey/)[0] ?? '';
    t.true(person.read('.config/orgkey/config.yaml')?.startsWith(others));
    t.is((await person.run('ssh-key remove contoso')).code, 0);
    t.true(person.read('.config/orgkey/config.yaml')?.startsWith(others));
    t.deepEqual(await listed(person), []);
  });

test.serial(
  'a configuration that would become invalid is not changed; the hint says what to add',
  async (t) => {
    const person = new Person(t);
    // in the configuration, ${NAME} in the path would be replaced
    const path = 'of ${NAME}/orgkey/config.yaml';
    const environment = {
      NAME: 'ann',
      XDG_CONFIG_HOME: dirname(dirname(person.write(path, patConfiguration))),
    };
    makeKey(person, 'key');
    const argv = ['--file', person.path('key')];
    const {code, stderr} = await person.run('ssh-key add contoso', argv, {environment});
    t.is(code, 5, stderr);
    t.regex(
      stderr,
      /was not changed: the result would be invalid\norgkey: hint: add: orgkey: \{submodules: /,
    );
    t.is(person.read(path), patConfiguration);
  },
);
