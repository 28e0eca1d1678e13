import {randomBytes} from 'node:crypto';
import {spawnSync} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import {basename, join} from 'node:path';
import {inspect} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import * as fc from '../helpers/any.ts';
import {LARGEST_SECRET} from '../../src/store/entry-file.ts';
import {openSecretStore, type SecretStore} from '../../src/store/secret-store.ts';
import {holdsEncrypted} from '../../src/store/store-directory.ts';
import {StoreError} from '../../src/store/store-error.ts';
import {diskFiles, type StoreFiles} from '../../src/store/store-files.ts';
import {Secret} from '../../src/secret/secret.ts';
import {systemError, watchedFiles, type Step} from '../helpers/failing-files.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {inMountNamespace, whyNotContained} from '../helpers/run-contained.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';

const uid = process.getuid?.() ?? 0;

async function open(directory: string, key?: string, files?: StoreFiles): Promise<SecretStore> {
  const secret = key === undefined ? undefined : Secret.fromText(key.repeat(32));
  return openSecretStore({directory, uid, key: secret, ...(files && {files})});
}

async function textOf(store: SecretStore, name: string): Promise<string | undefined> {
  return (await store.read(name))?.revealText();
}

async function rejected(
  t: ExecutionContext,
  promise: Promise<unknown>,
  code: StoreError['code'],
  message: RegExp,
) {
  const error = await t.throwsAsync(promise, {instanceOf: StoreError, message});
  t.is(error instanceof StoreError ? error.code : '', code);
  return error;
}

function entriesOf(directory: string): string[] {
  return readdirSync(directory).toSorted();
}

for (const [kind, key] of [
  ['plain', undefined],
  ['encrypted', 'k'],
] as const) {
  test(`${kind}: a written secret is read by this store and by the next`, async (t) => {
    const directory = join(scratchDirectory(t), 'state', 'store');
    const store = await open(directory, key);
    t.is(await store.read('a'), undefined);
    const secret = Secret.fromText('first');
    await store.write('a', secret);
    t.false(secret.erased, 'the caller keeps the secret');
    await store.write('b', Secret.fromText('other'));
    await store.write('a', Secret.fromText('second'));
    const next = await open(directory, key);
    for (const each of [store, next]) {
      t.is(await textOf(each, 'a'), 'second');
      t.is(await textOf(each, 'b'), 'other');
      t.deepEqual(await each.names(), ['a', 'b']);
    }
    await store.remove('a');
    await store.remove('a');
    t.is(await next.read('a'), undefined);
    t.deepEqual(await next.names(), ['b']);
    t.deepEqual(await next.unreadable(), []);
  });

  test(`${kind}: any name holds any bytes`, async (t) => {
    const store = await open(scratchDirectory(t), key);
    const held = new Map<string, Uint8Array>();
    await fc.assert(
      fc.asyncProperty(
        fc.string({unit: 'binary', minLength: 1, maxLength: 60}),
        fc.uint8Array({maxLength: 3000}),
        async (name, bytes) => {
          fc.pre(name.isWellFormed());
          await store.write(name, new Secret(bytes.slice()));
          held.set(name, bytes);
          t.true((await store.read(name))?.equals(bytes));
        },
      ),
      {numRuns: 60},
    );
    t.deepEqual(await store.names(), [...held.keys()].toSorted());
    for (const [name, bytes] of held) t.true((await store.read(name))?.equals(bytes));
  });

  test(`${kind}: only we can read the files, and their names reveal nothing`, async (t) => {
    const directory = join(scratchDirectory(t), 'store');
    const store = await open(directory, key);
    await store.write('../../contoso', Secret.fromText('canary-123456'));
    t.is(statSync(directory).mode & 0o7777, 0o700);
    const [file = '', ...more] = entriesOf(directory);
    t.deepEqual(more, []);
    t.regex(file, /^[0-9a-f]{64}\.secret$/);
    t.is(statSync(join(directory, file)).mode & 0o7777, 0o600);
    const bytes = readFileSync(join(directory, file), 'latin1');
    t.is(bytes.includes('canary'), key === undefined);
    t.is(bytes.includes('contoso'), key === undefined);
    t.false(inspect(store, {depth: 9}).includes('kkkkk'));
  });

  test(`${kind}: a changed bit or a missing end is an error`, async (t) => {
    const directory = scratchDirectory(t);
    const store = await open(directory, key);
    await store.write('name', Secret.fromText('value'));
    const path = join(directory, entriesOf(directory)[0] ?? '');
    const sound = readFileSync(path);
    for (let bit = 0; bit < sound.length * 8; bit += 3) {
      const bytes = Buffer.from(sound);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(path, bytes);
      await t.throwsAsync(store.read('name'), {instanceOf: StoreError}, `bit ${bit}`);
    }
    for (let length = 0; length < sound.length; length++) {
      writeFileSync(path, sound);
      truncateSync(path, length);
      await t.throwsAsync(store.read('name'), {instanceOf: StoreError}, `${length} bytes`);
    }
    t.deepEqual(await store.names(), []);
    const [unreadable, ...more] = await store.unreadable();
    t.deepEqual(more, []);
    t.is(unreadable?.path, path);
    // a new write repairs it
    await store.write('name', Secret.fromText('again'));
    t.is(await textOf(store, 'name'), 'again');
    t.deepEqual(await store.unreadable(), []);
  });

  test(`${kind}: an entry in the place of another is an error`, async (t) => {
    const directory = scratchDirectory(t);
    const store = await open(directory, key);
    await store.write('low', Secret.fromText('low value'));
    const low = join(directory, entriesOf(directory)[0] ?? '');
    await store.write('high', Secret.fromText('high value'));
    const high = join(directory, entriesOf(directory).find((file) => file !== basename(low)) ?? '');
    copyFileSync(low, high);
    await rejected(t, store.read('high'), 'ERR_STORE_DAMAGED', /is damaged/);
    t.deepEqual(await store.names(), ['low']);
    t.is((await store.unreadable()).length, 1);
  });

  test(`${kind}: changes of one name keep their order`, async (t) => {
    const directory = scratchDirectory(t);
    const store = await open(directory, key);
    const writes = Array.from({length: 40}, (_, at) => store.write('name', Secret.fromText(`${at}`)));
    await Promise.all([...writes, store.remove('other')]);
    t.is(await textOf(store, 'name'), '39');
    t.is(entriesOf(directory).length, 1);
    await Promise.all([store.write('name', Secret.fromText('x')), store.remove('name')]);
    t.is(await store.read('name'), undefined);
  });
}

const names: readonly (readonly [string, string])[] = [
  ['dots', '..'],
  ['a way up', '../../../../etc/passwd'],
  ['an absolute path', '/etc/passwd'],
  ['a NUL', 'a\0b'],
  ['lines', 'a\nb'],
  ['a very long name', 'x'.repeat(4096)],
  ['the name of an entry file', `${'0'.repeat(64)}.secret`],
  ['a property of every object', '__proto__'],
];
for (const [what, name] of names) {
  test(`a name cannot leave the directory: ${what}`, async (t) => {
    const outside = scratchDirectory(t);
    const directory = join(outside, 'store');
    const store = await open(directory);
    await store.write(name, Secret.fromText('value'));
    t.is(await textOf(store, name), 'value');
    t.deepEqual(entriesOf(outside), ['store']);
    t.is(entriesOf(directory).length, 1);
    await store.remove(name);
    t.deepEqual(entriesOf(directory), []);
  });
}

test('names that some file systems consider equal are different', async (t) => {
  const store = await open(scratchDirectory(t));
  const alike = ['a', 'A', 'é', 'e\u0301', 'a/', 'a/.', '\uff41'];
  for (const name of alike) await store.write(name, Secret.fromText(name));
  for (const name of alike) t.is(await textOf(store, name), name);
  t.is((await store.names()).length, alike.length);
});

for (const [what, name] of [
  ['empty', ''],
  ['too long', 'x'.repeat(4096 + 1)],
  ['half a surrogate pair', 'a\ud800'],
] as const) {
  test(`a name is rejected: ${what}`, async (t) => {
    const store = await open(scratchDirectory(t));
    for (const use of [store.read(name), store.write(name, Secret.fromText('x')), store.remove(name)])
      await rejected(t, use, 'ERR_STORE_REFUSED', /the name/);
  });
}

test('a secret that is erased or too large is rejected, the largest is not', async (t) => {
  const store = await open(scratchDirectory(t), 'k');
  const erased = Secret.fromText('x');
  erased.erase();
  await rejected(t, store.write('a', erased), 'ERR_STORE_REFUSED', /erased/);
  const tooLarge = new Secret(new Uint8Array(LARGEST_SECRET + 1));
  await rejected(t, store.write('a', tooLarge), 'ERR_STORE_REFUSED', /1 MiB/);
  const largest = randomBytes(LARGEST_SECRET);
  await store.write('n'.repeat(4096), new Secret(new Uint8Array(largest)));
  t.true((await store.read('n'.repeat(4096)))?.equals(largest));
});

test('sections have separate names', async (t) => {
  const store = await open(scratchDirectory(t));
  const [logins, tokens] = [store.section('login '), store.section('refresh-token ')];
  await logins.write('a', Secret.fromText('login'));
  await tokens.write('a', Secret.fromText('token'));
  t.is((await logins.read('a'))?.revealText(), 'login');
  t.deepEqual(await tokens.names(), ['a']);
  await tokens.remove('a');
  t.deepEqual(await store.names(), ['login a']);
});

// keys

test('plain entries are encrypted once there is a key', async (t) => {
  const directory = scratchDirectory(t);
  const plain = await open(directory);
  await plain.write('a', Secret.fromText('canary-123456'));
  t.false(await holdsEncrypted(directory, diskFiles));
  const store = await open(directory, 'k');
  t.is(await textOf(store, 'a'), 'canary-123456');
  t.true(await holdsEncrypted(directory, diskFiles));
  t.false(entriesOf(directory).some((file) => readFileSync(join(directory, file)).includes('canary')));
});

test('without their key encrypted entries are locked, and no plain ones are added', async (t) => {
  const directory = scratchDirectory(t);
  await (await open(directory, 'k')).write('a', Secret.fromText('value'));
  const store = await open(directory);
  const error = await rejected(t, store.read('a'), 'ERR_STORE_LOCKED', /the key is missing/);
  t.regex(error instanceof StoreError ? (error.hint ?? '') : '', /bring the key back/);
  await rejected(t, store.write('b', Secret.fromText('x')), 'ERR_STORE_LOCKED', /encrypted/);
  t.deepEqual(await store.names(), []);
  const codes = (await store.unreadable()).map(({error}) => error.code);
  t.deepEqual(codes, ['ERR_STORE_LOCKED']);
  // nothing was lost
  t.is(await textOf(await open(directory, 'k'), 'a'), 'value');
});

test('entries of another key are locked and stay readable with that key', async (t) => {
  const directory = scratchDirectory(t);
  const before = await open(directory, 'k');
  await before.write('a', Secret.fromText('value'));
  const store = await open(directory, 'j');
  await rejected(t, store.read('a'), 'ERR_STORE_LOCKED', /with another key/);
  await store.write('b', Secret.fromText('mine'));
  t.deepEqual(await store.names(), ['b']);
  t.is(await textOf(before, 'a'), 'value');
});

test('a short key is rejected, and the store erases its key', async (t) => {
  const directory = scratchDirectory(t);
  const short = openSecretStore({directory, uid, key: Secret.fromText('k'.repeat(31))});
  await rejected(t, short, 'ERR_STORE_REFUSED', /shorter than 32 bytes/);
  const key = Secret.fromText('k'.repeat(32));
  const store = await openSecretStore({directory, uid, key});
  t.true(key.erased);
  await store.write('a', Secret.fromText('value'));
  await store.close();
  await t.throwsAsync(store.read('a'));
});

// the directory and its files

test('a directory that is not ours alone is rejected', async (t) => {
  const outside = scratchDirectory(t);
  const path = (name: string) => join(outside, name);
  writeFileSync(path('file'), '');
  mkdirSync(path('real'), {mode: 0o700});
  symlinkSync(path('real'), path('link'));
  for (const mode of [0o701, 0o710, 0o704, 0o770, 0o777]) {
    mkdirSync(path(mode.toString(8)));
    chmodSync(path(mode.toString(8)), mode);
    await rejected(t, open(path(mode.toString(8))), 'ERR_STORE_DIRECTORY', /open to other users/);
  }
  await rejected(t, open(path('file')), 'ERR_STORE_DIRECTORY', /a link, or not a directory/);
  await rejected(t, open(path('link')), 'ERR_STORE_DIRECTORY', /a link, or not a directory/);
  await rejected(t, open(path('link/')), 'ERR_STORE_DIRECTORY', /a link, or not a directory/);
  await rejected(t, open(path('file/store')), 'ERR_STORE_IO', /ENOTDIR/);
  const others = openSecretStore({directory: path('real'), uid: uid + 1, key: undefined});
  await rejected(t, others, 'ERR_STORE_DIRECTORY', /belongs to another user/);
});

test('a file that is a link or open to others is not read', async (t) => {
  const directory = scratchDirectory(t);
  const store = await open(directory);
  await store.write('a', Secret.fromText('value'));
  const path = join(directory, entriesOf(directory)[0] ?? '');
  for (const mode of [0o644, 0o640, 0o660, 0o604]) {
    chmodSync(path, mode);
    await rejected(t, store.read('a'), 'ERR_STORE_DAMAGED', /not ours alone/);
  }
  chmodSync(path, 0o600);
  renameSync(path, `${path}.kept`);
  symlinkSync(`${path}.kept`, path);
  await rejected(t, store.read('a'), 'ERR_STORE_DAMAGED', /not ours alone/);
  // a link is replaced, not followed
  await store.write('a', Secret.fromText('new'));
  t.is(await textOf(store, 'a'), 'new');
  t.true(readFileSync(`${path}.kept`).includes('value'));
});

test('the leftovers of a killed process are removed, other files stay', async (t) => {
  const directory = scratchDirectory(t);
  await (await open(directory)).write('a', Secret.fromText('value'));
  const [file = ''] = entriesOf(directory);
  writeFileSync(join(directory, `${file}.0123456789ab.new`), 'half');
  writeFileSync(join(directory, 'notes.new'), 'of another program');
  const store = await open(directory);
  t.deepEqual(entriesOf(directory), [file, 'notes.new'].toSorted());
  t.is(await textOf(store, 'a'), 'value');
});

// failures of a disk

const failures: readonly (readonly [string, StoreError['code'], RegExp])[] = [
  ['ENOSPC', 'ERR_STORE_FULL', /no space is left \(ENOSPC\)/],
  ['EDQUOT', 'ERR_STORE_FULL', /no space is left \(EDQUOT\)/],
  ['EIO', 'ERR_STORE_IO', /the disk reports an error \(EIO\)/],
  ['EROFS', 'ERR_STORE_READ_ONLY', /we may not write to it \(EROFS\)/],
];

/** The steps of a write in several parts. Only a failure of the last step leaves the new entry. */
const stepsOfWrite = [
  'create',
  'write',
  'write',
  'write',
  'sync',
  'close',
  'rename',
  'syncDirectory',
] as const;

test('a write takes its steps in order', async (t) => {
  const steps: Step['what'][] = [];
  const before = ({what}: Step) => void steps.push(what);
  const store = await open(scratchDirectory(t), undefined, watchedFiles(diskFiles, {before, most: 30}));
  steps.length = 0;
  await store.write('name', Secret.fromText('value'));
  t.deepEqual(steps, [...stepsOfWrite]);
  steps.length = 0;
  await store.remove('name');
  t.deepEqual(steps, ['remove', 'syncDirectory']);
});

for (const [code, expected, message] of failures) {
  for (const [at, what] of stepsOfWrite.entries()) {
    test(`${code} at step ${at + 1} of a write (${what}) is an error, and nothing is lost`, async (t) => {
      const directory = scratchDirectory(t);
      let first: number | undefined;
      let armed = false;
      const before = ({number}: Step) => {
        if (!armed) return;
        first ??= number;
        if (number === first + at) throw systemError(code);
      };
      const store = await open(directory, undefined, watchedFiles(diskFiles, {before, most: 30}));
      await store.write('name', Secret.fromText('value'));
      armed = true;
      const error = await rejected(t, store.write('name', Secret.fromText('other')), expected, message);
      armed = false;
      t.false(`${error.message} ${inspect(error.cause)}`.includes('other'));
      t.is(await textOf(store, 'name'), what === 'syncDirectory' ? 'other' : 'value');
      t.is(entriesOf(directory).length, 1, 'the unfinished file is removed');
      await store.write('name', Secret.fromText('third'));
      t.is(await textOf(await open(directory), 'name'), 'third');
    });
  }
}

test('a dead disk is an error at the start, a read-only one is read', async (t) => {
  const directory = scratchDirectory(t);
  await (await open(directory)).write('a', Secret.fromText('value'));
  const [file = ''] = entriesOf(directory);
  writeFileSync(join(directory, `${file}.0123456789ab.new`), 'half');
  const readOnly = watchedFiles(diskFiles, {
    before: ({what}) => {
      if (what !== 'facts' && what !== 'list' && what !== 'read') throw systemError('EROFS');
    },
  });
  const store = await open(directory, 'k', readOnly);
  t.is(await textOf(store, 'a'), 'value');
  const codes = (await store.unreadable()).map(({error}) => error.code);
  t.deepEqual(codes, ['ERR_STORE_READ_ONLY']);
  await rejected(t, store.remove('a'), 'ERR_STORE_READ_ONLY', /EROFS/);
  const dead = watchedFiles(diskFiles, {
    before: () => {
      throw systemError('EIO');
    },
  });
  await rejected(t, open(directory, undefined, dead), 'ERR_STORE_IO', /EIO/);
});

test('a file system that takes nothing without an error is full', async (t) => {
  const files = watchedFiles(diskFiles, {most: 0});
  const store = await open(scratchDirectory(t), undefined, files);
  await rejected(t, store.write('a', Secret.fromText('x')), 'ERR_STORE_FULL', /the disk takes no more/);
});

// real disks and users, in a child: modes do not restrict root

const useStore = join(import.meta.dirname, 'use-store.ts');
const unprivileged = 65_534;

const asRoot = testUnless(whyNotRoot);

asRoot('a directory that a user may not write to is an error', (t) => {
  const directory = scratchDirectory(t);
  const store = join(directory, 'store');
  chownSync(directory, unprivileged, unprivileged);
  const as = (...operations: string[]) => runAs(unprivileged, store, operations);
  t.deepEqual(as('write a one', 'read a'), ['done', 'one']);
  t.is(statSync(store).uid, unprivileged);
  chmodSync(store, 0o500);
  t.deepEqual(as('read a', 'write a two', 'remove a'), ['one', 'ERR_STORE_READ_ONLY', 'ERR_STORE_READ_ONLY']);
  chmodSync(store, 0o000);
  t.deepEqual(as('read a'), ['ERR_STORE_READ_ONLY']);
  chmodSync(store, 0o700);
  chownSync(store, 0, 0);
  t.deepEqual(as('read a'), ['ERR_STORE_DIRECTORY']);
  chownSync(store, unprivileged, unprivileged);
  const file = join(store, entriesOf(store)[0] ?? '');
  chownSync(file, unprivileged - 1, unprivileged);
  t.deepEqual(as('read a'), ['ERR_STORE_READ_ONLY']);
  t.deepEqual(as('write a three', 'read a'), ['done', 'three']);
});

asRoot('an entry that another user owns is not read', async (t) => {
  const directory = scratchDirectory(t);
  const store = await open(directory);
  await store.write('a', Secret.fromText('value'));
  chownSync(join(directory, entriesOf(directory)[0] ?? ''), unprivileged, unprivileged);
  await rejected(t, store.read('a'), 'ERR_STORE_DAMAGED', /is not ours alone$/);
});

function runAs(user: number, store: string, operations: readonly string[]): string[] {
  const {stdout, stderr, status} = spawnSync(process.execPath, [useStore, store, ...operations], {
    cwd: '/',
    uid: user,
    gid: user,
    env: {},
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the child failed: ${stderr}`);
  return stdout.trimEnd().split('\n');
}

testUnless(whyNotContained())(
  'on a disk that is really full, or really read-only, the old secret stays',
  (t) => {
    const directory = scratchDirectory(t);
    const script = `
    mount -t tmpfs -o size=64k,mode=755 none "$PWD" || exit 1
    cd "$PWD"
    node=$1 child=$2
    use() { echo $("$node" "$child" "$PWD/store" "$@"); }
    use 'write a one' 'read a'
    dd if=/dev/zero of=filler bs=1k count=200 2>/dev/null
    use 'write a two' 'read a'
    rm filler
    use 'write a three' 'read a'
    mount -o remount,ro "$PWD" || exit 1
    use 'write a four' 'remove a' 'read a'`;
    const {stdout, status} = spawnSync(...inMountNamespace(script, process.execPath, useStore), {
      cwd: directory,
      env: {PATH: process.env['PATH']},
      encoding: 'utf8',
    });
    t.is(status, 0);
    t.deepEqual(stdout.trimEnd().split('\n'), [
      'done one',
      'ERR_STORE_FULL one',
      'done three',
      'ERR_STORE_READ_ONLY ERR_STORE_READ_ONLY three',
    ]);
  },
);
