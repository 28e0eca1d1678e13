import test from 'ava';
import {join} from 'node:path';
import {Person} from '../helpers/command-line.ts';

test('a pasted token goes where the configuration reads it, and is in force at once', async (t) => {
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
  t.regex(stderr, /✓ contoso: works/);
  t.false(stderr.includes('canary'));
  t.is(person.read('.config/orgkey/secrets/contoso'), 'canary-new');
  t.is((await person.run('token contoso')).stdout, 'canary-new\n');

  t.is((await person.run('login contoso --paste', [], {input: '\n'})).code, 2);
  t.is((await person.run('login fabrikam --paste', [], {input: 'canary'})).code, 5);
  t.is((await person.run('login', ['not a name', '--paste'], {input: 'canary'})).code, 2);
  t.is(person.read('.config/orgkey/secrets/contoso'), 'canary-new');
});

test('the file may be missing: that is what pasting is for', async (t) => {
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

test('the service is started, found running, asked and stopped', async (t) => {
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

test('whoever was set up without a service is told to start the daemon himself', async (t) => {
  const person = new Person(t);
  person.configure();
  await person.run('setup --service none');
  const {code, stderr} = await person.run('service start');
  t.is(code, 3);
  t.regex(stderr, /set up without a service\norgkey: hint: start the daemon yourself: orgkey daemon/);
});

test("git's helper starts the service that was set up", async (t) => {
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

const ifRoot = process.getuid?.() === 0 ? test : test.skip;

ifRoot("another user's daemon is not asked, and that is said", async (t) => {
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
  t.regex(stderr, /is another user's\norgkey: hint: only its own user and root may ask it/);
});

ifRoot('a directory that somebody else could have made first is not believed', async (t) => {
  const person = new Person(t);
  person.configure();
  t.is((await person.run('service start --service plain')).code, 0);
  t.is((await person.run('status')).code, 0);
  await person.spawn('chown', ['65534', person.path('orgkey-0')]);
  t.is((await person.run('status')).code, 3, 'not ours');
  await person.spawn('chown', ['0', person.path('orgkey-0')]);
  await person.spawn('mv', [person.path('orgkey-0'), person.path('real')]);
  await person.spawn('ln', ['-s', join(person.home, 'real'), person.path('orgkey-0')]);
  t.is((await person.run('status')).code, 3, 'a link');
  await person.spawn('rm', [person.path('orgkey-0')]);
  await person.spawn('mv', [person.path('real'), person.path('orgkey-0')]);
  t.is((await person.run('status')).code, 0);
});
