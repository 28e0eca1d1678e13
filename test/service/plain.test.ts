import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {dirname, join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {daemonNodeFlags} from '../../src/service/node-flags.ts';
import type {Machine} from '../../src/service/machine.ts';
import {PlainService} from '../../src/service/plain.ts';
import {runCommand} from '../../src/service/run-command.ts';
import {goneProcess} from '../helpers/gone-process.ts';
import {until} from '../helpers/patience.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless, whyNotLinux} from '../helpers/test-unless.ts';

const stub = join(import.meta.dirname, '../helpers/stub-daemon.ts');
const starter = join(import.meta.dirname, '../helpers/start-plain.ts');
/** Processes of these tests end with the test process. */
const tied = {STUB_ENDS_WITH: String(process.pid)};

function make(t: ExecutionContext, behavior: string, patience: Machine['wait'] = wait) {
  const directory = scratchDirectory(t);
  const machine = {platform: process.platform, uid: 0, homeDirectory: directory};
  const daemon = {
    node: process.execPath,
    main: stub,
    configFile: behavior,
    runtimeDirectory: join(directory, 'run'),
    stateDirectory: join(directory, 'state'),
    sockets: [],
  };
  const environment = {
    ...process.env,
    NODE_OPTIONS: '--no-warnings',
    LD_PRELOAD: '',
    HTTPS_PROXY: 'http://proxy',
    ...tied,
  };
  const service = new PlainService({...machine, environment, run: runCommand, wait: patience}, daemon);
  t.teardown(() => service.stop());
  const inState = (name: string) => join(daemon.stateDirectory, name);
  const record = join(daemon.runtimeDirectory, 'control/service');
  const facts = () => JSON.parse(readFileSync(inState('facts.json'), 'utf8'));
  return {service, machine, daemon, environment, inState, facts, record};
}

test('start resolves when the daemon serves, detached and with its flags', async (t) => {
  const {service, facts, inState, record, daemon} = make(t, 'serve');
  const outcome = await service.start();
  t.is(outcome.kind, 'done', JSON.stringify(outcome));
  const {pid, session, flags, directory, variables} = facts();
  t.deepEqual(await service.status(), {installed: true, state: 'running', pid});
  t.is(session, pid);
  t.is(directory, '/');
  t.deepEqual(flags, daemonNodeFlags);
  t.true(variables.includes('HTTPS_PROXY'));
  for (const name of ['NODE_OPTIONS', 'LD_PRELOAD']) t.false(variables.includes(name), name);
  t.is(statSync(inState('daemon.log')).mode & 0o777, 0o600);
  t.is(statSync(record).mode & 0o777, 0o600);
  t.is(readFileSync(inState('runtime-directory'), 'utf8'), `${daemon.runtimeDirectory}\n`);
  t.is(statSync(inState('.')).mode & 0o777, 0o700);
});

test('a second start changes nothing', async (t) => {
  const {service, inState} = make(t, 'serve');
  await service.start();
  t.deepEqual(await service.start(), {kind: 'done', changes: []});
  t.is(readFileSync(inState('starts'), 'utf8'), '.');
});

test('the daemon holds no descriptor that its starter inherited', async (t) => {
  const {machine, daemon, facts, service} = make(t, 'serve');
  const command = `exec 7>&1 60>&1; exec '${process.execPath}' "$@"`;
  const args = ['-c', command, 'bash', starter, JSON.stringify(machine), JSON.stringify(daemon)];
  // ends only when the last copy of its standard output is closed
  const {stdout} = await promisify(execFile)('bash', args, {env: {...process.env, ...tied}});
  t.like(JSON.parse(stdout), {kind: 'done'});
  t.is((await service.status()).state, 'running');
  const inherited = facts().links.filter((link: string) => /^(?:[0-2]|60) /.test(link));
  t.is(
    inherited.find((link: string) => link.includes('pipe')),
    undefined,
  );
});

test('a daemon that ends at its start is reported with its message', async (t) => {
  const {service} = make(t, 'refuse');
  const outcome = await service.start();
  t.is(outcome.kind, 'failed');
  if (outcome.kind !== 'failed') return;
  t.is(outcome.message, 'the daemon ended with status 5: the directory is \\u{1b}[31mtoo loose');
  t.is(outcome.hint, 'tighten it');
  t.deepEqual(await service.status(), {
    installed: true,
    state: 'failed',
    reason: 'the directory is \\u{1b}[31mtoo loose',
    hint: 'tighten it',
  });
});

test('a failed start is forgotten after one that succeeds', async (t) => {
  const {service, machine, environment, daemon} = make(t, 'serve');
  const broken = {...daemon, configFile: 'refuse'};
  t.is(
    (await new PlainService({...machine, environment, run: runCommand, wait}, broken).start()).kind,
    'failed',
  );
  t.is((await service.status()).state, 'failed');
  t.is((await service.start()).kind, 'done');
  t.is((await service.stop()).kind, 'done');
  t.is((await service.status()).state, 'stopped');
});

test('a daemon in another directory with the same state leaves the first one alone', async (t) => {
  const {service, machine, environment, daemon, facts, inState} = make(t, 'serve');
  await service.start();
  const first = facts().pid;
  const elsewhere = {...daemon, runtimeDirectory: `${daemon.runtimeDirectory}-2`};
  const other = new PlainService({...machine, environment, run: runCommand, wait}, elsewhere);
  t.teardown(() => other.stop());
  t.is((await other.start()).kind, 'done');
  t.like(await service.status(), {state: 'running', pid: first});
  t.not((await other.status()).pid, first);
  const noted = [elsewhere.runtimeDirectory, daemon.runtimeDirectory, ''];
  t.deepEqual(readFileSync(inState('runtime-directory'), 'utf8').split('\n'), noted);
  t.is((await service.stop()).kind, 'done');
  t.is((await other.status()).state, 'running');
});

testUnless(whyNotLinux)('the daemon leaves no core dump', async (t) => {
  const {service, facts} = make(t, 'serve');
  t.is((await service.start()).kind, 'done');
  const limits = readFileSync(`/proc/${facts().pid}/limits`, 'utf8');
  t.regex(limits, /^Max core file size +0 +0 /m);
});

test('a missing Node is a failure', async (t) => {
  const {machine, environment, daemon} = make(t, 'serve');
  const broken = {...daemon, node: '/nonexistent/node'};
  const outcome = await new PlainService({...machine, environment, run: runCommand, wait}, broken).start();
  t.is(outcome.kind, 'failed');
  t.regex(JSON.stringify(outcome), /nonexistent\/node: (?:not found|No such file)/);
});

test('a daemon that never serves is ended', async (t) => {
  // the polls start when the daemon has started, and then take no time
  const {service, facts, inState} = make(t, 'silent', async () => {
    await until(
      'the daemon to come up',
      () => readFileSync(inState('daemon.log'), 'utf8'),
      (log) => log.includes('waiting for nothing'),
    );
  });
  const outcome = await service.start();
  t.is(outcome.kind, 'failed');
  t.regex(JSON.stringify(outcome), /does not serve: waiting for nothing/);
  await goneProcess(facts().pid);
  t.is((await service.status()).state, 'stopped');
});

/** Returns a wait that runs `act` so many polls after the stub found its place taken. These polls take no time. */
function afterBeing(inState: (name: string) => string, polls: number, act: () => Promise<unknown>) {
  let left = polls;
  return async () => {
    const isBeaten = readFileSync(inState('daemon.log'), 'utf8').includes('another orgkey daemon');
    await wait(isBeaten ? 1 : 20);
    if (isBeaten && left-- === 0) await act();
  };
}

test('the ready line of another daemon is not taken for ours', async (t) => {
  let patience: Machine['wait'] = wait;
  const {service, inState, record} = make(t, 'beaten', (milliseconds) => patience(milliseconds));
  patience = afterBeing(inState, -1, async () => undefined);
  const outcome = await service.start();
  t.like(outcome, {kind: 'failed'});
  t.regex(JSON.stringify(outcome), /ended with status 1: another orgkey daemon serves/);
  t.throws(() => statSync(record));
});

test('start resolves when the daemon of another starter listens', async (t) => {
  let patience: Machine['wait'] = wait;
  const {service, daemon, inState, record} = make(t, 'beaten', (milliseconds) => patience(milliseconds));
  const winner = createServer();
  t.teardown(() => winner.close());
  patience = afterBeing(inState, 100, async () => {
    mkdirSync(daemon.runtimeDirectory);
    await once(winner.listen(join(daemon.runtimeDirectory, 'git.sock')), 'listening');
  });
  t.deepEqual(await service.start(), {kind: 'done', changes: []});
  t.true(winner.listening);
  t.throws(() => statSync(record), undefined, 'only its own starter records its process');
  t.like(await service.status(), {state: 'running', reason: 'it was started elsewhere'});
  for (const order of ['stop', 'restart'] as const)
    t.like(await service[order](), {kind: 'failed', hint: 'stop it where it was started'});
  t.is((await service.uninstall()).kind, 'done');
  t.true(winner.listening);
});

test('stop waits for the end, and changes nothing the second time', async (t) => {
  const {service, facts} = make(t, 'serve');
  await service.start();
  t.is((await service.stop()).kind, 'done');
  t.throws(() => process.kill(facts().pid, 0));
  t.deepEqual(await service.stop(), {kind: 'done', changes: []});
});

test('a daemon that does not end is reported', async (t) => {
  let patience: Machine['wait'] = wait;
  const {service, facts} = make(t, 'stubborn', (milliseconds) => patience(milliseconds));
  t.is((await service.start()).kind, 'done');
  patience = () => wait(0);
  const {pid} = facts();
  t.deepEqual(await service.stop(), {
    kind: 'failed',
    message: `process ${pid} did not end`,
    hint: `run: kill -9 ${pid}`,
  });
  process.kill(pid, 'SIGKILL');
  await goneProcess(pid);
});

test('stop waits for a daemon with running transfers', async (t) => {
  let patience: Machine['wait'] = wait;
  const {service, facts} = make(t, 'stubborn', (milliseconds) => patience(milliseconds));
  t.is((await service.start()).kind, 'done');
  const {pid} = facts();
  let waited = 0;
  patience = async (milliseconds) => {
    waited += milliseconds;
    // running transfers for a minute, and the disk twice
    if (waited !== 70_000) return;
    process.kill(pid, 'SIGKILL');
    await goneProcess(pid);
  };
  t.is((await service.stop()).kind, 'done');
});

test('restart starts another process', async (t) => {
  const {service, facts} = make(t, 'serve');
  await service.start();
  const {pid} = facts();
  t.is((await service.restart()).kind, 'done');
  t.not(facts().pid, pid);
  t.is((await service.status()).state, 'running');
});

test('a process that reuses our pid is left alone', async (t) => {
  const {service, record} = make(t, 'serve');
  const stranger = spawn('sleep', ['60'], {stdio: 'ignore'});
  t.teardown(() => stranger.kill('SIGKILL'));
  await service.start();
  await service.stop();
  writeFileSync(record, `${stranger.pid} another-boot/12345\n`);
  t.is((await service.status()).state, 'stopped');
  await service.stop();
  t.is(stranger.exitCode, null);
  t.is(stranger.signalCode, null);
});

for (const text of ['', '1', '0 x\n', '-1 x\n', '1e3 x\n', 'x y\n', '99999999999 x\n']) {
  test(`a damaged pid file is ignored: ${JSON.stringify(text)}`, async (t) => {
    const {service, record} = make(t, 'serve');
    mkdirSync(dirname(record), {recursive: true});
    writeFileSync(record, text);
    t.is((await service.status()).state, 'stopped');
    t.deepEqual(await service.stop(), {kind: 'done', changes: []});
  });
}

test('a log over its limit is renamed', async (t) => {
  const {service, daemon, inState} = make(t, 'serve');
  mkdirSync(daemon.stateDirectory);
  writeFileSync(inState('daemon.log'), 'x'.repeat(1024 * 1024 + 1));
  t.is((await service.start()).kind, 'done');
  t.is(statSync(inState('daemon.log.1')).size, 1024 * 1024 + 1);
  t.is(statSync(inState('daemon.log')).size, 0);
});

test('a log that is a symbolic link is not followed', async (t) => {
  const {service, daemon, inState} = make(t, 'serve');
  mkdirSync(daemon.stateDirectory);
  writeFileSync(inState('victim'), 'as it was');
  symlinkSync('victim', inState('daemon.log'));
  const outcome = await service.start();
  t.is(outcome.kind, 'failed');
  t.regex(JSON.stringify(outcome), /ELOOP/);
  t.is(readFileSync(inState('victim'), 'utf8'), 'as it was');
});

test('the output of a former daemon is not taken for this one', async (t) => {
  const {service, daemon, inState} = make(t, 'refuse');
  mkdirSync(daemon.stateDirectory);
  writeFileSync(inState('daemon.log'), 'ready /run/git.sock\n');
  t.is((await service.start()).kind, 'failed');
});

test('uninstall stops the daemon and forgets its process', async (t) => {
  const {service, inState, record} = make(t, 'serve');
  await service.install();
  await service.uninstall();
  t.throws(() => statSync(record));
  t.throws(() => statSync(inState('runtime-directory')));
  t.is((await service.status()).state, 'stopped');
});
