import test from 'ava';
import {LazyStore} from '../../../src/daemon/supply/lazy-store.ts';
import {openSecretStore} from '../../../src/store/secret-store.ts';
import {StoreError} from '../../../src/store/store-error.ts';
import {Secret} from '../../../src/secret/secret.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';

test('close waits for what is under way and overwrites the key', async (t) => {
  const directory = scratchDirectory(t);
  const open = () =>
    openSecretStore({directory, uid: process.getuid?.() ?? 0, key: Secret.fromText('k'.repeat(32))});
  const store = await open();
  const lazy = new LazyStore(async () => ({store, warning: undefined}));
  const written = lazy.section('login/').write('a', Secret.fromText('value'));
  const read = written.then(() => lazy.section('login/').read('a'));
  await written;
  await lazy.close();
  t.is((await read)?.revealText(), 'value');
  t.is((await (await open()).read('login/a'))?.revealText(), 'value');
  await t.throwsAsync(store.read('login/a'), {instanceOf: StoreError});
});

test('close opens no store, and succeeds if the store could not be opened', async (t) => {
  await t.notThrowsAsync(new LazyStore(() => Promise.reject(t.fail())).close());
  const lazy = new LazyStore(() => Promise.reject(new Error('no disk')));
  await t.throwsAsync(lazy.section('login/').names(), {message: 'no disk'});
  await t.notThrowsAsync(lazy.close());
});
