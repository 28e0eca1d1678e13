import test from 'ava';
import {gatewayName, readConnect, readGreeting, realHost} from '../../../src/gateway/door/socks.ts';

const isServed = (host: string) => host === 'dev.azure.com' || host === 'tfs.example.org:8443';

function connect(name: string, {port = 80, command = 1, type = 3, version = 5} = {}): Buffer {
  return Buffer.concat([
    Buffer.of(version, command, 0, type, name.length),
    Buffer.from(name),
    Buffer.of(port >> 8, port & 0xff),
  ]);
}

test('a greeting that offers no authentication is accepted', (t) => {
  t.deepEqual(readGreeting(Buffer.of(5, 2, 2, 0, 99)), {kind: 'reply', used: 4, bytes: Uint8Array.of(5, 0)});
});

for (const [title, bytes, kind] of [
  ['offers a password only', [5, 1, 2], 'denied'],
  ['offers nothing', [5, 0], 'denied'],
  ['is SOCKS4', [4, 1, 0, 80], 'denied'],
  ['is HTTP', [...Buffer.from('GET /')], 'denied'],
  ['is cut short', [5, 2, 0], 'more'],
  ['is empty', [], 'more'],
] as const)
  test(`a greeting that ${title}: ${kind}`, (t) => {
    t.is(readGreeting(Uint8Array.from(bytes)).kind, kind);
  });

test('a connection to a served host is made, whatever its letter case', (t) => {
  const bytes = connect('Dev.Azure.com.ORGKEY.invalid');
  const step = readConnect(Buffer.concat([bytes, Buffer.from('GET /')]), isServed);
  t.like(step, {kind: 'connected', host: 'dev.azure.com', used: bytes.length});
});

test('a port of a server is part of its name', (t) => {
  t.is(gatewayName('tfs.example.org:8443'), 'tfs.example.org_8443.orgkey.invalid');
  t.like(readConnect(connect(gatewayName('tfs.example.org:8443')), isServed), {host: 'tfs.example.org:8443'});
});

for (const [title, bytes] of [
  ['another host', connect('evil.example.orgkey.invalid')],
  ['a host without the suffix', connect('dev.azure.com')],
  ['the suffix alone', connect('orgkey.invalid')],
  ['a host with a label in front', connect('x.dev.azure.com.orgkey.invalid')],
  ['a host with a NUL', connect('dev.azure.com\0.orgkey.invalid')],
  ['a host with a dot at the end', connect('dev.azure.com.orgkey.invalid.')],
  ['port 443', connect('dev.azure.com.orgkey.invalid', {port: 443})],
  ['BIND', connect('dev.azure.com.orgkey.invalid', {command: 2})],
  ['UDP', connect('dev.azure.com.orgkey.invalid', {command: 3})],
  ['an IPv4 address', Buffer.of(5, 1, 0, 1, 127, 0, 0, 1, 0, 80)],
  ['an IPv6 address', Buffer.of(5, 1, 0, 4, ...Buffer.alloc(16), 0, 80)],
  ['SOCKS4', connect('dev.azure.com.orgkey.invalid', {version: 4})],
] as const)
  test(`${title} is denied with reply code 2`, (t) => {
    const step = readConnect(bytes, isServed);
    t.is(step.kind, 'denied');
    t.is(step.kind === 'denied' ? step.bytes[1] : undefined, 2);
  });

test('a request that is cut short waits for more', (t) => {
  const bytes = connect('dev.azure.com.orgkey.invalid');
  for (let length = 0; length < bytes.length; length++)
    t.is(readConnect(bytes.subarray(0, length), isServed).kind, 'more');
});

for (const name of [
  'dev.azure.com',
  '.orgkey.invalid',
  'a..b.orgkey.invalid',
  'a_99999999.orgkey.invalid',
  'a_0.orgkey.invalid',
  'a:443.orgkey.invalid',
  '[::1].orgkey.invalid',
])
  test(`${name} stands for no real host`, (t) => {
    t.is(realHost(name), undefined);
  });
