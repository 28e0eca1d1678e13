import {generateKeyPairSync} from 'node:crypto';
import {once} from 'node:events';
import {connect, createServer} from 'node:net';

import test from 'ava';
import ssh2 from 'ssh2';

import {startTimer} from '../../../src/start-timer.ts';
import {connectSsh} from '../../../src/ssh/relay/ssh-connection.ts';
import {testKey} from '../../helpers/submodule-world.ts';

const MiB = 1024 * 1024;
const CHUNK = 30_001;

test('a host that sends more than its window allows is cut off, before that fills the memory', async (t) => {
  const pair = generateKeyPairSync('rsa', {modulusLength: 2048});
  const hostKey = pair.privateKey.export({type: 'pkcs1', format: 'pem'});
  const server = new ssh2.Server({hostKeys: [hostKey]}, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (attempt) => attempt.accept());
    client.on('session', (accept) =>
      accept().on('exec', (accept) => {
        const {outgoing} = Object(accept());
        // past the library's channel, which heeds the window; of a size that never brings it to exactly none
        const protocol = Reflect.get(client, '_protocol');
        for (let sent = 0; sent < 64 * MiB; sent += CHUNK)
          protocol.channelData(outgoing.id, Buffer.alloc(CHUNK));
        client.end();
      }),
    );
  });
  const listener = createServer((socket) => server.injectSocket(socket)).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.teardown(() => listener.close());
  const address = listener.address();
  const stream = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  const host = ssh2.utils.parseKey(hostKey);
  if (host instanceof Error) throw host;
  const {key} = await testKey();
  const connection = await connectSsh(
    {
      host: '127.0.0.1',
      port: 22,
      username: 'git',
      hostKeys: [{type: host.type, blob: host.getPublicSSH(), revoked: false}],
      key,
      owner: 'contoso',
      advice: '',
      howToPin: '',
    },
    {stream, reader: undefined},
    new AbortController().signal,
    startTimer,
  );
  // the test does not read it
  const channel = await connection.execute("git-upload-pack 'x'", undefined);
  await once(stream, 'close');
  t.is(connection.failure?.code, 'ERR_CONNECTION_LOST');
  t.true(channel.readableLength > 0);
  t.true(channel.readableLength < 8 * MiB, `${channel.readableLength} bytes were kept`);
});

test('a key that cannot sign has its own code, and the host is not blamed', async (t) => {
  const hostKey = ssh2.utils.generateKeyPairSync('ecdsa', {bits: 256}).private;
  const server = new ssh2.Server({hostKeys: [hostKey]}, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (attempt) => attempt.accept());
  });
  const listener = createServer((socket) => server.injectSocket(socket)).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.teardown(() => listener.close());
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const host = ssh2.utils.parseKey(hostKey);
  if (host instanceof Error) throw host;
  const {key} = await testKey();
  const {publicBlob, fingerprint, algorithms} = key;
  const cause = new Error('the agent is locked');
  const connecting = connectSsh(
    {
      host: '127.0.0.1',
      port: 22,
      username: 'git',
      hostKeys: [{type: host.type, blob: host.getPublicSSH(), revoked: false}],
      key: {publicBlob, fingerprint, algorithms, sign: () => Promise.reject(cause)},
      owner: 'contoso',
      advice: '',
      howToPin: '',
    },
    {stream: connect(port, '127.0.0.1'), reader: undefined},
    new AbortController().signal,
    startTimer,
  );
  const failure = await t.throwsAsync(connecting, {
    code: 'ERR_KEY_HOLDER',
    message: 'the key of contoso cannot sign',
  });
  t.is(failure?.cause, cause);
});
