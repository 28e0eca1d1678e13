import {chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {openKeyring, type Keyring} from '../../src/store/keyring.ts';
import {openStore} from '../../src/store/open-store.ts';
import {StoreError} from '../../src/store/store-error.ts';
import {OrgkeyError, codeOf} from '../../src/text/orgkey-error.ts';
import {findStoreKey} from '../../src/store/store-key.ts';
import {Secret} from '../../src/secret/secret.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';

const uid = process.getuid?.() ?? 0;
const given = 'g'.repeat(32);

class MemoryKeyring implements Keyring {
  readonly held = new Map<string, string>();
  state: 'works' | 'locked' | 'forgets' = 'works';

  async read(name: string): Promise<Secret | undefined> {
    if (this.state === 'locked') throw new OrgkeyError('ERR_KEYRING', 'locked');
    const text = this.held.get(name);
    return text === undefined ? undefined : Secret.fromText(text);
  }

  async write(name: string, secret: Secret): Promise<void> {
    if (this.state === 'locked') throw new OrgkeyError('ERR_KEYRING', 'locked');
    if (this.state === 'works') this.held.set(name, secret.revealText());
  }
}

function credentialsWith(t: ExecutionContext, text: string, mode = 0o400): string {
  const directory = scratchDirectory(t);
  writeFileSync(join(directory, 'orgkey-store-key'), text, {mode});
  return directory;
}

test('systemd’s credential comes before the keyring', async (t) => {
  const keyring = new MemoryKeyring();
  const found = await findStoreKey({credentials: credentialsWith(t, given), keyring, uid, mayMake: true});
  t.is(found.source, 'systemd credential');
  t.is(found.key?.revealText(), given);
  t.is(keyring.held.size, 0);
});

for (const credentials of [undefined, '', '/nonexistent']) {
  test(`without a credential (${credentials ?? 'undefined'}) the keyring gets a key, once`, async (t) => {
    const keyring = new MemoryKeyring();
    const first = await findStoreKey({credentials, keyring, uid, mayMake: true});
    const second = await findStoreKey({credentials, keyring, uid, mayMake: true});
    t.is(first.source, 'keyring');
    t.is(first.key?.revealText().length, 43);
    t.is(second.key?.revealText(), first.key?.revealText());
  });
}

const unusable: readonly (readonly [string, MemoryKeyring | undefined, boolean, RegExp])[] = [
  ['it does not exist', undefined, true, /no keyring/],
  ['it is locked', keyringThat('locked'), true, /locked/],
  ['it forgets', keyringThat('forgets'), true, /cannot be asked/],
  ['it lost the key of entries that are there', new MemoryKeyring(), false, /no longer has the key/],
];
for (const [what, keyring, mayMake, reason] of unusable) {
  test(`a keyring that cannot be used counts as missing: ${what}`, async (t) => {
    const found = await findStoreKey({credentials: undefined, keyring, uid, mayMake});
    t.is(found.source, 'none');
    t.regex(found.source === 'none' ? found.reason : '', reason);
    t.is(keyring?.held.size ?? 0, 0);
  });
}

function keyringThat(state: MemoryKeyring['state']): MemoryKeyring {
  const keyring = new MemoryKeyring();
  keyring.state = state;
  return keyring;
}

test('a credential that cannot be used is an error', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [credentialsWith(t, 'short'), /shorter than 32 bytes/],
    [credentialsWith(t, ''), /shorter than 32 bytes/],
    [credentialsWith(t, given, 0o444), /read by others/],
    [directoryAsKey(t), /not a regular file/],
  ];
  for (const [credentials, message] of cases) {
    const error = await t.throwsAsync(
      findStoreKey({credentials, keyring: new MemoryKeyring(), uid, mayMake: true}),
      {instanceOf: StoreError, message},
    );
    t.is(error instanceof StoreError ? error.code : '', 'ERR_STORE_KEY');
  }
});

function directoryAsKey(t: ExecutionContext): string {
  const directory = scratchDirectory(t);
  mkdirSync(join(directory, 'orgkey-store-key'));
  return directory;
}

testUnless(whyNotRoot)('a credential that belongs to another user is rejected', async (t) => {
  const credentials = credentialsWith(t, given);
  chownSync(join(credentials, 'orgkey-store-key'), 65_533, 65_533);
  const asked = findStoreKey({credentials, keyring: undefined, uid, mayMake: true});
  await t.throwsAsync(asked, {instanceOf: StoreError, message: /belongs to another user/});
});

// the program `secret-tool`: a script that keeps its items in files

const SECRET_TOOL = `#!/bin/sh
# secret-tool lookup|store [--label=…] service S username U
[ $# -gt 0 ] || { echo usage >&2; exit 2; }
operation=$1; shift
case $1 in --label=*) shift ;; esac
[ "$1 $3" = 'service username' ] || exit 2
item=$HOME/$2.$4
[ ! -e "$HOME/locked" ] || { echo 'Cannot get secret of a locked object' >&2; exit 1; }
[ ! -e "$HOME/hangs" ] || exec sleep 100
case $operation in
  lookup) [ -e "$item" ] && cat "$item" ;;
  store) cat > "$item" ;;
esac
`;

function withSecretTool(t: ExecutionContext): {
  readonly home: string;
  readonly environment: Record<string, string>;
} {
  const home = scratchDirectory(t);
  mkdirSync(join(home, 'bin'));
  writeFileSync(join(home, 'bin', 'secret-tool'), SECRET_TOOL);
  chmodSync(join(home, 'bin', 'secret-tool'), 0o755);
  return {home, environment: {HOME: home, PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`}};
}

test('secret-tool reads what it wrote, and a locked keyring is an error', async (t) => {
  const {home, environment} = withSecretTool(t);
  const keyring = await openKeyring({platform: 'linux', environment, limit: 20_000});
  t.is(await keyring?.read('a'), undefined);
  await keyring?.write('a', Secret.fromText('value'));
  t.is((await keyring?.read('a'))?.revealText(), 'value');
  t.is(readFileSync(join(home, 'orgkey.a'), 'utf8'), 'value');
  writeFileSync(join(home, 'locked'), '');
  const failing = [keyring?.read('a'), keyring?.write('a', Secret.fromText('x'))];
  for (const use of failing) await t.throwsAsync(use ?? Promise.resolve(), {code: 'ERR_KEYRING'});
});

test('a secret-tool that waits for a user is killed', async (t) => {
  const {home, environment} = withSecretTool(t);
  const keyring = await openKeyring({platform: 'linux', environment, limit: 2000});
  writeFileSync(join(home, 'hangs'), '');
  await t.throwsAsync(keyring?.read('a') ?? Promise.resolve(), {code: 'ERR_KEYRING'});
});

// the package

function packageWith(entries: Map<string, string>, seen: unknown[] = []) {
  return async (): Promise<unknown> => ({
    AsyncEntry: class {
      readonly name: string;

      constructor(service: string, name: string, options: unknown) {
        seen.push(service, options);
        this.name = name;
      }

      async getPassword(): Promise<string | null> {
        return entries.get(this.name) ?? null;
      }

      async setPassword(text: string): Promise<void> {
        if (text === 'refused') throw new Error('the keyring is locked');
        entries.set(this.name, text);
      }
    },
  });
}

test('the package uses the Secret Service, not the keyring of the kernel', async (t) => {
  const seen: unknown[] = [];
  const entries = new Map<string, string>();
  const keyring = await openKeyring({
    platform: 'linux',
    environment: {PATH: '/nonexistent'},
    importPackage: packageWith(entries, seen),
  });
  t.is(await keyring?.read('a'), undefined);
  await keyring?.write('a', Secret.fromText('value'));
  t.is((await keyring?.read('a'))?.revealText(), 'value');
  t.deepEqual(seen.slice(0, 2), ['orgkey', {linux: {store: 'secret-service'}}]);
  const error = await t.throwsAsync(keyring?.write('a', Secret.fromText('refused')) ?? Promise.resolve());
  t.is(codeOf(error), 'ERR_KEYRING');
});

test('without the program and the package openKeyring returns undefined', async (t) => {
  const environment = {PATH: '/nonexistent'};
  for (const importPackage of [
    async () => Promise.reject(new Error('not installed')),
    async () => ({}),
    async () => undefined,
  ])
    t.is(await openKeyring({platform: 'linux', environment, importPackage}), undefined);
  t.is(await openKeyring({platform: 'linux', environment}), undefined, 'the package is not a dependency');
});

// the whole store

test('a store whose keyring is locked has a warning, and reads again later', async (t) => {
  const {home, environment} = withSecretTool(t);
  const directory = join(home, 'store');
  const open = () => openStore({directory, uid, platform: 'linux', environment, limit: 20_000});

  const first = await open();
  t.is(first.warning, undefined);
  await first.store.write('a', Secret.fromText('canary-1234'));
  t.false(readFileSync(join(directory, readdirSync(directory)[0] ?? '')).includes('canary'));

  writeFileSync(join(home, 'locked'), '');
  const locked = await open();
  t.regex(locked.warning?.message ?? '', /are encrypted and cannot be read: the keyring cannot be asked/);
  await t.throwsAsync(locked.store.read('a'), {instanceOf: StoreError});
  await t.throwsAsync(locked.store.write('b', Secret.fromText('x')), {instanceOf: StoreError});

  writeFileSync(join(home, 'bin', 'secret-tool'), SECRET_TOOL.replace('$HOME/locked', '$HOME/none'));
  t.is((await (await open()).store.read('a'))?.revealText(), 'canary-1234');
});

test('a store without a key is plain and has a warning', async (t) => {
  const directory = join(scratchDirectory(t), 'store');
  const {store, warning} = await openStore({
    directory,
    uid,
    platform: 'linux',
    environment: {PATH: '/nonexistent'},
  });
  t.regex(
    warning?.message ?? '',
    /unencrypted, protected by file permissions only: this machine has no keyring/,
  );
  await store.write('a', Secret.fromText('value'));
  t.is((await store.read('a'))?.revealText(), 'value');
});

test('a store that gets a credential encrypts its plain entries', async (t) => {
  const directory = join(scratchDirectory(t), 'store');
  const plain = await openStore({directory, uid, platform: 'linux', environment: {PATH: '/nonexistent'}});
  await plain.store.write('a', Secret.fromText('canary-1234'));
  const environment = {PATH: '/nonexistent', CREDENTIALS_DIRECTORY: credentialsWith(t, given)};
  const {store, warning} = await openStore({directory, uid, platform: 'linux', environment});
  t.is(warning, undefined);
  t.is((await store.read('a'))?.revealText(), 'canary-1234');
  t.false(readFileSync(join(directory, readdirSync(directory)[0] ?? '')).includes('canary'));
});
