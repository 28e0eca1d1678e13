import test, {type ExecutionContext} from 'ava';
import ssh2 from 'ssh2';

import {describeHostKey, knownHostsLine} from '../../src/ssh/host/host-keys.ts';
import {Person} from '../helpers/command-line.ts';
import {converse, whyNoTerminal} from '../helpers/converse.ts';
import {listenOnLoopback} from '../helpers/listen-on-loopback.ts';
import {testUnless} from '../helpers/test-unless.ts';

const onTerminal = testUnless(whyNoTerminal, test.serial);

interface Shown {
  readonly privateKey: string;
  /** `ED25519 SHA256:…` */
  readonly described: string;
  readonly fingerprint: string;
  readonly lineFor: (port: number) => string;
}

function makeHostKey(type: 'ed25519' | 'rsa'): Shown {
  const pair =
    type === 'rsa'
      ? ssh2.utils.generateKeyPairSync('rsa', {bits: 2048})
      : ssh2.utils.generateKeyPairSync('ed25519');
  const [name = '', base64 = ''] = pair.public.split(' ');
  const key = {type: name, blob: Buffer.from(base64, 'base64')};
  const described = describeHostKey(key);
  return {
    privateKey: pair.private,
    described,
    fingerprint: described.split(' ')[1] ?? '',
    lineFor: (port) => knownHostsLine('127.0.0.1', port, key),
  };
}

const ed25519 = makeHostKey('ed25519');
const rsa = makeHostKey('rsa');

/** Starts a host that offers the keys that `keysFor` returns for each connection; the first is 0. */
async function listen(t: ExecutionContext, keysFor: (connection: number) => readonly Shown[]) {
  let connections = 0;
  const port = await listenOnLoopback(t, (socket) => {
    const hostKeys = keysFor(connections++).map(({privateKey}) => privateKey);
    const server = new ssh2.Server({hostKeys}, (client) => client.on('error', () => {}));
    server.injectSocket(socket);
  });
  return {port, host: `127.0.0.1:${port}`};
}

function start(t: ExecutionContext) {
  const person = new Person(t);
  person.configure();
  const pinned = () => person.read('.local/state/orgkey/known_hosts');
  const trust = (host: string, ...fingerprints: readonly string[]) =>
    person.run('ssh-key trust', [host, ...fingerprints.flatMap((one) => ['--fingerprint', one])]);
  return {person, pinned, trust};
}

test.serial('only a key with a given fingerprint is pinned; others may come from an attacker', async (t) => {
  const {pinned, trust} = start(t);
  const {host, port} = await listen(t, (connection) => [connection === 0 ? ed25519 : rsa]);
  const {code, stderr} = await trust(host, ed25519.fingerprint);
  t.is(code, 0, stderr);
  t.is(pinned(), `${ed25519.lineFor(port)}\n`);
  t.true(stderr.includes(`offered now: ${rsa.described}\n`));
});

test.serial('a given fingerprint that no offered key has is an error', async (t) => {
  const {pinned, trust} = start(t);
  const {host, port} = await listen(t, () => [ed25519, rsa]);
  const refused = await trust(host, ed25519.fingerprint, `${rsa.fingerprint}x`);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /offers no key with the fingerprint SHA256:\S{43}x\n/);
  t.is(pinned(), undefined);
  t.is((await trust(host)).code, 2, 'without a terminal and without a fingerprint');
  t.is(pinned(), undefined);

  t.is((await trust(host, rsa.fingerprint, ed25519.fingerprint)).code, 0);
  t.is(pinned(), `${ed25519.lineFor(port)}\n${rsa.lineFor(port)}\n`);
});

test.serial('a new key replaces the pinned one, which is printed; other hosts keep theirs', async (t) => {
  const {person, pinned, trust} = start(t);
  const other = `# ours\ntfs.example.org ${rsa.lineFor(22).split(' ').slice(1).join(' ')}\n`;
  person.write('.local/state/orgkey/known_hosts', other);
  const {host, port} = await listen(t, () => [ed25519, rsa]);
  t.is((await trust(host, rsa.fingerprint)).code, 0);
  t.is(pinned(), `${other}${rsa.lineFor(port)}\n`);
  const {code, stderr} = await trust(host, ed25519.fingerprint);
  t.is(code, 0, stderr);
  t.true(stderr.includes(`pinned until now: ${rsa.described}\n`));
  t.is(pinned(), `${other}${ed25519.lineFor(port)}\n`);
});

onTerminal('the user is asked about each key', async (t) => {
  const {person, pinned} = start(t);
  const {host, port} = await listen(t, () => [ed25519, rsa]);
  const none = await converse(
    person,
    ['ssh-key', 'trust', host],
    [
      [/confirm ED25519 SHA256:\S+ .*: /, '\r'],
      [/confirm RSA SHA256:\S+ .*: /, 'y\r'],
    ],
  );
  t.is(none.code, 1, none.screen);
  t.is(pinned(), undefined);
  const one = await converse(
    person,
    ['ssh-key', 'trust', host],
    [
      [/confirm ED25519 SHA256:\S+ .*: /, 'no\r'],
      [/confirm RSA SHA256:\S+ .*: /, 'yes\r'],
    ],
  );
  t.is(one.code, 0, one.screen);
  t.is(pinned(), `${rsa.lineFor(port)}\n`);
});

test.serial('trust explains where the keys of a host come from if it cannot pin them', async (t) => {
  const {person, pinned, trust} = start(t);
  for (const host of ['ssh.dev.azure.com', 'VS-SSH.visualstudio.com:22']) {
    const {code, stderr} = await trust(host, rsa.fingerprint);
    t.is(code, 2);
    t.regex(stderr, /is built in\n.*hint: .*put its line .* into knownHosts of the rule/);
  }
  const {host} = await listen(t, () => [ed25519]);
  const key = person.write('key', 'key');
  person.configure(
    `orgkey: {submodules: [{organizations: [main], host: 127.0.0.1, privateKey: {$file: ${key}}, knownHosts: a}]}\n`,
  );
  const {code, stderr} = await trust(host, ed25519.fingerprint);
  t.is(code, 0, stderr);
  t.regex(stderr, /config\.yaml:1:23 has its own knownHosts/);
  t.not(pinned(), undefined);
});

for (const host of ['a:0', 'a:65536', 'a:99999', 'a:', 'a b', ''])
  test.serial(`an invalid host is rejected: ${JSON.stringify(host)}`, async (t) => {
    const {trust} = start(t);
    const {code, stderr} = await trust(host, rsa.fingerprint);
    t.is(code, 2);
    t.regex(
      stderr,
      /^orgkey: error: invalid host: .*\norgkey: hint: use HOST, or HOST:PORT with a port from 1 to 65535$/m,
    );
  });
