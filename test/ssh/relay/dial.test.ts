import {once} from 'node:events';
import type {Socket} from 'node:net';
import {text} from 'node:stream/consumers';

import test, {type ExecutionContext} from 'ava';

import {dial} from '../../../src/ssh/relay/dial.ts';
import type {Proxy, Route} from '../../../src/ssh/grant/choose-route.ts';
import {SshFailure} from '../../../src/ssh/ssh-failure.ts';
import {Secret} from '../../../src/secret/secret.ts';
import {listenOnLoopback} from '../../helpers/listen-on-loopback.ts';

const azure = {host: 'ssh.dev.azure.com', port: 22};
const never = new AbortController().signal;

async function proxyThat(t: ExecutionContext, serve: (socket: Socket) => void): Promise<Proxy> {
  return {host: '127.0.0.1', port: await listenOnLoopback(t, serve), login: undefined};
}

/** A proxy that gives one answer after the other, and keeps what it read. The last answer may contain bytes of the host. */
async function scripted(t: ExecutionContext, ...answers: (string | Buffer)[]) {
  const heard: string[] = [];
  const proxy = await proxyThat(t, (socket) => {
    const left = [...answers];
    socket.on('data', (chunk: Buffer) => {
      heard.push(chunk.toString('latin1'));
      const answer = left.shift();
      if (answer !== undefined) socket.write(answer);
      if (left.length === 0) socket.end();
    });
  });
  return {proxy, heard};
}

const through = (route: Route) => dial(azure, route, {PATH: process.env['PATH']}, never);

test('CONNECT: what follows the answer belongs to ssh, to the byte', async (t) => {
  const {proxy, heard} = await scripted(
    t,
    'HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nSSH-2.0-first bytes',
  );
  const {stream} = await through({kind: 'http', tls: false, ...proxy, login: Secret.fromText('us:er:pw')});
  t.is(await text(stream), 'SSH-2.0-first bytes');
  t.regex(heard.join(''), /^CONNECT ssh\.dev\.azure\.com:22 HTTP\/1\.1\r\nHost: ssh\.dev\.azure\.com:22\r\n/);
  t.true(
    heard.join('').includes(`Proxy-Authorization: Basic ${Buffer.from('us:er:pw').toString('base64')}\r\n`),
  );
});

test('SOCKS5: the proxy looks the name up', async (t) => {
  const {proxy, heard} = await scripted(
    t,
    Buffer.of(5, 2),
    Buffer.of(1, 0),
    Buffer.concat([Buffer.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 22), Buffer.from('SSH-2.0-x')]),
  );
  const {stream} = await through({kind: 'socks5', ...proxy, login: Secret.fromText('user:pw')});
  t.is(await text(stream), 'SSH-2.0-x');
  t.deepEqual(heard, ['\x05\x01\x02', '\x01\x04user\x02pw', '\x05\x01\x00\x03\x11ssh.dev.azure.com\x00\x16']);
});

test('a proxy command is the connection, with the environment that such commands need', async (t) => {
  const {stream} = await through({
    kind: 'command',
    command: 'cat; printf "%s" "${AZURE_CLIENT_SECRET-none}"'.replace(
      'cat; ',
      'sh -c \'cat; echo "$0 ${AZURE_CLIENT_SECRET-none}"\' ',
    ),
  });
  stream.end('sent ');
  t.regex(await text(stream), /^sent .*none/);
});

const refusals: readonly (readonly [
  what: string,
  answers: (string | Buffer)[],
  kind: 'http' | 'socks5',
  message: RegExp,
])[] = [
  [
    '407',
    ['HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'],
    'http',
    /does not connect to ssh\.dev\.azure\.com:22 \(407\)$/,
  ],
  ['403', ['HTTP/1.0 403 Forbidden\r\n\r\n<html>'], 'http', /\(403\)$/],
  ['no HTTP', ['SSH-2.0-OpenSSH\r\n\r\n'], 'http', /\(not an HTTP response\)$/],
  ['an answer without end', ['x'.repeat(20_000)], 'http', /ended the connection$/],
  ['an answer that is cut short', ['HTTP/1.1 200'], 'http', /ended the connection$/],
  [
    'a SOCKS proxy that wants a password',
    [Buffer.of(5, 0xff)],
    'socks5',
    /does not accept this authentication method$/,
  ],
  [
    'a SOCKS proxy that may not',
    [Buffer.of(5, 0), Buffer.of(5, 2, 0, 1, 0, 0, 0, 0, 0, 0)],
    'socks5',
    /\(SOCKS 2\)$/,
  ],
  [
    'a SOCKS proxy that is cut short',
    [Buffer.of(5, 0), Buffer.of(5, 0, 0)],
    'socks5',
    /ended the connection$/,
  ],
];

for (const [what, answers, kind, message] of refusals)
  test(`${what}: told in a sentence`, async (t) => {
    const {proxy} = await scripted(t, ...answers);
    const route: Route = kind === 'http' ? {kind, tls: false, ...proxy} : {kind, ...proxy};
    const error = await t.throwsAsync(through(route), {instanceOf: SshFailure, message});
    t.is(error?.code, 'ERR_PROXY');
  });

test('the signal ends an attempt, and tells why', async (t) => {
  const accepted = Promise.withResolvers<Socket>();
  const proxy = await proxyThat(t, accepted.resolve);
  const abort = new AbortController();
  const attempt = dial(azure, {kind: 'http', tls: false, ...proxy}, {}, abort.signal);
  const socket = await accepted.promise;
  abort.abort(new SshFailure('ERR_TIMEOUT', 'too late'));
  await t.throwsAsync(attempt, {instanceOf: SshFailure, message: 'too late'});
  await once(socket.resume(), 'close');
  t.true(socket.destroyed);
});
