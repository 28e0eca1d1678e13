import {execFileSync} from 'node:child_process';
import {mkdirSync} from 'node:fs';
import {createServer, type Socket} from 'node:net';
import {join} from 'node:path';
import test from 'ava';
import {patConfiguration, Person} from '../helpers/command-line.ts';
import {personWithDaemon} from '../helpers/person-with-daemon.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

test.serial(
  'a stopped daemon counts as not running, is named, and answers again when it goes on',
  async (t) => {
    const {daemon, person} = await personWithDaemon(t);
    const {pid = 0} = daemon.process;
    daemon.process.kill('SIGSTOP');
    const runs = await Promise.all([
      person.run('status', ['--json']),
      person.run('metrics'),
      person.run('token', ['contoso']),
      person.run('logs', ['--follow']),
    ]);
    for (const {code, stderr} of runs) {
      t.is(code, 3);
      t.true(stderr.includes(`the daemon (pid ${pid}, state T) does not answer`), stderr);
      t.true(stderr.includes(`kill -CONT ${pid}`), stderr);
    }
    t.like(JSON.parse(runs[0].stdout), {error: {code: 'ERR_SILENT'}});
    daemon.process.kill('SIGCONT');
    t.is((await person.run('status')).code, 0);
  },
);

test.serial('a command asks a daemon that does not answer only once', async (t) => {
  const runtime = scratchDirectory(t);
  const state = scratchDirectory(t);
  mkdirSync(join(runtime, 'control'), {mode: 0o700});
  const asked: Socket[] = [];
  const servers = await Promise.all(
    ['git.sock', 'control/control.sock'].map(async (name) => {
      const server = createServer((socket) => void asked.push(socket.on('error', () => undefined)));
      await new Promise<void>((resolve) => server.listen(join(runtime, name), resolve));
      return server;
    }),
  );
  t.teardown(() => {
    for (const socket of asked) socket.destroy();
    for (const server of servers) server.close();
  });
  const person = new Person(t, {ORGKEY_RUNTIME_DIR: runtime, ORGKEY_STATE_DIR: state});
  for (const [command, expected] of [
    ['org remove contoso', 0],
    ['setup --service none', 0],
  ] as const) {
    person.configure(patConfiguration);
    asked.length = 0;
    const {code, stderr} = await person.run(command);
    t.is(code, expected, `${command}: ${stderr}`);
    t.is(asked.length, 1, command);
  }
});

for (const [command, argv, exitCode, code] of [
  ['status', [], 3, 'ERR_NOT_RUNNING'],
  ['token', ['contoso'], 3, 'ERR_NOT_RUNNING'],
  ['token', [], 2, 'ERR_USAGE'],
] as const) {
  test.serial(`${[command, ...argv].join(' ')} --json prints an error object if it fails`, async (t) => {
    const {daemon, person} = await personWithDaemon(t);
    await daemon.stop('SIGTERM');
    const run = await person.run(command, [...argv, '--json']);
    t.is(run.code, exitCode, run.stderr);
    const {error} = JSON.parse(run.stdout) as {error: {code: string; message: string}};
    t.is(error.code, code);
    t.true(run.stderr.includes(error.message));
  });
}

test.serial('with a FIFO where the socket, the pid and the note go, no command hangs', async (t) => {
  const runtime = scratchDirectory(t);
  const state = scratchDirectory(t);
  mkdirSync(join(runtime, 'control'), {mode: 0o700});
  const paths = ['git.sock', 'control/control.sock', 'control/pid'].map((name) => join(runtime, name));
  for (const path of [...paths, join(state, 'runtime-directory')]) execFileSync('mkfifo', [path]);
  const person = new Person(t, {ORGKEY_RUNTIME_DIR: runtime, ORGKEY_STATE_DIR: state});
  person.configure(patConfiguration);
  for (const command of ['status', 'token contoso', 'cache clear']) {
    const {code, stderr} = await person.run(command);
    t.is(code, 3, `${command}: ${stderr}`);
  }
});
