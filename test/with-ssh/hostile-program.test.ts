import {spawnSync} from 'node:child_process';
import {chmodSync, existsSync, readdirSync, statSync} from 'node:fs';
import {connect, createServer, type Socket} from 'node:net';
import {join} from 'node:path';
import {once} from 'node:events';

import test, {type ExecutionContext} from 'ava';

import type {GrantRequest} from '../../src/protocol/request.ts';
import {Relay} from '../../src/ssh/relay/relay.ts';
import {SshFailure} from '../../src/ssh/ssh-failure.ts';
import {byte, string, uint32} from '../../src/ssh/relay/wire.ts';
import {everybody} from '../helpers/grant-daemon.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {execution, opening, packet, packetTypes, reader} from '../helpers/mux-client.ts';
import {SubmoduleWorld} from '../helpers/submodule-world.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';

/** A program of the same user that got a genuine grant, and lies about what it wants from then on. */
async function withGrant(t: ExecutionContext): Promise<{world: SubmoduleWorld; socket: string}> {
  const world = await SubmoduleWorld.start();
  t.teardown(() => world.close());
  world.contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
  await world.contoso.repository('Web', 'lib')?.ready();
  const answer = await world.daemon.grants.answer(asking(), everybody);
  if (answer.kind !== 'grant') throw new Error(`no grant: ${JSON.stringify(answer)}`);
  return {world, socket: join(world.daemon.directory, answer.socket)};
}

const COMMAND = "git-upload-pack 'v3/contoso/Web/lib'";

function asking(command = COMMAND): GrantRequest {
  return {
    operation: 'grant',
    destination: 'git@ssh.dev.azure.com',
    port: undefined,
    command,
    directory: '/proc/0/missing',
  };
}

function ssh(world: SubmoduleWorld, socket: string, ...args: string[]) {
  return world.home.run('ssh', ['-F', 'none', '-S', socket, '-O', 'proxy', ...args]);
}

for (const [what, args] of [
  ['another repository', ['-T', 'git@ssh.dev.azure.com', "git-upload-pack 'v3/contoso/Web/other'"]],
  ['a push', ['-T', 'git@ssh.dev.azure.com', "git-receive-pack 'v3/contoso/Web/lib'"]],
  ['a command of its own', ['-T', 'git@ssh.dev.azure.com', 'sh -c id']],
  ['a shell', ['-T', 'git@ssh.dev.azure.com']],
  ['a terminal', ['-tt', 'git@ssh.dev.azure.com']],
  ['a subsystem', ['-T', '-s', 'git@ssh.dev.azure.com', 'sftp']],
  ['the command with its agent', ['-A', '-tt', 'git@ssh.dev.azure.com', 'git-upload-archive']],
] as const)
  test(`${what} is not run, and the server hears nothing of it`, async (t) => {
    const {world, socket} = await withGrant(t);
    const {code, stdout} = await ssh(world, socket, ...args);
    t.not(code, 0);
    t.is(stdout, '');
    t.deepEqual(
      [...world.cloud.sshRequests]
        .map(({kind}) => kind)
        .filter((kind) => kind !== 'connection' && kind !== 'authentication'),
      [],
    );
  });

test('forwarding leads nowhere', async (t) => {
  const {world, socket} = await withGrant(t);
  const {code} = await ssh(
    world,
    socket,
    '-T',
    '-o',
    'ExitOnForwardFailure=yes',
    '-W',
    '127.0.0.1:22',
    'git@ssh.dev.azure.com',
  );
  t.not(code, 0);
  t.false([...world.cloud.sshRequests].some(({kind}) => kind === 'forward' || kind === 'exec'));
});

test('a grant is for one connection', async (t) => {
  const {world, socket} = await withGrant(t);
  const first = connect(socket);
  await once(first, 'connect');
  const second = connect(socket);
  const refusal = new Promise((resolve) => second.once('error', resolve));
  // gone already, or cut off from the queue
  await Promise.race([refusal, once(second, 'end').catch(() => {})]);
  t.is(second.bytesRead, 0);
  t.false(existsSync(socket));
  t.is(world.daemon.grants.active, 1);
  first.destroy();
});

test('two commands over one grant: the second is refused', async (t) => {
  const {world, socket} = await withGrant(t);
  const client = connect(socket);
  const hear = reader(client);
  client.write(Buffer.concat([...opening(), execution(COMMAND), execution(COMMAND)]));
  await hear(() => [...world.cloud.sshRequests].some(({kind}) => kind === 'exec'));
  const types = packetTypes(await hear((bytes) => packetTypes(bytes).includes(100)));
  t.deepEqual(
    types.filter((type) => type === 99 || type === 100),
    [99, 100],
  );
  client.destroy();
  await world.cloud.sshRequests.waitFor({kind: 'exec'});
  t.is(world.commands.length, 1);
});

test('variables of its own do not reach the host, git’s protocol version does', async (t) => {
  const {world, socket} = await withGrant(t);
  const client = connect(socket);
  const hear = reader(client);
  client.write(
    Buffer.concat([
      ...opening(),
      variable('LD_PRELOAD', '/tmp/evil.so'),
      variable('GIT_PROTOCOL', 'version=2:$(id)'),
      variable('GIT_PROTOCOL', 'version=2'),
      execution(COMMAND),
    ]),
  );
  const types = packetTypes(await hear((bytes) => packetTypes(bytes).includes(94)));
  t.deepEqual(
    types.filter((type) => type === 99 || type === 100),
    [100, 100, 99, 99],
  );
  const seen = [...world.cloud.sshRequests].filter(({kind}) => kind === 'env');
  t.deepEqual(
    seen.map(({variable}) => variable),
    ['GIT_PROTOCOL=version=2'],
  );
  client.destroy();
});

function variable(name: string, value: string): Buffer {
  return packet(98, uint32(0), string('env'), byte(1), string(name), string(value));
}

test('a message of 256 KiB is read, a longer one closes the connection, and neither reaches the host', async (t) => {
  for (const [length, isRead] of [
    [256 * 1024, true],
    [256 * 1024 + 1, false],
  ] as const) {
    const {world, socket} = await withGrant(t);
    const client = connect(socket);
    const hear = reader(client);
    // a request to run something that begins as what was granted
    const command = COMMAND.padEnd(length - 2 - 4 - 8 - 1 - 4, ' ');
    const message = execution(command);
    t.is(message.length, 4 + length);
    client.write(Buffer.concat([...opening(), message]));
    if (isRead) t.true(packetTypes(await hear((bytes) => packetTypes(bytes).includes(100))).includes(100));
    else await new Promise((resolve) => client.once('close', resolve));
    t.deepEqual(world.commands, []);
    client.destroy();
  }
});

test('a program that asks without end and hears nothing is not listened to', async (t) => {
  const path = join(scratchDirectory(t), 'socket');
  const server = createServer().listen(path);
  t.teardown(() => server.close());
  await once(server, 'listening');
  const client = connect(path);
  t.teardown(() => client.destroy());
  const [socket] = (await once(server, 'connection')) as [Socket];
  const never = Promise.withResolvers<never>();
  const advice = {pattern: /^$/, failure: new SshFailure('ERR_KEY_REFUSED', 'no')};
  const relaying = new Relay({
    socket,
    command: COMMAND,
    connection: never.promise,
    advice,
    startTimer: () => () => {},
  });
  client.write(Buffer.concat(opening()));
  const question = packet(90, string(''), Buffer.alloc(12));
  const many = Buffer.concat(Array.from({length: 1000}, () => question));
  let asked = 0;
  // what both sides' buffers hold is far below these 22 MB
  for (; asked < 1_000_000 && !socket.isPaused(); asked += 1000) {
    client.write(many);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.true(asked < 1_000_000);
  t.true(socket.writableLength < 1024 * 1024);
  // a client that reads gets every answer
  const hear = reader(client);
  t.is(refused(await hear((bytes) => refused(bytes) === asked)), asked);
  client.destroy();
  await relaying.done;
  never.reject(new Error('nobody waits for it'));
});

/** How many channels. */
function refused(bytes: Buffer): number {
  return packetTypes(bytes).filter((type) => type === 92).length;
}

test('garbage closes the connection, and the dialed one with it', async (t) => {
  for (const garbage of [
    'GET / HTTP/1.1\r\n\r\n',
    '\0\0\0\0',
    'SSH-2.0-OpenSSH_9.2\r\n',
    '\xff\xff\xff\xff',
  ]) {
    const {world, socket} = await withGrant(t);
    const client = connect(socket);
    client.on('error', () => {});
    client.write(Buffer.from(garbage, 'latin1'));
    await once(client, 'close');
    t.is(client.bytesRead, 0, garbage);
    t.like(
      world.daemon.events.find(({kind}) => kind === 'granted'),
      {kind: 'granted'},
    );
    t.deepEqual(world.commands, []);
  }
});

test('the socket of a grant is its owner’s alone, and has a name that cannot be guessed', async (t) => {
  const {world, socket} = await withGrant(t);
  t.is(statSync(socket).mode & 0o777, 0o600);
  t.is(statSync(join(world.daemon.directory, 'ssh')).mode & 0o777, 0o700);
  t.regex(readdirSync(join(world.daemon.directory, 'ssh'))[0] ?? '', /^[0-9a-f]{24}$/);
});

testUnless(whyNotRoot)('another user does not get to it', async (t) => {
  const {socket} = await withGrant(t);
  // the directory above is opened, so that the two modes that count are met
  chmodSync(join(socket, '../..'), 0o711);
  const connecting = (uid: number) =>
    spawnSync(
      process.execPath,
      [
        '-e',
        `require('net').connect(process.argv[1]).on('error', (e) => console.log(e.code)).on('connect', () => process.exit())`,
        socket,
      ],
      {uid, gid: uid, cwd: '/', encoding: 'utf8'},
    ).stdout.trim();
  t.is(connecting(65_534), 'EACCES');
  chmodSync(join(socket, '..'), 0o711);
  t.is(connecting(65_534), 'EACCES');
  t.is(connecting(0), '');
});

test('a program that stays when all is done keeps neither the host nor the daemon', async (t) => {
  const {world, socket} = await withGrant(t);
  const client = connect(socket);
  t.teardown(() => client.destroy());
  const hear = reader(client);
  const nothing = packet(94, uint32(0), string('0000'));
  client.write(Buffer.concat([...opening(), execution(COMMAND), nothing]));
  await hear((bytes) => packetTypes(bytes).includes(97));
  while (world.daemon.grants.active > 0) await new Promise((resolve) => setImmediate(resolve));
  while (world.cloud.ssh.open > 0) await new Promise((resolve) => setImmediate(resolve));
  t.false(client.destroyed);
  t.is(world.daemon.events.at(-1)?.kind, 'granted');
  await world.daemon.grants.drain(60_000);
  t.like(world.daemon.events.at(-1), {kind: 'ended', relayed: {exitCode: 0}});
});

test('a program that hangs up leaves nothing behind', async (t) => {
  const {world, socket} = await withGrant(t);
  const client = connect(socket);
  const hear = reader(client);
  client.write(Buffer.concat([...opening(), execution(COMMAND)]));
  // the server's greeting is on its way
  await hear((bytes) => packetTypes(bytes).includes(94));
  client.destroy();
  await world.daemon.grants.drain(60_000);
  t.is(world.daemon.grants.active, 0);
  t.like(world.daemon.events.at(-1), {kind: 'ended'});
});
