import {once} from 'node:events';
import {chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

import test, {type ExecutionContext} from 'ava';

import type {SubmoduleSettings} from '../../src/config/configuration.ts';
import {dial} from '../../src/ssh/relay/dial.ts';
import {KnownHosts} from '../../src/ssh/host/host-keys.ts';
import {makePrivateKey} from '../../src/ssh/key/private-key.ts';
import {connectSsh} from '../../src/ssh/relay/ssh-connection.ts';
import {SshFailure} from '../../src/ssh/ssh-failure.ts';
import {agentsOf, goneProcess, readProcess} from '../helpers/agents-of.ts';
import {everybody, ruleFor} from '../helpers/grant-daemon.ts';
import {HeldTransfer} from '../helpers/mux-client.ts';
import {SubmoduleWorld, testKey} from '../helpers/submodule-world.ts';
import {startTimer} from '../helpers/timers.ts';

type WorldOptions = NonNullable<Parameters<typeof SubmoduleWorld.start>[0]>;

function temporary(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'holder '));
  t.teardown(() => rmSync(directory, {recursive: true, force: true}));
  return directory;
}

/** A world in which an agent is to hold the key, which comes from a file. */
async function inWorld(t: ExecutionContext, options: WorldOptions = {}) {
  const {privateKey} = await testKey();
  const keyFile = join(temporary(t), 'key');
  writeFileSync(keyFile, privateKey, {mode: 0o600});
  const rules: SubmoduleSettings[] = [];
  const world = await SubmoduleWorld.start({submodules: rules, sshKeyHolder: 'agent', ...options});
  t.teardown(() => world.close());
  const {contoso, cloud} = world;
  const rule: SubmoduleSettings = {
    ...ruleFor('', {organizations: ['contoso'], knownHosts: cloud.knownHosts()}),
    privateKey: {from: 'file', path: keyFile},
  };
  rules.push(rule);
  contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
  contoso.addRepository('Web/app', {submodules: [{path: 'lib', url: world.ssh('Web/lib')}]});
  const clone = async (to: string) => {
    const command = ['clone', '-q', '--recurse-submodules', world.https('Web/app'), to];
    const {code, stderr} = await world.home.git(command, {environment: world.plain});
    return code === 0 ? readFileSync(join(world.home.directory, to, 'lib/lib.txt'), 'utf8') : stderr;
  };
  return {world, rules, rule, keyFile, clone, agents: () => agentsOf(world.daemon.directory)};
}

test('a clone with submodules: the agent is started for it, and signs with SHA-2', async (t) => {
  const {world, clone, agents} = await inWorld(t);
  t.deepEqual(agents(), []);
  t.is(await clone('app'), 'lib');
  t.is(agents().length, 1);
  const algorithms = [...world.cloud.sshRequests].flatMap(({kind, algorithm}) =>
    kind === 'authentication' ? [algorithm] : [],
  );
  t.deepEqual(new Set(algorithms), new Set(['rsa-sha2-512']));
});

test('twelve submodules with six jobs: one agent signs for all', async (t) => {
  const {world, agents} = await inWorld(t);
  const names = Array.from({length: 12}, (_, at) => `lib-${at}`);
  for (const name of names) world.contoso.addRepository(`Web/${name}`, {files: {'name.txt': name}});
  world.contoso.addRepository('Web/all', {
    submodules: names.map((name) => ({path: name, url: world.ssh(`Web/${name}`)})),
  });
  await world.home.succeed(['clone', '-q', '--recurse-submodules', '-j6', world.https('Web/all'), 'all']);
  for (const name of names)
    t.is(readFileSync(join(world.home.directory, 'all', name, 'name.txt'), 'utf8'), name);
  t.is(agents().length, 1);
});

test('after the first grant nobody else gets to the agent, and its arguments and variables say nothing', async (t) => {
  const {world, clone, agents} = await inWorld(t);
  t.is(await clone('app'), 'lib');
  const [agent = 0] = agents();
  const path = readProcess(agent, 'cmdline').split('\0').at(-2) ?? '';
  t.true(path.startsWith(join(world.daemon.directory, 'ssh/agent-')), path);
  t.deepEqual(readdirSync(join(world.daemon.directory, 'ssh')), []);
  const [error] = (await once(connect(path), 'error')) as [NodeJS.ErrnoException];
  t.is(error.code, 'ENOENT');
  // whoever was connected before it got the key would still be
  const connections = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(` ${path}`));
  t.is(connections.length, 2);
  const variables = readProcess(agent, 'environ').split('\0').filter(Boolean);
  t.true(
    variables.every((variable) => /^(?:PATH|PWD)=/.test(variable)),
    variables.join('\n'),
  );
  const lines = world.privateKey.split('\n').filter((line) => line.length > 40);
  for (const pid of [agent, Number(/^PPid:\t(\d+)$/m.exec(readProcess(agent, 'status'))?.[1])])
    for (const line of lines)
      t.false(`${readProcess(pid, 'cmdline')}${readProcess(pid, 'environ')}`.includes(line));
});

test('an agent that was killed is replaced by the next grant, and what runs goes on', async (t) => {
  const {world, clone, agents} = await inWorld(t);
  world.contoso.addRepository('Web/big', {size: 2 * 1024 * 1024});
  await world.contoso.repository('Web', 'big')?.ready();
  const running = await HeldTransfer.start(
    await grantFor(world, 'big'),
    "git-upload-pack 'v3/contoso/Web/big'",
  );
  const [first = 0] = agents();
  process.kill(first, 'SIGKILL');
  await goneProcess(first);
  t.is(await clone('app'), 'lib');
  const [second = 0, ...others] = agents();
  t.not(second, first);
  t.deepEqual(others, []);
  t.is((await running.finish()).toString('latin1', 0, 4), 'PACK');
});

test('whoever ends the shell beside the agent ends the agent too', async (t) => {
  const {clone, agents} = await inWorld(t);
  t.is(await clone('app'), 'lib');
  const [first = 0] = agents();
  process.kill(Number(/^PPid:\t(\d+)$/m.exec(readProcess(first, 'status'))?.[1]), 'SIGKILL');
  await goneProcess(first);
  t.is(await clone('again'), 'lib');
});

test('an agent that ends before it has signed: the sentence does not blame the host', async (t) => {
  const {world} = await inWorld(t);
  const {cloud, key} = world;
  const failure = new SshFailure('ERR_KEY_HOLDER', 'the private ssh-agent is gone');
  const abort = new AbortController();
  const destination = {host: '127.0.0.1', port: cloud.ssh.port};
  const target = {
    ...destination,
    username: 'git',
    hostKeys: new KnownHosts(`127.0.0.1 ${cloud.ssh.publicHostKey}`).keysOf('127.0.0.1', cloud.ssh.port),
    owner: 'contoso',
    advice: '',
    howToPin: '',
  };
  for (const [cause, expected] of [
    [failure, {code: 'ERR_KEY_HOLDER', message: 'the private ssh-agent is gone'}],
    [new Error('of the library'), {code: 'ERR_KEY_HOLDER', message: 'the key of contoso cannot sign'}],
  ] as const) {
    const {publicBlob, fingerprint, algorithms} = key;
    const sign = () => Promise.reject(cause);
    const line = await dial(destination, {kind: 'direct'}, {}, abort.signal);
    const connecting = connectSsh(
      {...target, key: {publicBlob, fingerprint, algorithms, usable: true, sign}},
      line,
      abort.signal,
      startTimer,
    );
    t.like(await t.throwsAsync(connecting), expected);
  }
});

/** The path of the socket of a grant for a repository of `contoso/Web`. */
async function grantFor({daemon}: SubmoduleWorld, repository: string): Promise<string> {
  const answer = await daemon.grants.answer(
    {
      operation: 'grant',
      destination: 'git@ssh.dev.azure.com',
      port: undefined,
      command: `git-upload-pack 'v3/contoso/Web/${repository}'`,
      directory: '/proc/0/missing',
    },
    everybody,
  );
  if (answer.kind !== 'grant') throw new Error(`no grant: ${JSON.stringify(answer)}`);
  return join(daemon.directory, answer.socket);
}

/** A directory for the PATH in which only these programs are; `undefined`: not even that. */
function pathWith(t: ExecutionContext, agent: string | undefined): string {
  const directory = join(temporary(t), 'bin');
  mkdirSync(directory);
  if (agent !== undefined) {
    writeFileSync(join(directory, 'ssh-agent'), agent);
    chmodSync(join(directory, 'ssh-agent'), 0o755);
  }
  return directory;
}

const node = (program: string) => `#!${process.execPath}\n${program}\n`;
const listening = `const path = process.argv.at(-1), server = require('net').createServer();
const told = () => console.log('SSH_AUTH_SOCK=' + path + '; export SSH_AUTH_SOCK;');
const keys = Buffer.from([0, 0, 0, 5, 12, 0, 0, 0, 0]);`;

for (const [what, agent, sentence] of [
  ['there is none', undefined, 'there is no ssh-agent on the PATH of the daemon'],
  [
    'it is too old for the options',
    '#!/bin/sh\necho "unknown option -- D" >&2; exit 1\n',
    'the ssh-agent does not start: unknown option -- D',
  ],
  ['it ends without a word', '#!/bin/sh\nexit 1\n', 'the ssh-agent does not start: it says nothing'],
  ['it listens nowhere', '#!/bin/sh\necho here; exec cat\n', 'the private ssh-agent cannot be reached'],
  [
    'somebody else was connected first',
    node(`${listening}
server.on('connection', (socket) => socket.on('data', () => socket.write(keys)));
server.listen(path, () => require('net').connect(path, told));`),
    'another program has connected to the private ssh-agent',
  ],
  [
    'somebody else connects before it has answered us',
    node(`${listening}
server.on('connection', (socket) => socket.on('data', () => {
  require('net').connect(path);
  socket.write(keys);
}));
server.listen(path, told);`),
    'another program has connected to the private ssh-agent',
  ],
  [
    'it hangs up at once',
    node(`${listening} server.on('connection', (socket) => socket.destroy()).listen(path, told);`),
    'the private ssh-agent is gone',
  ],
  [
    'it takes no keys',
    node(`${listening}
server.on('connection', (socket) => socket.on('data', (data) => socket.write(data[4] === 11 ? keys : Buffer.from([0, 0, 0, 1, 5]))));
server.listen(path, told);`),
    'the private ssh-agent refuses',
  ],
] as const)
  test(`where an agent cannot hold the key it is told, and the daemon does not: ${what}`, async (t) => {
    const {world, clone, agents} = await inWorld(t, {environment: {PATH: pathWith(t, agent)}});
    const stderr = await clone('app');
    t.true(stderr.includes(`orgkey: error: the submodule key of contoso: ${sentence}\n`), stderr);
    t.regex(stderr, /^orgkey: hint: \S/m);
    t.notRegex(stderr, /plain ssh/);
    t.deepEqual([...world.cloud.sshRequests], []);
    t.is(world.daemon.grants.trouble?.message, sentence);
    t.deepEqual(agents(), []);
    t.deepEqual(readdirSync(join(world.daemon.directory, 'ssh')), []);
  });

test('that there is no agent is known before anybody asks', async (t) => {
  const {world, rules} = await inWorld(t, {environment: {PATH: pathWith(t, undefined)}});
  await world.daemon.grants.followConfiguration();
  t.regex(world.daemon.grants.trouble?.message ?? '', /no ssh-agent/);
  rules.pop();
  await world.daemon.grants.followConfiguration();
  t.is(world.daemon.grants.trouble, undefined);
});

test('a key that the configuration has no more leaves the agent, and the last one ends it', async (t) => {
  const {world, clone, rules, rule, agents} = await inWorld(t);
  const {secret} = await makePrivateKey();
  const file = join(temporary(t), 'other');
  writeFileSync(file, secret.revealText(), {mode: 0o600});
  rules.push({
    ...ruleFor('', {organizations: ['northwind'], knownHosts: world.cloud.knownHosts()}),
    privateKey: {from: 'file', path: file},
  });
  t.is(await clone('app'), 'lib');
  const other = {
    operation: 'grant',
    destination: 'git@ssh.dev.azure.com',
    port: undefined,
    command: "git-upload-pack 'v3/northwind/Web/lib'",
    directory: '/proc/0/missing',
  } as const;
  t.is((await world.daemon.grants.answer(other, everybody)).kind, 'grant');
  const [agent] = agents();
  await world.daemon.grants.followConfiguration();
  t.deepEqual(agents(), [agent], 'both keys are still wanted');
  rules.pop();
  await world.daemon.grants.followConfiguration();
  t.deepEqual(agents(), [agent], 'one is');
  t.is(await clone('again'), 'lib');
  t.deepEqual(agents(), [agent]);
  rules.pop();
  await world.daemon.grants.followConfiguration();
  t.deepEqual(agents(), []);
  rules.push(rule);
  t.is(await clone('once more'), 'lib');
  t.is(agents().length, 1);
});

test('a key that was replaced in its file is the one that is used after a reload', async (t) => {
  const {world, clone, keyFile, agents} = await inWorld(t);
  t.is(await clone('app'), 'lib');
  const {secret, key} = await makePrivateKey();
  writeFileSync(keyFile, secret.revealText());
  world.contoso.removeSshKey(world.key.publicLine('test'));
  world.contoso.addSshKey(key.publicLine('new'));
  await world.daemon.grants.followConfiguration();
  t.is(await clone('again'), 'lib');
  t.is(agents().length, 1);
  t.like(world.daemon.events.at(-1), {fingerprint: key.fingerprint});
});

test('a file that others can read by now is not read', async (t) => {
  const {clone, keyFile} = await inWorld(t);
  chmodSync(keyFile, 0o644);
  t.regex(
    await clone('app'),
    /orgkey: error: the submodule key of contoso: it cannot be read: the file \S.* holds a secret and can be read by others/,
  );
});

test('when the daemon ends, the transfers are finished before the agent ends', async (t) => {
  const {world, agents} = await inWorld(t);
  world.contoso.addRepository('Web/big', {size: 2 * 1024 * 1024});
  await world.contoso.repository('Web', 'big')?.ready();
  const running = await HeldTransfer.start(
    await grantFor(world, 'big'),
    "git-upload-pack 'v3/contoso/Web/big'",
  );
  const drained = world.daemon.grants.drain(60_000);
  t.is(agents().length, 1);
  await running.finish();
  await drained;
  t.deepEqual(agents(), []);
});

test('a host that signs with SHA-1 only is refused as ever', async (t) => {
  const {world, clone} = await inWorld(t);
  world.cloud.ssh.configure({algorithms: {serverHostKey: ['ssh-rsa']}});
  t.regex(
    await clone('app'),
    /^orgkey: error: ssh\.dev\.azure\.com signs with SHA-1 only, which can be forged$/m,
  );
});

test('a key that the organization does not know is told as ever', async (t) => {
  const {world, clone} = await inWorld(t);
  world.contoso.removeSshKey(world.key.publicLine('test'));
  t.regex(await clone('app'), /^orgkey: error: Azure DevOps does not know the submodule key of contoso/m);
});
