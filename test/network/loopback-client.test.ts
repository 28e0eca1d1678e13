import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import test from 'ava';
import {clientOf} from '../../src/network/loopback-client.ts';
import {testUnless} from '../helpers/test-unless.ts';

const onLinux = testUnless(process.platform === 'linux' ? undefined : 'only Linux names the owner');

/** Returns both ends of a connection. */
async function connection(server: string, client: string): Promise<{accepted: Socket; opened: Socket}> {
  const listener = createServer().listen(0, server);
  await once(listener, 'listening');
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const opened = connect({host: client, port});
  const [accepted] = await once(listener, 'connection');
  listener.close();
  return {accepted, opened};
}

for (const [server, client] of [
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['127.0.0.1', '::ffff:127.0.0.1'],
] as const)
  onLinux(`a client at ${client} of a server at ${server} has its owner`, async (t) => {
    const {accepted, opened} = await connection(server, client);
    const uid = process.getuid?.() ?? 0;
    t.is(clientOf(accepted), 'ours');
    // root counts as ours everywhere
    if (uid !== 0) t.is(clientOf(accepted, uid + 1), 'another-user');
    opened.destroy();
    accepted.destroy();
  });

const TABLE = [
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
  '   0: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 11 1',
  '   1: 0100007F:C001 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 12 1',
  '   2: 0100007F:C002 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 13 1',
  '   3: 0100007F:C003 0100007F:1F90 05 00000000:00000000 00:00000000 00000000     0        0 0 1',
  '   4: 0100007F:C004 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 14 1',
  '   5: 0200007F:C002 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 15 1',
];

for (const [what, remoteAddress, remotePort, expected] of [
  ['another user', '127.0.0.1', 0xc001, 'another-user'],
  ['the same user', '127.0.0.1', 0xc002, 'ours'],
  ['a client that has closed already', '127.0.0.1', 0xc003, 'another-user'],
  ['root', '127.0.0.1', 0xc004, 'ours'],
  ['the same port of another loopback address', '127.0.0.2', 0xc002, 'another-user'],
  ['a client that the table does not have', '127.0.0.1', 0xc005, 'unknown'],
  ['a client beyond loopback', '192.0.2.1', 0xc002, 'unknown'],
] as const)
  test(`the owner of ${what}: ${expected}`, (t) => {
    const ends = {remoteAddress, remotePort, localAddress: '127.0.0.1', localPort: 0x1f90};
    t.is(clientOf(ends, 1000, TABLE), expected);
  });
