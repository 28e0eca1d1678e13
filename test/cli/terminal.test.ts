import test, {type ExecutionContext} from 'ava';
import {execFileSync} from 'node:child_process';
import {statSync} from 'node:fs';
import {converse, whyNoTerminal} from '../helpers/converse.ts';
import {daemonFor} from '../helpers/daemon.ts';
import {Person} from '../helpers/command-line.ts';
import {testUnless} from '../helpers/test-unless.ts';

const onTerminal = testUnless(whyNoTerminal, test.serial);

onTerminal('setup asks, and what is typed as a secret is not shown', async (t) => {
  const person = new Person(t);
  const {code, screen} = await converse(
    person,
    ['setup', '--service', 'none'],
    [
      [/Organization: .*: /, 'https://dev.azure.com/Contoso/\r'],
      [/How do you sign in \[1\]: /, '6\r'],
      [/\(not shown\): /, 'canary-typed-x\u007fpat\r'],
      [/Another organization, y or n \[n\]: /, '\r'],
    ],
  );
  t.is(code, 0, screen);
  t.false(screen.includes('canary'));
  t.is(person.read('.config/orgkey/secrets/contoso'), 'canary-typed-pat');
  t.is(statSync(person.path('.config/orgkey/secrets/contoso')).mode & 0o777, 0o600);
  t.regex(
    person.read('.config/orgkey/config.yaml') ?? '',
    /organizations: \["Contoso"\]\n +personalAccessToken: \{\$file: /,
  );
});

onTerminal('Ctrl-C at a question leaves nothing behind', async (t) => {
  const person = new Person(t);
  const {code} = await converse(person, ['setup', '--service', 'none'], [[/Organization: .*: /, '\u0003']]);
  t.not(code, 0);
  t.is(person.read('.config/orgkey/config.yaml'), undefined);
  t.is(person.read('.gitconfig'), undefined);
});

onTerminal('a pasted key is not shown', async (t) => {
  const person = new Person(t);
  person.configure();
  execFileSync('ssh-keygen', [
    '-q',
    '-t',
    'rsa',
    '-b',
    '2048',
    '-m',
    'PEM',
    '-N',
    '',
    '-f',
    person.path('key'),
  ]);
  const key = person.read('key') ?? '';
  const {code, screen} = await converse(
    person,
    ['ssh-key', 'add', 'contoso'],
    [[/\(not shown\): /, key.replaceAll('\n', '\r')]],
  );
  t.is(code, 0, screen);
  t.false(screen.includes('PRIVATE KEY'));
  t.false(screen.includes(key.split('\n')[1] ?? '?'));
  t.is(person.read('.config/orgkey/ssh/contoso')?.trim(), key.trim());
});

onTerminal('a terminal gets color unless NO_COLOR or TERM forbids it', async (t) => {
  const daemon = await daemonFor(t, {
    configuration:
      'integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: x}]}]}\n',
  });
  const person = new Person(t, daemon.environment);
  const colored = async (environment: Readonly<Record<string, string>>) =>
    (await converse(person, ['status'], [], environment)).screen.includes('\u001b[');
  t.true(await colored({}));
  t.false(await colored({NO_COLOR: '1'}));
  t.false(await colored({TERM: 'dumb'}));
});

onTerminal('status --watch redraws until it is interrupted', async (t) => {
  const daemon = await daemonFor(t, {
    configuration:
      'integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: x}]}]}\n',
  });
  const person = new Person(t, daemon.environment);
  const {screen} = await converse(
    person,
    ['status', '--watch'],
    [
      [/everything is well/, ''],
      [/everything is well/, '\u0003'],
    ],
  );
  t.true(screen.split('\u001b[2J').length >= 3);
});

test('setup without a terminal does not ask', async (t: ExecutionContext) => {
  const person = new Person(t);
  const {code, stderr} = await person.run('setup', ['--service', 'none'], {input: 'contoso\n1\n'});
  t.is(code, 2);
  t.regex(stderr, /no configuration exists yet/);
});
