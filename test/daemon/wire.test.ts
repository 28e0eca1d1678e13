import test from 'ava';
import {connect, type Socket} from 'node:net';
import {once} from 'node:events';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {MAX_REQUEST} from '../../src/protocol/request.ts';
import {askPath, startDaemon, type TestDaemon, daemonFor} from '../helpers/daemon.ts';

const pat = 'p'.repeat(52);
const configuration = `integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: ${pat}}]}]}\n`;
const good = 'action=get\ntimeout=900\nprotocol=https\nhost=dev.azure.com\npath=contoso/web/_git/site\n';

let daemon: TestDaemon;

test.before(async () => {
  daemon = await startDaemon({configuration});
});

test.after.always(() => daemon.close());

test('a client that has half-closed is answered', async (t) => {
  t.is(await daemon.ask(good), `orgkey=1\nusername=orgkey\npassword=${pat}\n`);
});

test('a request in single bytes is answered', async (t) => {
  const socket = connect({path: daemon.socket, allowHalfOpen: true});
  const answer = readAll(socket);
  for (const byte of Buffer.from(good)) socket.write(Buffer.of(byte));
  socket.end();
  t.true((await answer).includes(pat));
});

const nothing = 'orgkey=1\n';

for (const [title, request] of [
  ['nothing at all', ''],
  ['one byte', 'a'],
  ['no newline at the end', good.slice(0, -1)],
  ['64 KiB and one byte', `${good}x=${'y'.repeat(MAX_REQUEST + 1 - good.length - 3)}\n`],
  ['a megabyte', `${good}x=${'y'.repeat(1 << 20)}\n`],
  ['a NUL', good.replace('contoso', 'contoso\0')],
  ['a bare carriage return', good.replace('contoso', 'contoso\r')],
  ['a line separator for a newline', good.replace('\nhost', '\u2028host')],
  ['a key twice', `${good}host=dev.azure.com\n`],
  ['no host', good.replace('host=dev.azure.com\n', '')],
  ['no path', good.replace(/path=.*\n/, '')],
  ['a url', `${good}url=https://dev.azure.com/contoso/x\n`],
  ['exit', 'action=exit\ntimeout=0\n'],
  ['an unknown action', good.replace('get', 'gett')],
  ['another organization', good.replace('contoso', 'fabrikam')],
] as const) {
  test(`a request gets no answer: ${title}`, async (t) => {
    t.is(await daemon.ask(Buffer.from(request, 'utf8')), nothing);
  });
}

test('a request of exactly 64 KiB is answered', async (t) => {
  const request = `${good}x=${'y'.repeat(MAX_REQUEST - good.length - 3)}\n`;
  t.is(Buffer.byteLength(request), MAX_REQUEST);
  t.true((await daemon.ask(request)).includes(pat));
});

test('an exit from a client is ignored', async (t) => {
  await daemon.ask('action=exit\ntimeout=0\n');
  t.true((await daemon.ask(good)).includes(pat));
});

test('the log says why a request could not be read', async (t) => {
  // the others wrote the share of the shared daemon's log
  const own = await daemonFor(t, {configuration});
  await own.ask(`${good}host=dev.azure.com\n`);
  await t.notThrowsAsync(own.says(/a request could not be read \(host twice\)/));
});

test('a hello is answered with a proof for its nonce', async (t) => {
  const answer = await daemon.ask('action=hello\ntimeout=0\nnonce=abc\n');
  t.regex(
    answer,
    new RegExp(`^orgkey=1\\nversion=\\d+\\.\\d+\\.\\d+\\npid=${daemon.process.pid}\\nproof=[0-9a-f]{64}\\n$`),
  );
  t.not(answer, await daemon.ask('action=hello\ntimeout=0\nnonce=abd\n'));
});

// serial: these tests count descriptors of the shared daemon, or need most of the machine

test.serial('a thousand misbehaving clients affect no other client and are disconnected', async (t) => {
  const before = descriptors();
  const drips: NodeJS.Timeout[] = [];
  const idle = await crowd(() => undefined);
  const half = await crowd((socket) => socket.write(good.slice(0, 40)));
  const dripping = await crowd((socket) => {
    const bytes = Buffer.from(good).values();
    drips.push(setInterval(() => socket.write(Buffer.of(bytes.next().value ?? 10)), 500));
  });
  // they never read their answers
  const deaf = await crowd((socket) => socket.end(good.slice(0, -1)));
  await crowd((socket) => socket.destroy());

  const answers = await Promise.all(Array.from({length: 100}, () => daemon.ask(good)));
  t.true(answers.every((answer) => answer.includes(pat)));
  // they are disconnected without an answer
  const ended = await Promise.all([...idle, ...half, ...dripping].map(readAll));
  t.true(ended.every((text) => text === ''));
  for (const drip of drips) clearInterval(drip);
  for (const socket of deaf) socket.destroy();
  t.true(descriptors() <= before + 5, `${descriptors()} descriptors, ${before} before`);
});

/** Half of the connections that the kernel queues for a busy daemon. */
const burst = Math.min(2000, Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8')) / 2);

test.serial('every client of a burst is answered', async (t) => {
  const answers = await Promise.all(
    Array.from({length: burst}, () => askPath(daemon.socket, good).catch(String)),
  );
  t.deepEqual([...new Set(answers)], [`orgkey=1\nusername=orgkey\npassword=${pat}\n`]);
});

const scoped = `${configuration}orgkey: {sockets: [{name: team, organizations: [contoso]}, {name: other, organizations: [contoso]}]}\n`;

for (const flooded of ['git.sock', 'scoped/team/git.sock'])
  test.serial(`idle clients of ${flooded} leave descriptors for other clients`, async (t) => {
    const small = await daemonFor(t, {configuration: scoped, descriptors: 200});
    const idle = await Promise.all(Array.from({length: 600}, () => open(join(small.runtime, flooded))));
    t.true(readdirSync(`/proc/${small.process.pid}/fd`).length < 200);
    for (const path of ['git.sock', 'scoped/other/git.sock', 'scoped/team/git.sock'])
      for (let at = 0; at < 20; at++)
        t.true((await askPath(join(small.runtime, path), good)).includes(pat), path);
    t.is((await small.status()).pid, small.process.pid ?? 0);
    for (const socket of idle) socket.destroy();
  });

test.serial('malformed requests on the main socket write a bounded log', async (t) => {
  const flooded = await daemonFor(t, {configuration: scoped, args: ['--log-level', 'info']});
  for (let at = 0; at < 500; at++) await flooded.ask('garbage\n');
  t.is(flooded.stderr.match(/could not be read/g)?.length, 300);
});

test.serial('every client of a burst on a scoped socket is answered', async (t) => {
  const small = await daemonFor(t, {configuration: scoped});
  const path = join(small.runtime, 'scoped/team/git.sock');
  // half of what all scoped sockets may have: a busy daemon leaves connections open for longer
  const most = Math.min(burst, 512);
  const answers = await Promise.all(Array.from({length: most}, () => askPath(path, good).catch(String)));
  t.deepEqual([...new Set(answers)], [`orgkey=1\nusername=orgkey\npassword=${pat}\n`]);
});

function descriptors(): number {
  return readdirSync(`/proc/${daemon.process.pid}/fd`).length;
}

/** Connects two hundred clients. */
function crowd(behave: (socket: Socket) => void): Promise<Socket[]> {
  return Promise.all(
    Array.from({length: 200}, async () => {
      const socket = await open(daemon.socket);
      behave(socket);
      return socket;
    }),
  );
}

async function open(path: string): Promise<Socket> {
  const socket = connect({path, allowHalfOpen: true});
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (part: string) => (text += part));
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(text));
  });
}
