import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {connectControl} from '../../src/control/control-client.ts';
import {askForCredential as ask} from '../helpers/ask-for-credential.ts';
import {askPath} from '../helpers/daemon.ts';
import {until} from '../helpers/patience.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {tether} from '../helpers/tether.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {main} from '../helpers/program.ts';

const isThere = spawnSync('systemd-socket-activate', ['--version']).status === 0;
const activated = testUnless(isThere ? undefined : 'there is no systemd-socket-activate');

const sockets = {git: 'git.sock', 'team-a': 'scoped/team-a/git.sock', 'team-b': 'scoped/team-b/git.sock'};
type Name = keyof typeof sockets;

const configuration = `
integrations:
  azure:
    - host: dev.azure.com
      credentials:
        - {organizations: [contoso, fabrikam], personalAccessToken: ${'p'.repeat(52)}}
orgkey:
  sockets:
    - {name: team-a, organizations: [contoso]}
    - {name: team-b, organizations: [fabrikam]}
`;

/** Holds the sockets in this order, as systemd does, and starts the daemon for the first request. */
async function activate(t: ExecutionContext, names: readonly Name[], text = configuration) {
  const directory = scratchDirectory(t);
  const config = join(directory, 'config.yaml');
  writeFileSync(config, text, {mode: 0o600});
  const run = join(directory, 'run');
  const before = process.umask(0);
  for (const folder of ['', 'scoped', 'scoped/team-a', 'scoped/team-b'])
    mkdirSync(join(run, folder), {mode: 0o711});
  process.umask(before);
  const path = (name: Name) => join(run, sockets[name]);
  const daemon = spawn(
    'systemd-socket-activate',
    [
      ...names.flatMap((name) => ['-l', path(name)]),
      `--fdname=${names.join(':')}`,
      '--setenv=HOME',
      '--setenv=PATH',
      process.execPath,
      main,
      'daemon',
      '--config',
      config,
      '--runtime-dir',
      run,
      '--state-dir',
      join(directory, 'state'),
    ],
    {env: {HOME: directory, PATH: process.env['PATH']}, stdio: ['ignore', 'pipe', 'pipe']},
  );
  tether(daemon);
  t.teardown(() => daemon.kill('SIGKILL'));
  let log = '';
  daemon.stderr.setEncoding('utf8').on('data', (text) => (log += text));
  // the path exists before the socket listens
  await until(
    'systemd to listen',
    () => log,
    (text) => text.split('Listening on').length > names.length,
  );
  const ready = once(daemon.stdout, 'data');
  return {daemon, config, run, path, ready, exited: once(daemon, 'exit'), said: () => log};
}

for (const names of [
  ['git', 'team-a', 'team-b'],
  ['team-b', 'git', 'team-a'],
  ['team-a', 'team-b', 'git'],
] as const) {
  activated(`sockets passed as ${names.join(', ')} serve the organizations of their names`, async (t) => {
    const {daemon, path, exited, said} = await activate(t, names);
    // the first request arrives before the daemon runs
    const answers: Record<string, string> = {};
    for (const name of names) {
      for (const organization of ['contoso', 'fabrikam']) {
        answers[`${name} ${organization}`] = await ask(path(name), organization);
      }
    }
    t.deepEqual(
      answers,
      {
        'git contoso': 'secret',
        'git fabrikam': 'secret',
        'team-a contoso': 'secret',
        'team-a fabrikam': 'nothing',
        'team-b contoso': 'nothing',
        'team-b fabrikam': 'secret',
      },
      said(),
    );
    daemon.kill('SIGTERM');
    t.deepEqual(await exited, [0, null], said());
    // they belong to systemd, and the next daemon uses them
    for (const name of names) t.true(existsSync(path(name)), name);
  });
}

activated(`the daemon opens a scoped socket that systemd does not hold`, async (t) => {
  const {path, ready, said} = await activate(t, ['git', 'team-a']);
  t.is(await ask(path('git'), 'fabrikam'), 'secret', said());
  await ready;
  t.is(await ask(path('team-b'), 'fabrikam'), 'secret', said());
  t.is(await ask(path('team-b'), 'contoso'), 'nothing', said());
});

/** Returns the configuration with other scoped sockets. */
function withSockets(...sockets: readonly string[]): string {
  return configuration.replace(/sockets:[^]*/, `sockets: [${sockets.join(', ')}]\n`);
}

activated('the organizations of a socket that systemd holds can change repeatedly', async (t) => {
  const {daemon, config, path, ready, exited, said} = await activate(t, ['git', 'team-a', 'team-b']);
  t.is(await ask(path('team-a'), 'contoso'), 'secret', said());
  await ready;
  for (const [now, before] of [
    ['fabrikam', 'contoso'],
    ['contoso', 'fabrikam'],
  ] as const) {
    replaceFile(
      config,
      withSockets(`{name: team-a, organizations: [${now}]}`, '{name: team-b, organizations: [contoso]}'),
    );
    daemon.kill('SIGHUP');
    await until(
      `the secret of ${now}`,
      () => ask(path('team-a'), now),
      (answer) => answer === 'secret',
    );
    t.is(await ask(path('team-a'), before), 'nothing', said());
  }
  t.is(await ask(path('team-b'), 'contoso'), 'secret', said());
  daemon.kill('SIGTERM');
  t.deepEqual(await exited, [0, null], said());
});

activated('a socket of systemd without a configuration passes, until it has one', async (t) => {
  const {daemon, config, run, path, ready, said} = await activate(
    t,
    ['git', 'team-a', 'team-b'],
    withSockets('{name: team-a, organizations: [contoso]}'),
  );
  t.is(await askPath(path('team-b'), request), 'orgkey=1\n', said());
  await ready;
  t.deepEqual(await messagesOf(run), [unnamed('team-b')]);

  replaceFile(config, withSockets('{name: team-b, organizations: [contoso]}'));
  daemon.kill('SIGHUP');
  await until(
    'the other socket',
    () => ask(path('team-b'), 'contoso'),
    (answer) => answer === 'secret',
  );
  t.is(await askPath(path('team-a'), request), 'orgkey=1\n', said());
  t.deepEqual(await messagesOf(run), [unnamed('team-a')]);
});

for (const [title, text] of [
  ['a configuration that cannot be read', 'integrations: ['],
  [
    'a group that does not exist',
    withSockets('{name: team-a, organizations: [contoso], group: no-such-group}'),
  ],
] as const) {
  activated(`with ${title}, a scoped socket of systemd passes`, async (t) => {
    const {daemon, config, path, ready, said} = await activate(t, ['team-a', 'git'], text);
    t.is(await askPath(path('team-a'), request), 'orgkey=1\n', said());
    await ready;
    replaceFile(config, configuration);
    daemon.kill('SIGHUP');
    await until(
      'the secret',
      () => ask(path('team-a'), 'contoso'),
      (answer) => answer === 'secret',
    );
  });
}

activated(`an invalid configuration does not end the daemon, and git and status report it`, async (t) => {
  const {daemon, config, run, path, ready, exited, said} = await activate(t, ['git'], 'integrations: [');
  const before = await askPath(path('git'), request);
  t.regex(before, /^orgkey=1\norgkey-error=.*config\.yaml:1:\d+: /, said());
  t.false(before.includes('quit='), 'the organizations are not known');
  await ready;
  t.deepEqual(await healthOf(run), {health: 'error', hint: 'run: orgkey config check'});

  replaceFile(config, configuration);
  daemon.kill('SIGHUP');
  await until(
    'the secret',
    () => ask(path('git'), 'contoso'),
    (answer) => answer === 'secret',
  );
  t.deepEqual(await healthOf(run), {health: 'ok', hint: undefined});

  replaceFile(config, 'integrations: [');
  daemon.kill('SIGHUP');
  await until(
    'another health',
    () => healthOf(run),
    ({health}) => health !== 'ok',
  );
  t.deepEqual(await healthOf(run), {health: 'error', hint: 'run: orgkey config check'});
  t.is(await ask(path('git'), 'contoso'), 'secret', 'the last valid configuration is still in force');
  daemon.kill('SIGTERM');
  t.deepEqual(await exited, [0, null], said());
});

activated(`git reports an unusable state directory until it is repaired`, async (t) => {
  const {run, path, exited, said} = await activate(t, ['git']);
  const state = join(run, '../state');
  writeFileSync(state, 'not a directory');
  for (let time = 0; time < 2; time++) {
    const answer = await askPath(path('git'), request);
    t.regex(
      answer,
      /^orgkey=1\norgkey-error=the orgkey daemon cannot start: \S+\/state .*\norgkey-hint=.*\n$/,
    );
  }
  rmSync(state);
  t.is(await askPath(path('git'), request), '', 'silence: the helper asks again');
  // then systemd starts it again
  t.deepEqual(await exited, [1, null], said());
});

const request = 'action=get\ntimeout=1\nprotocol=https\nhost=dev.azure.com\npath=contoso/p/_git/r\n';

/** Replaces the file in one step: a partial file would be another configuration. */
function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, {mode: 0o600});
  renameSync(`${path}.new`, path);
}

function unnamed(name: string): string {
  return `socket ${name}: systemd holds it, but the configuration does not name it: its clients get nothing`;
}

async function messagesOf(run: string): Promise<readonly string[]> {
  const control = await connectControl(join(run, 'control/control.sock'));
  const {notices} = await control.call('status', undefined);
  control.close();
  return notices.map(({message}) => message);
}

async function healthOf(run: string): Promise<{readonly health: string; readonly hint: string | undefined}> {
  const control = await connectControl(join(run, 'control/control.sock'));
  const {health, notices} = await control.call('status', undefined);
  control.close();
  return {health, hint: notices[0]?.hint};
}
