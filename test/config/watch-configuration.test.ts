import {chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {ConfigurationWatcher} from '../../src/config/watch-configuration.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {startTimer} from '../helpers/timers.ts';

/** A watcher that counts; `next` waits for one more change than there were. */
function watcherFor(t: ExecutionContext) {
  let changes = 0;
  const troubles: Error[] = [];
  let wake: (() => void) | undefined;
  const watcher = new ConfigurationWatcher({
    onChange() {
      changes += 1;
      wake?.();
    },
    onFailure: (error) => troubles.push(error),
    after: startTimer,
  });
  t.teardown(() => watcher.close());
  // timers and watches hold nothing back: the test has to
  const alive = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(alive));
  return {
    watcher,
    troubles,
    count: () => changes,
    next: async (act: () => void): Promise<void> => {
      const {promise, resolve} = Promise.withResolvers<void>();
      wake = resolve;
      act();
      await promise;
    },
  };
}

const changes: readonly (readonly [
  title: string,
  prepare: (directory: string) => void,
  change: (directory: string) => void,
])[] = [
  ['written to', (d) => writeFileSync(join(d, 'file'), 'a'), (d) => writeFileSync(join(d, 'file'), 'b')],
  [
    'replaced by a rename, as editors do',
    (d) => writeFileSync(join(d, 'file'), 'a'),
    (d) => {
      writeFileSync(join(d, '.file.swp'), 'b');
      renameSync(join(d, '.file.swp'), join(d, 'file'));
    },
  ],
  ['made', () => {}, (d) => writeFileSync(join(d, 'file'), 'a')],
  ['removed', (d) => writeFileSync(join(d, 'file'), 'a'), (d) => unlinkSync(join(d, 'file'))],
  [
    'given another mode',
    (d) => writeFileSync(join(d, 'file'), 'a'),
    (d) => chmodSync(join(d, 'file'), 0o640),
  ],
  [
    'swapped by a link beside it, as Kubernetes does',
    (d) => {
      for (const [name, text] of [
        ['..1', 'a'],
        ['..2', 'b'],
      ] as const) {
        mkdirSync(join(d, name));
        writeFileSync(join(d, name, 'file'), text);
      }
      symlinkSync('..1', join(d, '..data'));
      symlinkSync('..data/file', join(d, 'file'));
    },
    (d) => {
      symlinkSync('..2', join(d, '..data_tmp'));
      renameSync(join(d, '..data_tmp'), join(d, '..data'));
    },
  ],
  [
    'written to behind a link into another directory',
    (d) => {
      mkdirSync(join(d, 'other'));
      writeFileSync(join(d, 'other', 'target'), 'a');
      symlinkSync(join(d, 'other', 'target'), join(d, 'file'));
    },
    (d) => writeFileSync(join(d, 'other', 'target'), 'b'),
  ],
];

for (const [title, prepare, change] of changes) {
  test(`seen: a file that is ${title}`, async (t) => {
    const directory = scratchDirectory(t);
    prepare(directory);
    const {watcher, next, troubles} = watcherFor(t);
    await watcher.watch([join(directory, 'file')]);
    await next(() => change(directory));
    t.deepEqual(troubles, []);
  });
}

test('seen: a directory that is replaced as a whole, and what changes in the new one', async (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, 'orgkey', 'file');
  mkdirSync(join(directory, 'orgkey'));
  writeFileSync(file, 'a');
  const {watcher, next, count} = watcherFor(t);
  await watcher.watch([file]);
  await next(() => {
    renameSync(join(directory, 'orgkey'), join(directory, 'old'));
    mkdirSync(join(directory, 'orgkey'));
    writeFileSync(file, 'b');
  });
  await next(() => writeFileSync(file, 'c'));
  t.true(count() >= 2);
});

test('seen: a file whose directory was not there', async (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, 'a', 'b', 'file');
  const {watcher, next, count} = watcherFor(t);
  await watcher.watch([file]);
  await next(() => {
    mkdirSync(join(directory, 'a', 'b'), {recursive: true});
    writeFileSync(file, 'x');
  });
  t.true(count() >= 1);
});

test('every change is seen, one after the other', async (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, 'file');
  writeFileSync(file, '0');
  const {watcher, next, count} = watcherFor(t);
  await watcher.watch([file]);
  for (const text of ['1', '22', '333']) await next(() => writeFileSync(file, text));
  rmSync(file);
  t.true(count() >= 3);
});

test('a change beside the file is ignored', async (t) => {
  const directory = scratchDirectory(t);
  writeFileSync(join(directory, 'file'), 'a');
  const {watcher, next, count} = watcherFor(t);
  await watcher.watch([join(directory, 'file')]);
  writeFileSync(join(directory, 'other'), 'b');
  await next(() => writeFileSync(join(directory, 'file'), 'b'));
  t.is(count(), 1);
});

test('what changed since it was read counts at once', async (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, 'file');
  writeFileSync(file, 'a');
  const {watcher, next, count} = watcherFor(t);
  await next(() => void watcher.watch([file], 0));
  t.true(count() >= 1);
});

const since: readonly (readonly [title: string, change: (file: string) => void])[] = [
  ['written to', (file) => writeFileSync(file, 'b')],
  ['removed', (file) => unlinkSync(file)],
];

for (const [title, change] of since)
  test(`a file that is ${title} between its being noted and watched again counts, whatever the time`, async (t) => {
    const file = join(scratchDirectory(t), 'file');
    writeFileSync(file, 'a');
    const {watcher, next, count} = watcherFor(t);
    await watcher.watch([file]);
    await watcher.note();
    await next(() => {
      change(file);
      // the second finds what the first has found already
      void watcher.watch([file]).then(() => watcher.watch([file]));
    });
    t.true(count() >= 1);
  });

test('files that are watched no longer are not', async (t) => {
  const directory = scratchDirectory(t);
  const [one, other] = [join(directory, 'one'), join(directory, 'other')];
  writeFileSync(one, 'a');
  writeFileSync(other, 'a');
  const {watcher, next, count} = watcherFor(t);
  await watcher.watch([one]);
  await watcher.watch([other]);
  writeFileSync(one, 'b');
  await next(() => writeFileSync(other, 'b'));
  t.is(count(), 1);
});

test('a loop of links does not end the watcher', async (t) => {
  const directory = scratchDirectory(t);
  symlinkSync('b', join(directory, 'a'));
  symlinkSync('a', join(directory, 'b'));
  const {watcher, next, count} = watcherFor(t);
  await watcher.watch([join(directory, 'a')]);
  await next(() => {
    unlinkSync(join(directory, 'b'));
    writeFileSync(join(directory, 'b'), 'x');
  });
  t.true(count() >= 1);
});
