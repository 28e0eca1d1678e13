import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';

import test, {type ExecutionContext} from 'ava';
import ssh2 from 'ssh2';

import {dial} from '../../../src/ssh/relay/dial.ts';
import {limitRequests} from '../../../src/ssh/relay/limit-host.ts';
import {connectSsh} from '../../../src/ssh/relay/ssh-connection.ts';
import {messageOf} from '../../../src/text/orgkey-error.ts';
import {byte, string} from '../../../src/ssh/relay/wire.ts';
import {startTimer} from '../../helpers/timers.ts';
import {testKey} from '../../helpers/submodule-world.ts';

/** In bytes; one read. */
const READ = 128 * 1024;

/** Returns a packet before encryption. */
function packet(payload: Buffer): Buffer {
  const padding = 16 - ((payload.length + 5) % 8);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(payload.length + padding + 1, 0);
  head[4] = padding;
  return Buffer.concat([head, payload, Buffer.alloc(padding)]);
}

function offer(...keyExchanges: readonly string[]): Buffer {
  const lists = [
    keyExchanges.join(','),
    'ssh-ed25519',
    'aes128-ctr',
    'aes128-ctr',
    'hmac-sha2-256',
    'hmac-sha2-256',
    'none',
    'none',
    '',
    '',
  ];
  return packet(
    Buffer.concat([byte(20), Buffer.alloc(16), ...lists.map((list) => string(list)), Buffer.alloc(5)]),
  );
}

const banner = Buffer.from('SSH-2.0-raw\r\n');
/** Serves raw bytes: `serve` gets each connection. */
async function talk(t: ExecutionContext, serve: (socket: Socket) => void) {
  // before the connection: what arrives without a listener is lost
  const {key} = await testKey();
  const server = createServer((socket) => {
    serve(socket.on('error', () => undefined).resume());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const {signal} = new AbortController();
  const line = await dial({host: '127.0.0.1', port}, {kind: 'direct'}, {}, signal);
  const target = {
    host: 'h',
    port: 22,
    username: 'git',
    hostKeys: [],
    key,
    owner: 'o',
    advice: '',
    howToPin: '',
  };
  const error: unknown = await connectSsh(target, line, signal, startTimer).catch(
    (reason: unknown) => reason,
  );
  const {stream} = line;
  const read: unknown = Reflect.get(stream, 'bytesRead');
  return {
    message: error instanceof Error ? error.message : 'connected',
    read: Number(read),
  };
}

const floods: readonly (readonly [name: string, first: Buffer, again: Buffer])[] = [
  ['lines before the banner', Buffer.alloc(0), Buffer.from('hello\r\n'.repeat(1000))],
  ['one endless line', Buffer.alloc(0), Buffer.alloc(10_000, 'x')],
  [
    'IGNORE',
    banner,
    Buffer.concat(Array.from({length: 500}, () => packet(Buffer.concat([byte(2), string('x')])))),
  ],
  [
    'DEBUG',
    banner,
    Buffer.concat(
      Array.from({length: 500}, () => packet(Buffer.concat([byte(4), byte(0), string('x'), string('')]))),
    ),
  ],
  ['KEXINIT', banner, offer('curve25519-sha256')],
];

for (const [name, first, again] of floods)
  test(`a host that floods us with ${name} is cut off after 256 KiB`, async (t) => {
    const {message, read} = await talk(t, (socket) => {
      socket.write(first);
      const more = () => {
        while (!socket.destroyed && socket.write(again));
      };
      socket.on('drain', more);
      more();
    });
    t.not(message, 'connected');
    t.true(read <= 256 * 1024 + READ, `${read} bytes were read`);
  });

for (const name of [
  'diffie-hellman-group-exchange-sha256',
  'diffie-hellman-group18-sha512',
  'diffie-hellman-group17-sha512',
])
  test(`${name}, which costs seconds of computing, is not offered`, async (t) => {
    const {message} = await talk(t, (socket) => socket.write(Buffer.concat([banner, offer(name)])));
    t.regex(message, /no algorithm in common/);
  });

test('requests of the host are bounded, and counted again after each period', async (t) => {
  const handled: string[] = [];
  const handlers: Record<string, (...args: unknown[]) => void> = {
    GLOBAL_REQUEST: () => handled.push('global'),
    CHANNEL_OPEN: () => handled.push('open'),
  };
  const client = new ssh2.Client();
  t.is(limitRequests(client), undefined, 'a client without these fields is left alone');
  Reflect.set(client, '_protocol', {_handlers: handlers});
  const again = limitRequests(client);
  const send = (count: number) => {
    for (let sent = 0; sent < count; sent += 1)
      handlers[sent % 2 === 0 ? 'GLOBAL_REQUEST' : 'CHANNEL_OPEN']?.();
  };
  send(100);
  t.throws(() => send(1), {message: /more than 100 requests/});
  again?.();
  send(100);
  t.is(handled.length, 200);
});

test('a host that opens channels without end is cut off', async (t) => {
  const hostKey = ssh2.utils.generateKeyPairSync('ecdsa', {bits: 256}).private;
  const server = new ssh2.Server({hostKeys: [hostKey]}, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (attempt) => attempt.accept());
    client.on('ready', () => {
      const protocol: unknown = Reflect.get(client, '_protocol');
      if (typeof protocol !== 'object' || protocol === null) return;
      const ping: unknown = Reflect.get(protocol, 'ping');
      if (typeof ping === 'function')
        for (let sent = 0; sent < 1000; sent += 1) Reflect.apply(ping, protocol, []);
    });
  });
  const listener = createServer((socket) => server.injectSocket(socket)).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.teardown(() => listener.close());
  const address = listener.address();
  const stream = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  const host = ssh2.utils.parseKey(hostKey);
  if (host instanceof Error) throw host;
  const {key} = await testKey();
  const hostKeys = [{type: host.type, blob: host.getPublicSSH(), revoked: false}];
  const target = {host: 'h', port: 22, username: 'git', hostKeys, key, owner: 'o', advice: '', howToPin: ''};
  const ended = once(stream, 'close');
  const connecting = connectSsh(
    target,
    {stream, reader: undefined},
    new AbortController().signal,
    startTimer,
  );
  await ended;
  const failure = await connecting.then(
    (connection) => connection.failure,
    (reason: unknown) => reason,
  );
  t.regex(messageOf(failure), /ended the connection before git was done|more than 100 requests/);
});
