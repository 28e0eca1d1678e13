import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {peerCredentials} from '../../../src/daemon/git/peer-credentials.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';

async function accepted(t: ExecutionContext): Promise<Socket> {
  const path = join(scratchDirectory(t), 'socket');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const client = connect(path);
  const [socket] = await once(server, 'connection');
  t.teardown(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  return socket;
}

test('the kernel names the process at the other end', async (t) => {
  const askPeer = await peerCredentials();
  t.deepEqual(askPeer(await accepted(t)), {uid: process.getuid?.(), pid: process.pid});
});

test('a closed socket has no name', async (t) => {
  const askPeer = await peerCredentials();
  const socket = await accepted(t);
  socket.destroy();
  await once(socket, 'close');
  t.is(askPeer(socket), undefined);
});

for (const [what, load] of [
  ['is not installed', () => Promise.reject(new Error('ERR_MODULE_NOT_FOUND'))],
  ['is another one', () => Promise.resolve({default: {}})],
  [
    'does not find the function',
    () =>
      Promise.resolve({
        load() {
          throw new Error('cannot find getsockopt');
        },
      }),
  ],
] as const)
  test(`clients have no name if the package ${what}`, async (t) => {
    const askPeer = await peerCredentials(load);
    t.is(askPeer(await accepted(t)), undefined);
  });
