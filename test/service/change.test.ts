import {chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {applyChanges, describeChange} from '../../src/service/change.ts';
import {resultOf} from '../../src/service/service-result.ts';
import {runCommand} from '../../src/service/run-command.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const parts = {run: runCommand, environment: {PATH: process.env['PATH']}};

test('a file is written with its mode, whatever the umask, and its directory is made', async (t) => {
  const directory = scratchDirectory(t);
  const path = join(directory, 'a/b/unit');
  const before = process.umask(0o077);
  t.teardown(() => process.umask(before));
  t.is(await applyChanges([{kind: 'write', path, text: 'new', mode: 0o644}], parts), undefined);
  t.is(readFileSync(path, 'utf8'), 'new');
  t.is(statSync(path).mode & 0o777, 0o644);
  t.deepEqual(readdirSync(join(directory, 'a/b')), ['unit']);
});

test('a symbolic link is replaced, not followed', async (t) => {
  const directory = scratchDirectory(t);
  writeFileSync(join(directory, 'victim'), 'as it was');
  symlinkSync('victim', join(directory, 'unit'));
  await applyChanges([{kind: 'write', path: join(directory, 'unit'), text: 'new', mode: 0o644}], parts);
  t.is(readFileSync(join(directory, 'victim'), 'utf8'), 'as it was');
  t.is(readFileSync(join(directory, 'unit'), 'utf8'), 'new');
});

test('a failed write leaves the old file and no temporary file', async (t) => {
  const directory = scratchDirectory(t);
  mkdirSync(join(directory, 'unit'));
  const failure = await applyChanges(
    [
      {kind: 'write', path: join(directory, 'unit'), text: 'new', mode: 0o644},
      {kind: 'remove', path: join(directory, 'never')},
    ],
    parts,
  );
  t.regex(failure?.message ?? '', /^cannot write .*unit: EISDIR/);
  t.deepEqual(readdirSync(directory), ['unit']);
});

test('the first failure stops the changes and is described in one line', async (t) => {
  const directory = scratchDirectory(t);
  const script = String.raw`echo first >&2; printf 'why \033[31m\n' >&2; exit 3`;
  const failure = await applyChanges(
    [
      {kind: 'run', command: ['sh', '-c', 'exit 9'], failure: 'ignored'},
      {kind: 'run', command: ['sh', '-c', script], failure: 'reported'},
      {kind: 'write', path: join(directory, 'never'), text: '', mode: 0o600},
    ],
    parts,
  );
  t.true(failure?.message.endsWith(String.raw`failed with status 3: why \u{1b}[31m`), failure?.message);
  t.deepEqual(readdirSync(directory), []);
});

test('a survived failure is reported after the other changes', async (t) => {
  const directory = scratchDirectory(t);
  const path = join(directory, 'unit');
  writeFileSync(path, '');
  const changes = [
    {kind: 'run', command: ['sh', '-c', 'echo why >&2; exit 1'], failure: 'survived'},
    {kind: 'remove', path},
    {kind: 'run', command: ['sh', '-c', 'echo later >&2; exit 1'], failure: 'survived'},
  ] as const;
  const failure = await applyChanges(changes, parts);
  t.regex(failure?.message ?? '', /failed with status 1: why$/);
  t.deepEqual(readdirSync(directory), []);
  t.deepEqual(resultOf(changes, failure, 'a hint'), {kind: 'done', changes, warning: failure?.message});
});

test('a missing program is a failure, not an exception', async (t) => {
  const failure = await applyChanges(
    [{kind: 'run', command: ['/nonexistent/systemctl'], failure: 'reported'}],
    parts,
  );
  t.regex(failure?.message ?? '', /did not run: spawn .*ENOENT/);
});

test('a program gets the given environment and no input', async (t) => {
  const {stdout} = await runCommand(['/bin/sh', '-c', 'cat; echo "$A,$HOME"'], {A: '1'});
  t.is(stdout, '1,\n');
});

test('a directory is made with its mode, and an existing one keeps its own', async (t) => {
  const directory = scratchDirectory(t);
  const path = join(directory, 'state');
  await applyChanges([{kind: 'make-directory', path, mode: 0o700}], parts);
  t.is(statSync(path).mode & 0o777, 0o700);
  chmodSync(path, 0o750);
  await applyChanges([{kind: 'make-directory', path, mode: 0o700}], parts);
  t.is(statSync(path).mode & 0o777, 0o750);
});

for (const [change, expected] of [
  [{kind: 'write', path: '/a', text: 'x', mode: 0o600}, 'write /a'],
  [{kind: 'make-directory', path: '/a', mode: 0o700}, 'make the directory /a'],
  [{kind: 'remove', path: '/a'}, 'remove /a'],
  [{kind: 'run', command: ['systemctl', '--user', 'stop'], failure: 'ignored'}, 'run systemctl --user stop'],
] as const) {
  test(`a change is described as: ${expected}`, (t) => {
    t.is(describeChange(change), expected);
  });
}
