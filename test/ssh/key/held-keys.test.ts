import test from 'ava';

import type {SubmoduleSettings} from '../../../src/config/configuration.ts';
import {HeldKeys} from '../../../src/ssh/key/held-keys.ts';
import {Secret} from '../../../src/secret/secret.ts';
import {ruleFor} from '../../helpers/grant-daemon.ts';
import {testKey} from '../../helpers/submodule-world.ts';

const {privateKey} = await testKey();

/** Held keys, and every secret that was read for them. */
function holding(text = () => privateKey) {
  const read: Secret[] = [];
  const keys = new HeldKeys(async () => {
    const secret = Secret.fromText(text());
    read.push(secret);
    return secret;
  });
  return {keys, read};
}

const rule: SubmoduleSettings = {
  ...ruleFor('', {organizations: ['contoso']}),
  privateKey: {from: 'file', path: '/key'},
};

test('requests at the same time share one reading, and the secret is erased', async (t) => {
  const {keys, read} = holding();
  const readings = await Promise.all([1, 2, 3].map(() => keys.get(rule, 'contoso')));
  t.is(new Set(readings).size, 1);
  t.is(readings[0]?.kind, 'key');
  t.deepEqual(
    read.map(({erased}) => erased),
    [true],
  );
  keys.forgetAll();
  await keys.get(rule, 'contoso');
  t.is(read.length, 2);
});

test('a failure is not kept, and the secret is erased', async (t) => {
  let text = 'no key';
  const {keys, read} = holding(() => text);
  t.like(await keys.get(rule, 'contoso'), {kind: 'failed', reason: 'the text is not a private key'});
  text = privateKey;
  t.is((await keys.get(rule, 'contoso')).kind, 'key');
  t.deepEqual(
    read.map(({erased}) => erased),
    [true, true],
  );
});
