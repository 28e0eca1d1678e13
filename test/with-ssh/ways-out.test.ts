import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {connect, type Socket} from 'node:net';
import {join} from 'node:path';
import {mock} from 'node:test';

import test, {type ExecutionContext} from 'ava';

import {dial} from '../../src/ssh/relay/dial.ts';
import {KnownHosts} from '../../src/ssh/host/host-keys.ts';
import {connectSsh} from '../../src/ssh/relay/ssh-connection.ts';
import {listenOnLoopback} from '../helpers/listen-on-loopback.ts';
import {SubmoduleWorld} from '../helpers/submodule-world.ts';
import {ManualTimers} from '../helpers/timers.ts';

/** Adds a submodule in a world whose daemon has its own way out; what it holds then. */
async function throughWay(
  t: ExecutionContext,
  way: Parameters<typeof SubmoduleWorld.start>[0],
): Promise<string> {
  const world = await SubmoduleWorld.start(way);
  t.teardown(() => world.close());
  started.push(world);
  world.contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
  await world.home.succeed(['init', '-q', 'app']);
  await world.home.succeed(['submodule', '--quiet', 'add', world.ssh('Web/lib'), 'lib'], {cwd: 'app'});
  return readFileSync(join(world.home.directory, 'app/lib/lib.txt'), 'utf8');
}

const started: SubmoduleWorld[] = [];

test.serial('through a SOCKS5 proxy, which looks the name up', async (t) => {
  const asked: string[] = [];
  const port = await listenOnLoopback(t, (socket) => {
    socket.once('data', () => {
      socket.write(Buffer.of(5, 0));
      socket.once('data', (request: Buffer) => {
        asked.push(request.toString('latin1', 5, request.length - 2));
        const target = connect(started.at(-1)?.cloud.ssh.port ?? 0, '127.0.0.1');
        target.on('error', () => {});
        socket.write(Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
        socket.pipe(target).pipe(socket);
      });
    });
  });
  t.is(await throughWay(t, {environment: {ALL_PROXY: `socks5://127.0.0.1:${port}`}}), 'lib');
  t.deepEqual(new Set(asked), new Set(['ssh.dev.azure.com']));
});

test.serial('through a proxy command, which gets the host and the port', async (t) => {
  const port = await listenOnLoopback(t, (socket) => {
    const target = connect(started.at(-1)?.cloud.ssh.port ?? 0, '127.0.0.1');
    target.on('error', () => {});
    socket.pipe(target).pipe(socket);
  });
  const program = `const [host, port] = process.argv.slice(1); if (host + port !== "ssh.dev.azure.com22") process.exit(1); const s = require("net").connect(${port}, "127.0.0.1"); process.stdin.pipe(s).pipe(process.stdout)`;
  t.is(
    await throughWay(t, {sshProxyCommand: `${process.execPath} -e '${program}' %h %p`, environment: {}}),
    'lib',
  );
});

test.serial(
  'a host that is gone without a word is noticed, by questions that it does not answer',
  async (t) => {
    const world = await SubmoduleWorld.start();
    t.teardown(() => world.close());
    const {cloud, key} = world;
    const links: Socket[] = [];
    const port = await listenOnLoopback(t, (socket) => {
      const target = connect(cloud.ssh.port, '127.0.0.1');
      target.on('error', () => {});
      socket.pipe(target).pipe(socket);
      links.push(socket, target);
    });
    const destination = {host: '127.0.0.1', port};
    const {signal} = new AbortController();
    const timers = new ManualTimers();
    mock.timers.enable({apis: ['setInterval']});
    t.teardown(() => mock.timers.reset());
    const line = await dial(destination, {kind: 'direct'}, {}, signal);
    const connection = await connectSsh(
      {
        ...destination,
        username: 'git',
        hostKeys: new KnownHosts(`127.0.0.1 ${cloud.ssh.publicHostKey}`).keysOf('127.0.0.1', port),
        key,
        owner: 'contoso',
        advice: '',
        howToPin: '',
      },
      line,
      signal,
      timers.start,
    );
    const closed = once(line.stream, 'close');
    for (let count = 0; count < 20; count += 1) timers.fire(15_000);
    const answer = once(line.stream, 'data');
    mock.timers.tick(15_000);
    await answer;
    for (const link of links) link.unpipe().pause();
    // what we do not read does not count
    connection.pause();
    for (let count = 0; count < 40; count += 1) timers.fire(15_000);
    connection.resume();
    // five minutes, and the question after them
    for (let count = 0; count <= 20; count += 1) {
      t.false(line.stream.destroyed, String(count));
      t.is(timers.fire(15_000), 1);
    }
    await closed;
    t.like(connection.failure, {
      code: 'ERR_CONNECTION_LOST',
      message: '127.0.0.1 ended the connection before git was done',
    });
  },
);
