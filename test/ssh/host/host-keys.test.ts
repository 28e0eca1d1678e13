import {createHmac, randomBytes} from 'node:crypto';

import test from 'ava';

import {
  KnownHosts,
  describeHostKey,
  howToPin,
  knownHostsFor,
  knownHostsLine,
  replaceHostKeys,
} from '../../../src/ssh/host/host-keys.ts';
import {testKey} from '../../helpers/submodule-world.ts';

const {key} = await testKey();
const pinned = key.publicLine('').trim();
const salt = randomBytes(20).toString('base64');
const hashed = (name: string) =>
  `|1|${salt}|${createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64')}`;

test('Azure DevOps Services have the key that Microsoft publishes', (t) => {
  for (const host of ['ssh.dev.azure.com', 'vs-ssh.visualstudio.com', 'SSH.dev.azure.com']) {
    const [only, ...others] = knownHostsFor(host, undefined, '').keysOf(host, 22);
    t.is(only && describeHostKey(only), 'RSA SHA256:ohD8VZEXGWo6Ez8GSEJQ9WpafgLFsOfLOtGGQCQo6Og');
    t.deepEqual(others, []);
  }
});

test('what is trusted for servers pins nothing for Services', (t) => {
  const trusted = `ssh.dev.azure.com ${pinned}\ntfs.example.org ${pinned}\n`;
  t.is(knownHostsFor('ssh.dev.azure.com', undefined, trusted).keysOf('ssh.dev.azure.com', 22).length, 1);
  t.not(
    knownHostsFor('ssh.dev.azure.com', undefined, trusted)
      .keysOf('ssh.dev.azure.com', 22)[0]
      ?.blob.toString('hex'),
    key.publicBlob.toString('hex'),
  );
  t.is(knownHostsFor('tfs.example.org', undefined, trusted).keysOf('tfs.example.org', 22).length, 1);
  t.is(knownHostsFor('tfs.example.org', '', trusted).keysOf('tfs.example.org', 22).length, 0);
});

const found: readonly (readonly [lines: string, host: string, port: number, count: number])[] = [
  [`a.example ${pinned}`, 'a.example', 22, 1],
  [`a.example ${pinned}`, 'A.EXAMPLE', 22, 1],
  [`A.example ${pinned} with a comment`, 'a.example', 22, 1],
  [`# a comment\n\n  a.example,10.0.0.1 ${pinned}\r\n`, '10.0.0.1', 22, 1],
  [`[a.example]:2222 ${pinned}`, 'a.example', 2222, 1],
  [`[a.example]:2222 ${pinned}`, 'a.example', 22, 0],
  [`[a.example]:22 ${pinned}`, 'a.example', 22, 1],
  [`*.example ${pinned}`, 'a.example', 22, 1],
  [`*.example ${pinned}`, 'a.example.org', 22, 0],
  [`?.example ${pinned}`, 'ab.example', 22, 0],
  [`*.example,!a.example ${pinned}`, 'a.example', 22, 0],
  [`*.example,!a.example ${pinned}`, 'b.example', 22, 1],
  [`!a.example ${pinned}`, 'b.example', 22, 0],
  [`[*.example]:2222 ${pinned}`, 'a.example', 2222, 1],
  [`[*.example]:* ${pinned}`, 'a.example', 2222, 1],
  [`*.example ${pinned}`, 'axexample', 22, 0],
  [`a.example ${pinned}`, 'a.example', 2222, 1],
  [`${hashed('a.example')} ${pinned}`, 'a.example', 22, 1],
  [`${hashed('[a.example]:2222')} ${pinned}`, 'a.example', 2222, 1],
  [`${hashed('a.example')} ${pinned}`, 'b.example', 22, 0],
  [`a.example ${pinned}`, 'xa.example', 22, 0],
  [`a.example ${pinned}`, 'a.example.evil', 22, 0],
  [`@revoked a.example ${pinned}`, 'a.example', 22, 1],
];

for (const [lines, host, port, count] of found)
  test(`${lines.slice(0, 30).trim()}… has ${count} for ${host}:${port}`, (t) => {
    const known = new KnownHosts(lines);
    t.deepEqual(known.problems, []);
    t.is(known.keysOf(host, port).length, count);
  });

const [type = '', base64 = ''] = pinned.split(' ');
const problems: readonly (readonly [line: string, message: RegExp])[] = [
  ['a.example', /must be: host type key/],
  [`a.example ${type}`, /must be: host type key/],
  [`@cert-authority a.example ${pinned}`, /certificate authorities are not supported/],
  [`a.example ssh-dss ${base64}`, /the type of the key is not supported/],
  [`a.example ssh-ed25519 ${base64}`, /not of its type/],
  [`a.example ${type} ${base64.slice(0, -1)}`, /damaged/],
  [`a.example ${type} AAAA`, /damaged/],
  [`a/b ${pinned}`, /the host name is not valid/],
];

for (const [line, message] of problems)
  test(`${line.slice(0, 40)}… is a problem, and pins nothing`, (t) => {
    const known = new KnownHosts(`\n${line}\n`);
    t.regex(known.problems[0]?.message ?? '', message);
    t.is(known.problems[0]?.line, 2);
    t.is(known.keysOf('a.example', 22).length, 0);
  });

test('a line that trust writes is read again', (t) => {
  for (const port of [22, 2222]) {
    const line = knownHostsLine('a.example', port, {type: 'ssh-rsa', blob: key.publicBlob});
    t.is(new KnownHosts(line).keysOf('a.example', port).length, 1);
  }
});

const fresh = {type: 'ssh-rsa', blob: key.publicBlob};
const line = (names: string) => `${names} ${pinned}\n`;
const replaced: readonly (readonly [title: string, before: string, after: string])[] = [
  ['nothing', '', ''],
  ['the only line', line('a.example'), ''],
  ['whatever its case', line('A.example'), ''],
  ['a hidden name', line(hashed('a.example')), ''],
  ['one of several names', line('a.example,10.0.0.1'), line('10.0.0.1')],
  ['that of another port stays', line('[a.example]:2222'), line('[a.example]:2222')],
  ['that of another host stays, comments too', `# x\n${line('b.example')}`, `# x\n${line('b.example')}`],
  ['what is revoked stays so', `@revoked ${line('a.example')}`, `@revoked ${line('a.example')}`],
  ['what is not understood stays', 'a.example nonsense\n', 'a.example nonsense\n'],
];

for (const [title, before, after] of replaced)
  test(`new keys take the place of a host's: ${title}`, (t) => {
    t.is(replaceHostKeys(before, {host: 'a.example', port: 22}, [fresh]), after + line('a.example'));
  });

test('what pins another key is done where the pinned one comes from', (t) => {
  t.is(howToPin('tfs.example.org', 22, undefined), 'orgkey ssh-key trust tfs.example.org');
  t.is(howToPin('tfs.example.org', 2222, undefined), 'orgkey ssh-key trust tfs.example.org:2222');
  // `trust` would be ignored: see the tests of `knownHostsFor`
  for (const [host, own] of [
    ['tfs.example.org', line('tfs.example.org')],
    ['ssh.dev.azure.com', undefined],
    ['ssh.dev.azure.com', line('ssh.dev.azure.com')],
  ] as const)
    t.is(
      howToPin(host, 22, own),
      `put its line (${host} TYPE KEY) into knownHosts of the rule in orgkey.submodules`,
    );
  t.is(
    knownHostsFor('ssh.dev.azure.com', line('ssh.dev.azure.com'), '').keysOf('ssh.dev.azure.com', 22).length,
    1,
  );
});
