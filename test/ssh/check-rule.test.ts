import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

import test from 'ava';

import {checkRule} from '../../src/ssh/check-rule.ts';
import {ruleFor} from '../helpers/grant-daemon.ts';
import {testKey} from '../helpers/submodule-world.ts';

test('what is wrong with a rule shows without the network', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'rule-'));
  t.teardown(() => rmSync(directory, {recursive: true}));
  const {key, privateKey} = await testKey();
  const rule = ruleFor(privateKey, {organizations: ['contoso']});
  const messagesOf = async (change: Partial<typeof rule>) =>
    (await checkRule({...rule, ...change}, {})).map(({place, message}) => `${place}: ${message}`);
  const file = (text: string) => {
    const path = join(directory, 'key');
    writeFileSync(path, text, {mode: 0o600});
    return {privateKey: {from: 'file', path}} as const;
  };
  t.deepEqual(await messagesOf({}), []);
  t.deepEqual(await messagesOf(file(privateKey)), []);
  t.deepEqual(await messagesOf(file('hunter2')), [
    'test.yaml:1:1: the key of contoso: the text is not a private key',
  ]);
  // the daemon may be able to read it
  t.deepEqual(await messagesOf({privateKey: {from: 'file', path: join(directory, 'missing')}}), []);
  const line = key.publicLine('');
  t.deepEqual(await messagesOf({knownHosts: `*.azure.com ${line}`}), []);
  t.deepEqual(await messagesOf({knownHosts: `other.example ${line}`}), [
    'test.yaml:1:1: knownHosts has no key of ssh.dev.azure.com',
  ]);
});
