import {join} from 'node:path';
import test from 'ava';
import {LazyStore} from '../../../src/daemon/supply/lazy-store.ts';
import {openSecretStore} from '../../../src/store/secret-store.ts';
import {StoreError} from '../../../src/store/store-error.ts';
import {Secret} from '../../../src/secret/secret.ts';
import {openStore} from '../../../src/store/open-store.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';

const no = () => false;

test('close waits for what is under way and overwrites the key', async (t) => {
  const directory = scratchDirectory(t);
  const open = () =>
    openSecretStore({directory, uid: process.getuid?.() ?? 0, key: Secret.fromText('k'.repeat(32))});
  const store = await open();
  const lazy = new LazyStore(async () => ({store, warning: undefined}), no);
  const written = lazy.section('login/').write('a', Secret.fromText('value'));
  const read = written.then(() => lazy.section('login/').read('a'));
  await written;
  await lazy.close();
  t.is((await read)?.revealText(), 'value');
  t.is((await (await open()).read('login/a'))?.revealText(), 'value');
  await t.throwsAsync(store.read('login/a'), {instanceOf: StoreError});
});

test('close opens no store, and succeeds if the store could not be opened', async (t) => {
  await t.notThrowsAsync(new LazyStore(() => Promise.reject(t.fail()), no).close());
  const lazy = new LazyStore(() => Promise.reject(new Error('no disk')), no);
  await t.throwsAsync(lazy.section('login/').names(), {message: 'no disk'});
  await t.notThrowsAsync(lazy.close());
});

test('a warning about unencrypted secrets ends if the user accepts them', async (t) => {
  const directory = join(scratchDirectory(t), 'store');
  let accepted = false;
  const environment = {PATH: '/nonexistent'};
  const uid = process.getuid?.() ?? 0;
  const lazy = new LazyStore(
    () => openStore({directory, uid, environment, platform: 'linux'}),
    () => accepted,
  );
  await lazy.section('a/').names();
  t.deepEqual(
    lazy.notices.map(({level}) => level),
    ['warning'],
  );
  accepted = true;
  t.deepEqual(lazy.notices, []);
  await lazy.close();
});
