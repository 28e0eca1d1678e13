import {readdirSync, readlinkSync, rmSync} from 'node:fs';
import type {Socket} from 'node:net';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {GitSocket} from '../../../src/daemon/git/git-socket.ts';
import {askPath} from '../../helpers/daemon.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';
import {testUnless, whyNotLinux} from '../../helpers/test-unless.ts';

/** Opens a socket whose connections wait until `answer` is called. */
async function openIn(t: ExecutionContext) {
  const waiting: Socket[] = [];
  const socket = new GitSocket({
    scope: {name: 'git', organizations: undefined},
    path: join(scratchDirectory(t), 'git.sock'),
    fd: undefined,
    mode: 0o600,
    group: undefined,
    serve: (client) => void waiting.push(client.resume()),
    proofOf: () => 'proof',
  });
  await socket.open();
  t.teardown(() => socket.drain());
  const answer = (text: string) => {
    for (const client of waiting.splice(0)) client.end(text);
  };
  return {socket, waiting, answer};
}

/** Returns how many sockets this process has. Node opens and closes other files meanwhile. */
function socketCount(): number {
  return readdirSync('/proc/self/fd').filter(isSocket).length;
}

function isSocket(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
  } catch {
    return false;
  }
}

async function removeAndTakeBack(socket: GitSocket): Promise<void> {
  rmSync(socket.path);
  await socket.takeBack();
}

test('a client that was accepted before the socket was taken back is answered', async (t) => {
  const {socket, waiting, answer} = await openIn(t);
  const before = askPath(socket.path, 'x');
  while (waiting.length === 0) await new Promise(setImmediate);
  await removeAndTakeBack(socket);
  const after = askPath(socket.path, 'x');
  while (waiting.length < 2) await new Promise(setImmediate);
  t.is(socket.connections, 2);
  let isDrained = false;
  const drained = socket.drain().then(() => (isDrained = true));
  await new Promise(setImmediate);
  t.false(isDrained);
  answer('answer');
  t.deepEqual(await Promise.all([before, after]), ['answer', 'answer']);
  await drained;
});

// serial: it counts the sockets of this process
testUnless(whyNotLinux, test.serial)(
  'a socket that is taken back ten times has one descriptor',
  async (t) => {
    const {socket} = await openIn(t);
    const before = socketCount();
    for (let times = 0; times < 10; times++) await removeAndTakeBack(socket);
    t.is(socketCount(), before);
  },
);
