import test from 'ava';

import type {KeyHolder, SubmoduleSettings} from '../../../src/config/configuration.ts';
import type {SecretSource} from '../../../src/identity/identity.ts';
import {HeldKeys} from '../../../src/ssh/key/held-keys.ts';
import {Secret} from '../../../src/secret/secret.ts';
import {ruleFor} from '../../helpers/grant-daemon.ts';
import {testKey} from '../../helpers/submodule-world.ts';
import {ManualTimers} from '../../helpers/timers.ts';

const {privateKey} = await testKey();

/** The keys of some rules, and every secret that was read for them. */
function holding(rules: readonly SubmoduleSettings[], sshKeyHolder: KeyHolder, text = () => privateKey) {
  const read: Secret[] = [];
  const keys = new HeldKeys({
    settings: () => ({submodules: rules, sshKeyHolder}),
    readSecret: async () => {
      const secret = Secret.fromText(text());
      read.push(secret);
      return secret;
    },
    agentPlace: {directory: '/nowhere', environment: {}, startTimer: new ManualTimers().start},
  });
  return {keys, read};
}

function ruleFrom(privateKey: SecretSource): SubmoduleSettings {
  return {...ruleFor('', {organizations: ['contoso']}), privateKey};
}

const fromFile = ruleFrom({from: 'file', path: '/key'});

test('those who ask at the same time share one reading, and what was read is erased', async (t) => {
  const {keys, read} = holding([fromFile], 'daemon');
  const readings = await Promise.all([1, 2, 3].map(() => keys.get(fromFile, 'contoso')));
  t.is(new Set(readings).size, 1);
  t.is(readings[0]?.kind, 'key');
  t.deepEqual(
    read.map(({erased}) => erased),
    [true],
  );
  await keys.follow();
  await keys.get(fromFile, 'contoso');
  t.is(read.length, 2);
});

test('a refusal is not kept, and what was read for it is erased', async (t) => {
  let text = 'no key';
  const {keys, read} = holding([fromFile], 'daemon', () => text);
  t.like(await keys.get(fromFile, 'contoso'), {kind: 'refused', reason: 'the text is no key'});
  text = privateKey;
  t.is((await keys.get(fromFile, 'contoso')).kind, 'key');
  t.deepEqual(
    read.map(({erased}) => erased),
    [true, true],
  );
});

for (const [what, rule, rules] of [
  ['of a rule that a reload has taken away', fromFile, []],
  ['that the configuration itself holds', ruleFor(privateKey, {organizations: ['contoso']}), undefined],
] as const)
  test(`a key ${what} is not given to an agent`, async (t) => {
    const {keys, read} = holding(rules ?? [rule], 'agent');
    t.deepEqual(await keys.get(rule, 'contoso'), {
      kind: 'refused',
      reason: 'the configuration has just changed',
      hint: 'try again',
    });
    t.deepEqual(read, []);
  });

test('where no agent can be had, the key is not even read', async (t) => {
  const {keys, read} = holding([fromFile], 'agent');
  t.like(await keys.get(fromFile, 'contoso'), {
    kind: 'refused',
    reason: 'there is no ssh-agent on the PATH of the daemon',
  });
  t.deepEqual(read, []);
  t.is(keys.trouble?.code, 'ERR_KEY_HOLDER');
  await keys.close();
});
