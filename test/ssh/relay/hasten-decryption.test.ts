import {createPrivateKey} from 'node:crypto';
import {once} from 'node:events';
import {connect} from 'node:net';

import test from 'ava';
import ssh2 from 'ssh2';

import {hastenDecryption} from '../../../src/ssh/relay/hasten-decryption.ts';
import {SubmoduleWorld} from '../../helpers/submodule-world.ts';

test('the key of a connection is made ready in the library as it is now, and still decrypts', async (t) => {
  const world = await SubmoduleWorld.start();
  t.teardown(() => world.close());
  world.contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
  const client = new ssh2.Client();
  t.teardown(() => client.destroy());
  client.connect({
    sock: connect(world.cloud.ssh.port, '127.0.0.1'),
    username: 'git',
    privateKey: createPrivateKey(world.privateKey).export({type: 'pkcs1', format: 'pem'}),
  });
  await once(client, 'ready');
  t.true(hastenDecryption(client), 'an update of ssh2 has to be followed here');
  t.false(hastenDecryption(client), 'it is ready already');
  const output = await new Promise<string>((resolve, reject) => {
    client.exec("git-upload-pack 'v3/contoso/Web/lib'", (error, channel) => {
      if (error) reject(error);
      else channel.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1')));
    });
  });
  t.regex(output, /^[0-9a-f]{44} HEAD/);
});

test('a library that is built otherwise is left as it is', (t) => {
  for (const other of [
    {},
    {_protocol: undefined},
    {_protocol: {_decipher: {}}},
    {_protocol: {_decipher: {_decipherKey: 'x'}}},
  ]) {
    const before = JSON.stringify(other);
    t.false(hastenDecryption(other));
    t.is(JSON.stringify(other), before);
  }
});
