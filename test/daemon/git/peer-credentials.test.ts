import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {peerCredentials} from '../../../src/daemon/git/peer-credentials.ts';
import {daemonFor} from '../../helpers/daemon.ts';
import {getFor} from '../../helpers/requests.ts';
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

test('the audit trail has the user and the process that asked', async (t) => {
  const pat = 'p'.repeat(52);
  const daemon = await daemonFor(t, {
    configuration: `integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: ${pat}}]}]}\n`,
  });
  t.true((await daemon.ask(getFor('contoso'))).includes(pat));
  await daemon.stop();
  const lines = readFileSync(join(daemon.directory, 'state/audit.jsonl'), 'utf8').trimEnd().split('\n');
  const served = lines
    .map((line): unknown => JSON.parse(line))
    .filter((line) => JSON.stringify(line).includes('credential'));
  t.like(served[0], {event: 'get', uid: process.getuid?.(), pid: process.pid});
});
