import {chownSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {Person, patConfiguration} from '../helpers/command-line.ts';
import {goneProcess} from '../helpers/gone-process.ts';
import {until} from '../helpers/patience.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';

test.serial('a pasted token goes where the configuration reads it, and is in force at once', async (t) => {
  const person = new Person(t);
  const path = person.write('.config/orgkey/secrets/contoso', 'canary-old\n');
  person.configure(
    `integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: {$file: ${path}}}]}]}\n`,
  );
  t.is((await person.run('service start --service plain')).code, 0);
  t.is((await person.run('token contoso')).stdout, 'canary-old\n');

  const {code, stderr} = await person.run('login contoso --paste', [], {input: '  canary-new\n'});
  t.is(code, 0, stderr);
  t.regex(stderr, /https:\/\/dev\.azure\.com\/contoso\/_usersSettings\/tokens/);
  // the test has no network
  t.regex(stderr, /– contoso: personal access token: not checked/);
  t.false(stderr.includes('canary'));
  t.is(person.read('.config/orgkey/secrets/contoso'), 'canary-new');
  t.is((await person.run('token contoso')).stdout, 'canary-new\n');

  t.is((await person.run('login contoso --paste', [], {input: '\n'})).code, 2);
  t.is((await person.run('login fabrikam --paste', [], {input: 'canary'})).code, 5);
  t.is((await person.run('login', ['not a name', '--paste'], {input: 'canary'})).code, 2);
  t.is(person.read('.config/orgkey/secrets/contoso'), 'canary-new');
});

test.serial('the file may be missing: that is what pasting is for', async (t) => {
  const person = new Person(t);
  const path = person.path('.config/orgkey/secrets/contoso');
  person.configure(
    `integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: {$file: ${path}}}]}]}\n`,
  );
  t.is((await person.run('service start --service plain')).code, 0);
  const {code, stderr} = await person.run('login contoso --paste', [], {input: 'canary-first'});
  t.is(code, 0, stderr);
  t.is((await person.run('token contoso')).stdout, 'canary-first\n');
});

test.serial('a pasted token goes to any file that the configuration names', async (t) => {
  const person = new Person(t);
  const elsewhere = person.path('tokens/work');
  const server = person.path('tokens/server');
  person.configure(
    `integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: {$file: ${elsewhere}}}]},
  {host: tfs.example.org/devops, credentials: [{organizations: [Main], personalAccessToken: {$file: ${server}}}]}]}\n`,
  );
  const check = await person.run('config check');
  t.is(check.code, 5);
  t.regex(check.stderr, /tokens\/work does not exist\n {2}enter the token: orgkey login contoso --paste/);
  t.is((await person.run('login contoso --paste', [], {input: 'canary-work'})).code, 0);
  t.is(person.read('tokens/work'), 'canary-work');
  const {code, stderr} = await person.run('login tfs.example.org/devops/Main --paste', [], {
    input: 'canary-server',
  });
  t.is(code, 0, stderr);
  t.regex(stderr, /^Create a token at https:\/\/tfs\.example\.org\/devops\/Main\/_usersSettings\/tokens\n/);
  t.false(stderr.includes('error'), stderr);
  t.is(person.read('tokens/server'), 'canary-server');
  t.is((await person.run('config check')).code, 0);
});

test.serial('the daemon of a test ends with the test', async (t) => {
  const ends: (() => unknown)[] = [];
  const person = new Person({teardown: (end) => void ends.push(end)});
  person.configure();
  t.is((await person.run('service start --service plain')).code, 0);
  const asked = await person.run('service status --service plain --json');
  const {pid} = JSON.parse(asked.stdout) as {pid: number};
  for (const end of ends) await end();
  await t.notThrowsAsync(goneProcess(pid));
});

test.serial('a service can be started, asked and stopped', async (t) => {
  const person = new Person(t);
  person.configure();
  t.is((await person.run('service status --service plain')).code, 3);
  t.is((await person.run('service start --service plain')).code, 0);
  t.is((await person.run('service start --service plain')).code, 0, 'twice is harmless');
  const asked = await person.run('service status --service plain --json');
  t.is(asked.code, 0);
  const {kind, state, pid} = JSON.parse(asked.stdout) as {kind: string; state: string; pid: number};
  t.deepEqual({kind, state}, {kind: 'plain', state: 'running'});
  t.is((await person.run('service restart --service plain')).code, 0);
  const again = JSON.parse((await person.run('service status --service plain --json')).stdout) as {
    pid: number;
  };
  t.not(again.pid, pid);
  t.is((await person.run('service stop --service plain')).code, 0);
  t.is((await person.run('service status --service plain')).code, 3);
});

test.serial('many starts at once all succeed, and leave one daemon', async (t) => {
  const person = new Person(t);
  person.configure();
  const starts = await Promise.all(
    Array.from({length: 8}, () => person.run('service start --service plain')),
  );
  for (const {code, stderr} of starts) t.is(code, 0, stderr);
  const asked = await person.run('service status --service plain --json');
  const {state, pid} = JSON.parse(asked.stdout) as {state: string; pid: number};
  t.is(state, 'running', asked.stdout);
  const serving = JSON.parse((await person.run('status --json')).stdout) as {pid: number};
  t.is(serving.pid, pid);
  t.is((await person.run('service stop --service plain')).code, 0);
  t.is((await person.run('status')).code, 3, 'it has ended');
});

const unusablePlaces = [
  {
    place: 'a path that is too long',
    directory: 'x'.repeat(120),
    prepare: () => undefined,
    error: /the path \S+ is longer than 107 bytes/,
    hint: 'name a shorter directory in ORGKEY_RUNTIME_DIR',
  },
  {
    place: 'a link to nowhere',
    directory: 'session',
    prepare: (path: string) => symlinkSync('nowhere', join(path, 'orgkey')),
    error: /session\/orgkey is a symbolic link/,
    hint: 'remove the link',
  },
  {
    place: 'a file',
    directory: 'session',
    prepare: (path: string) => writeFileSync(join(path, 'orgkey'), ''),
    error: /session\/orgkey is not a directory/,
    hint: 'remove the file ',
  },
] as const;

for (const {place, directory, prepare, error, hint} of unusablePlaces) {
  test.serial(`a failed start is reported with its cause and repair: ${place}`, async (t) => {
    const person = new Person(t);
    person.configure();
    const session = person.path(directory);
    mkdirSync(session, {mode: 0o700});
    prepare(session);
    const options = {environment: {XDG_RUNTIME_DIR: session}};
    const orders = [
      ['setup', '--service', 'plain'],
      ['service', 'start'],
      ['service', 'restart'],
    ];
    for (const [command = '', ...argv] of orders) {
      const {code, stderr} = await person.run(command, argv, options);
      t.is(code, 1, stderr);
      t.regex(stderr, error);
      t.regex(stderr, new RegExp(`orgkey: hint: ${hint}`));
    }
    const status = await person.run('status', [], options);
    t.is(status.code, 3);
    t.regex(status.stderr, error);
    t.regex(status.stderr, new RegExp(`orgkey: hint: ${hint}`));
    t.notRegex(status.stderr, /service start/);
    const doctor = await person.run('doctor', [], options);
    t.regex(doctor.stdout, error);
    t.notRegex(doctor.stdout, /service start/);
  });
}

test.serial('a plain service and the commands read the variables of the service', async (t) => {
  const person = new Person(t);
  person.configure(
    'integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: "${OF_FILE}"}]}]}\n',
  );
  person.write('.config/orgkey/env', 'OF_FILE="canary-of-file"\n');
  const checked = await person.run('config check');
  t.is(checked.code, 0, checked.stderr);
  t.notRegex(checked.stderr, /OF_FILE/);
  const started = await person.run('setup --service plain');
  t.is(started.code, 0, started.stderr);
  t.is((await person.run('service restart')).code, 0);
  t.is((await person.run('token contoso')).stdout, 'canary-of-file\n');
});

test.serial('setup names another state directory if it cannot make its own', async (t) => {
  const person = new Person(t);
  person.configure();
  const environment = {XDG_STATE_HOME: person.write('file', '')};
  const {code, stderr} = await person.run('setup --service plain', [], {environment});
  t.is(code, 1, stderr);
  t.regex(
    stderr,
    /file\/orgkey cannot be made or entered: ENOTDIR\norgkey: hint: .*ORGKEY_STATE_DIR, or with --state-dir/,
  );
});

test.serial(
  'setup configures git if the service cannot start, and its repair is all that is left',
  async (t) => {
    const person = new Person(t);
    person.configure();
    const directory = person.path('elsewhere');
    const link = person.path(`orgkey-${process.getuid?.()}`);
    mkdirSync(directory);
    symlinkSync(directory, link);
    const {code, stderr} = await person.run('setup --service plain');
    t.is(code, 1, stderr);
    t.regex(stderr, /orgkey-\d+ is a symbolic link\norgkey: hint: remove the link \S+, or name another/);
    t.true(person.read('.gitconfig')?.includes('path = ~/.config/orgkey/gitconfig\n'));
    const doctor = await person.run('doctor contoso');
    t.regex(doctor.stdout, /✓ helper: git asks orgkey for contoso/);
    t.regex(doctor.stdout, /✗ daemon: .*its last start failed: .*is a symbolic\s+link/s);
    t.notRegex(doctor.stdout, /orgkey setup/);
    rmSync(link);
    const started = await person.run('service start');
    t.is(started.code, 0, started.stderr);
    t.is((await person.run('token contoso')).code, 0);
  },
);

test.serial('a token can be pasted before the first setup', async (t) => {
  const person = new Person(t);
  person.configure(
    'integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: {$file: secrets/contoso}}]}]}\n',
  );
  const {code, stderr} = await person.run('login contoso --paste', [], {input: 'canary-early'});
  t.is(code, 0, stderr);
  t.regex(stderr, /hint: run: orgkey setup/);
  t.is(person.read('.config/orgkey/secrets/contoso'), 'canary-early');
  const set = await person.run('setup --service plain');
  t.is(set.code, 0, set.stderr);
});

test.serial('service restart fails if no configuration is in force', async (t) => {
  const person = new Person(t);
  person.configure();
  t.is((await person.run('service start --service plain')).code, 0);
  person.configure('integrations: {azure: [{nonsense: 1}\n');
  const broken = await person.run('service restart');
  t.is(broken.code, 5, broken.stderr);
  t.regex(broken.stderr, /config\.yaml:\d+:\d+: error: /);
});

test.serial('without a service, the hint says to start the daemon', async (t) => {
  const person = new Person(t);
  person.configure();
  await person.run('setup --service none');
  const {code, stderr} = await person.run('service start');
  t.is(code, 3);
  t.regex(stderr, /set up without a service\norgkey: hint: start the daemon yourself: orgkey daemon/);
});

test.serial("git's helper starts the service that was set up", async (t) => {
  const person = new Person(t, {ORGKEY_NO_START: ''});
  const config = person.write(
    'elsewhere.yaml',
    person.configure() &&
      'integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: canary-elsewhere}]}]}\n',
  );
  t.is((await person.run('setup --service plain --config', [config])).code, 0);
  t.is((await person.run('service stop')).code, 0);
  const filled = await person.git(['credential', 'fill'], {
    input: 'protocol=https\nhost=dev.azure.com\npath=contoso/p\n\n',
  });
  t.regex(filled.stdout, /password=canary-elsewhere\n/, filled.stderr);
});

/** Plays systemctl: it does nothing, and where the home has a file `broken`, not even that. */
const systemctl = `#!/bin/sh
[ -e "$HOME/broken" ] || exit 0
echo 'Failed to connect to bus: No medium found' >&2
exit 1
`;

function besideSystemctl(person: Person): {readonly environment: Readonly<Record<string, string>>} {
  person.write('bin/systemctl', systemctl, 0o755);
  return {environment: {PATH: `${person.path('bin')}:${person.environment['PATH'] ?? ''}`}};
}

test.serial('setup --service systemd writes nothing if systemd does not answer', async (t) => {
  const person = new Person(t);
  const beside = besideSystemctl(person);
  person.write('pat', 'canary-pat');
  person.write('broken', '');
  const argv = ['--organization', 'contoso', '--pat-file', 'pat', '--service', 'systemd'];
  const {code, stderr} = await person.run('setup', argv, beside);
  t.is(code, 1);
  t.regex(
    stderr,
    /error: systemd's user manager does not answer: Failed to connect to bus: No medium found\norgkey: hint: /,
  );
  t.is(person.read('.config/orgkey/config.yaml'), undefined);
  t.is(person.read('.gitconfig'), undefined);
  t.is(person.read('.local/state/orgkey/service.json'), undefined);
});

test.serial('uninstall lists what it removes, and continues if systemctl fails', async (t) => {
  const person = new Person(t);
  const beside = besideSystemctl(person);
  person.configure();
  t.is((await person.run('service install --service systemd', [], beside)).code, 0);
  const unit = '.config/systemd/user/orgkey.service';
  const script = '.local/share/orgkey/bin/git-credential-orgkey';
  person.write(script, '');
  const planned = await person.run('uninstall --dry-run', [], beside);
  t.is(planned.code, 0, planned.stderr);
  for (const path of [unit, '.local/share/orgkey/bin'])
    t.true(planned.stdout.split('\n').includes(`would remove ${person.path(path)}`), planned.stdout);
  t.regex(planned.stdout, /^would run systemctl --user disable --now .*orgkey\.socket.*$/m);
  t.not(person.read(unit), undefined);

  person.write('broken', '');
  const {code, stderr} = await person.run('uninstall', [], beside);
  t.is(code, 1);
  t.regex(stderr, /error: systemctl --user disable .*: Failed to connect to bus: No medium found\n$/);
  for (const path of [unit, script, '.local/state/orgkey/service.json']) t.is(person.read(path), undefined);
  t.is((await person.run('uninstall', [], beside)).code, 0);
});

for (const [title, environment, named] of [
  ['that the daemon finds', {}, false],
  ['that only the shell knows', {XDG_CONFIG_HOME: 'H/shell'}, true],
  ['with an empty XDG_CONFIG_HOME', {XDG_CONFIG_HOME: ''}, false],
] as const) {
  test.serial(`the unit names the configuration only if needed: one ${title}`, async (t) => {
    const person = new Person(t);
    const places = Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, value.replace('H', person.home)]),
    );
    const options = {environment: {...besideSystemctl(person).environment, ...places}};
    const config = named ? 'shell/orgkey/config.yaml' : '.config/orgkey/config.yaml';
    person.write(config, patConfiguration);
    t.is((await person.run('service install --service systemd', [], options)).code, 0);
    const unit = person.read('.config/systemd/user/orgkey.service') ?? '';
    t.is(unit.includes('--config'), named);
    t.is(unit.includes(`--config ${person.path(config)}`), named);
    t.regex(unit, /^Sockets=orgkey\.socket orgkey-team-a\.socket$/m);
    const {configFile} = JSON.parse(person.read('.local/state/orgkey/service.json') ?? '{}');
    t.is(configFile, named ? person.path(config) : undefined);
  });
}

const asRoot = testUnless(whyNotRoot, test.serial);

asRoot("another user's daemon is reported as such", async (t) => {
  const person = new Person(t);
  person.configure();
  await person.spawn('chmod', ['755', person.home]);
  t.is((await person.run('service start --service plain')).code, 0);
  const runtime = person.path('orgkey-0');
  const other = {
    uid: 65_534,
    environment: {HOME: '/nonexistent', ORGKEY_RUNTIME_DIR: runtime},
    directory: '/',
  };
  const {code, stderr} = await person.run('status', [], other);
  t.is(code, 1, stderr);
  t.regex(stderr, /belongs to another user\norgkey: hint: run the command as that user/);
});

test.serial('a plain service does not start in a link that its clients would not trust', async (t) => {
  const person = new Person(t);
  person.configure();
  const usual = person.path(`orgkey-${String(process.geteuid?.())}`);
  mkdirSync(person.path('elsewhere'));
  symlinkSync(person.path('elsewhere'), usual);
  const refused = await person.run('service start --service plain');
  t.is(refused.code, 1, refused.stderr);
  t.true(refused.stderr.includes(`${usual} is a symbolic link`), refused.stderr);
  // a user who sets the variable trusts the link, for the daemon and for its clients
  const environment = {ORGKEY_RUNTIME_DIR: usual};
  t.is((await person.run('service start --service plain', [], {environment})).code, 0);
  t.is((await person.run('status', [], {environment})).code, 0);
});

asRoot('a runtime directory that another user could have made is ignored', async (t) => {
  const person = new Person(t);
  person.configure();
  t.is((await person.run('service start --service plain')).code, 0);
  t.is((await person.run('status')).code, 0);
  await person.spawn('chown', ['65534', person.path('orgkey-0')]);
  t.is((await person.run('status')).code, 3, 'owned by another user');
  await person.spawn('chown', ['0', person.path('orgkey-0')]);
  await person.spawn('mv', [person.path('orgkey-0'), person.path('real')]);
  await person.spawn('ln', ['-s', join(person.home, 'real'), person.path('orgkey-0')]);
  t.is((await person.run('status')).code, 3, 'a symbolic link');
  await person.spawn('rm', [person.path('orgkey-0')]);
  await person.spawn('mv', [person.path('real'), person.path('orgkey-0')]);
  // the daemon may have looked while its directory was away; it looks again each minute
  const back = await until(
    'a daemon that is well',
    () => person.run('status'),
    ({code}) => code === 0,
  );
  t.is(back.code, 0);
});

testUnless(whyNotRoot, test.serial)(
  'with sudo, root writes nothing into the home of the caller',
  async (t) => {
    const person = new Person(t, {SUDO_UID: '12345', SUDO_GID: '12345'});
    chownSync(person.home, 12_345, 12_345);
    for (const [command, ...argv] of [
      ['setup', '--service', 'plain', '--organization', 'contoso', '--azure-cli'],
      ['service start', '--service', 'plain'],
      ['service install', '--service', 'plain'],
    ] as const) {
      const {code, stderr} = await person.run(command, argv);
      t.is(code, 1, command);
      t.regex(
        stderr,
        /^orgkey: error: root would write to .*, the home of the user 12345\norgkey: hint: run it without sudo/,
      );
    }
    t.deepEqual(readdirSync(person.home), []);
  },
);
