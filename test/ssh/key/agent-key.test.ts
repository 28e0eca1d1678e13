import {createPublicKey, generateKeyPairSync, verify} from 'node:crypto';
import {createServer} from 'node:net';
import {once} from 'node:events';
import {join} from 'node:path';

import test from 'ava';

import {findAgentKey} from '../../../src/ssh/key/agent-key.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';
import {startAgent} from '../../helpers/ssh-agent.ts';
import {testKey} from '../../helpers/submodule-world.ts';

const {key, privateKey} = await testKey();
const services = 'ssh.dev.azure.com';
const sourceAt = (socket: string, publicKey = key.publicLine('test')) => ({
  from: 'ssh-agent' as const,
  socket,
  publicKey,
});

test('a key in an ssh-agent signs with SHA-2', async (t) => {
  const reading = await findAgentKey(sourceAt(await startAgent(t, privateKey)), services);
  if (reading.kind !== 'key') return t.fail(reading.reason);
  t.is(reading.key.fingerprint, key.fingerprint);
  t.deepEqual([reading.key.type, reading.key.size], ['ssh-rsa', 4096]);
  t.is(reading.key.publicLine('test'), key.publicLine('test'));
  const data = Buffer.from('data');
  const half = createPublicKey(privateKey);
  t.true(verify('sha512', data, half, await reading.key.sign(data, 'rsa-sha2-512')));
  t.true(verify('sha256', data, half, await reading.key.sign(data, 'rsa-sha2-256')));
});

test('a key that has left the ssh-agent does not sign', async (t) => {
  const socket = await startAgent(t, privateKey);
  const reading = await findAgentKey(sourceAt(socket), services);
  if (reading.kind !== 'key') return t.fail(reading.reason);
  const {execFileSync} = await import('node:child_process');
  execFileSync('ssh-add', ['-q', '-D'], {env: {...process.env, SSH_AUTH_SOCK: socket}, stdio: 'ignore'});
  await t.throwsAsync(reading.key.sign(Buffer.from('data'), 'rsa-sha2-512'));
});

test('an ssh-agent without the key is named with a hint', async (t) => {
  const socket = await startAgent(t);
  t.deepEqual(await findAgentKey(sourceAt(socket), services), {
    kind: 'failed',
    reason: `the ssh-agent at ${socket} does not have the key`,
    hint: 'add it: ssh-add KEY',
  });
});

test('an ssh-agent that is not there or does not speak its protocol is named with a hint', async (t) => {
  const directory = scratchDirectory(t);
  const other = createServer((socket) =>
    socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  );
  other.listen(join(directory, 'other'));
  await once(other, 'listening');
  t.teardown(() => other.close());
  for (const name of ['missing', 'other'])
    t.like(await findAgentKey(sourceAt(join(directory, name)), services), {
      kind: 'failed',
      reason: `no ssh-agent answers at ${join(directory, name)}`,
    });
});

test('a public half that cannot be used is rejected before the ssh-agent is asked', async (t) => {
  const jwk = generateKeyPairSync('ed25519').publicKey.export({format: 'der', type: 'spki'}).subarray(-32);
  const blob = Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0 ', 'latin1'), jwk]);
  for (const [line, reason] of [
    ['ssh-rsa AAAA', /^publicKey is not a public key$/],
    ['', /^publicKey is not a public key$/],
    [privateKey, /^publicKey is not a public key$/],
    [`ssh-ed25519 ${blob.toString('base64')}`, /^Azure DevOps accepts only RSA keys, not ssh-ed25519$/],
  ] as const) {
    const reading = await findAgentKey(sourceAt('/missing', line), services);
    t.regex(reading.kind === 'failed' ? reading.reason : reading.kind, reason);
  }
});
