import test from 'ava';
import {existsSync, mkdirSync, writeFileSync} from 'node:fs';
import {main, Person} from '../helpers/command-line.ts';
import {getFor} from '../helpers/requests.ts';
import {personWithDaemon} from '../helpers/person-with-daemon.ts';
import {testUnless} from '../helpers/test-unless.ts';

for (const [title, argv, isThere] of [
  ['status --watch', ['status', '--watch'], true],
  ['status --watch, without a daemon', ['status', '--watch'], false],
  ['logs --follow', ['logs', '--follow'], true],
  ['logs --audit --follow', ['logs', '--audit', '--follow'], true],
] as const) {
  test.serial(`a command that follows ends when its reader hangs up: ${title}`, async (t) => {
    const {daemon, person} = await personWithDaemon(t);
    const request = getFor('contoso');
    await daemon.ask(request);
    if (!isThere) await daemon.close();
    const command = [process.execPath, main, ...argv];
    // the reader takes one line; then the command prints again
    const script =
      '("$@"; echo "ended with $?" >&3) 3>&2 2>&1 | (head -n 1; exec < /dev/null; echo gone >&2)';
    const {stdout, stderr} = await person.spawn('/bin/sh', ['-c', script, 'sh', ...command], {
      onStderr: (text) => {
        if (text === 'gone\n' && isThere)
          void daemon.call('reload', undefined).then(() => daemon.ask(request));
      },
    });
    t.not(stdout, '');
    t.is(stderr, 'gone\nended with 0\n');
  });
}

const toFull = testUnless(existsSync('/dev/full') ? undefined : '/dev/full does not exist', test.serial);

for (const argv of [['status'], ['status', '--watch'], ['config', 'schema']]) {
  toFull(`output that cannot be written is an error: orgkey ${argv.join(' ')}`, async (t) => {
    const {person} = await personWithDaemon(t);
    const command = ['-c', 'exec "$@" > /dev/full', 'sh', process.execPath, main, ...argv];
    const {code, stderr} = await person.spawn('/bin/sh', command);
    t.is(code, 1);
    t.regex(stderr, /^orgkey: error: cannot write the output: ENOSPC: no space left on device, write\n$/);
  });
}

for (const command of [
  'status',
  'token contoso',
  'exec contoso -- true',
  'logs',
  'metrics',
  'cache clear',
  'login contoso',
  'logout contoso',
  'org test',
]) {
  test.serial(`without a daemon, the exit code is 3 and the hint starts it: orgkey ${command}`, async (t) => {
    const person = new Person(t);
    person.configure();
    const {code, stdout, stderr} = await person.run(command);
    t.is(code, 3, stderr);
    t.is(stdout, '');
    t.regex(
      stderr,
      /^orgkey: error: the daemon is not running.*\norgkey: hint: start the daemon: orgkey service start\n$/,
    );
  });
}

test.serial('a stale socket counts as a stopped daemon', async (t) => {
  const {daemon, person} = await personWithDaemon(t);
  await daemon.stop('SIGKILL');
  const {code, stderr} = await person.run('status');
  t.is(code, 3);
  t.regex(stderr, /start the daemon: orgkey service start/);
});

test('no output has a control character of a name that a user gave', async (t) => {
  const person = new Person(t);
  const directory = `${person.home}/a\u0007\u009b31m\u202eb`;
  mkdirSync(directory);
  const path = `${directory}/config.yaml`;
  writeFileSync(path, 'integrations: {azure: 1}\n', {mode: 0o600});
  for (const [command, argv] of [
    ['config path', []],
    ['config check', []],
    ['config check', ['--json']],
    ['which contoso', []],
    ['which contoso', ['--json']],
    ['doctor', []],
  ] as const) {
    const {stdout, stderr} = await person.run(command, [...argv, '--config', path]);
    const shown = `${stdout}${stderr}`;
    t.notRegex(shown, /[\u0007\u007f-\u009f\u202e]/, command);
    if (argv.length > 0) t.notThrows(() => JSON.parse(stdout), command);
    else t.true(command === 'doctor' || shown.includes('/a\\u{7}\\u{202e}b/'), `${command}: ${shown}`);
  }
});
