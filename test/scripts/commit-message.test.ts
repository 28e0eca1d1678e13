import {execFileSync, spawnSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const scripts = join(import.meta.dirname, '../../scripts');
const hook = join(scripts, 'hooks/commit-msg');

function check(t: ExecutionContext, message: string) {
  const file = join(scratchDirectory(t), 'message');
  writeFileSync(file, message);
  return spawnSync(hook, [file], {encoding: 'utf8'});
}

const accepted = test.macro({
  exec(t: ExecutionContext, message: string) {
    const {status, stderr} = check(t, message);
    t.is(status, 0, stderr);
  },
  title: (title = '') => `the hook accepts ${title}`,
});

const rejected = test.macro({
  exec(t: ExecutionContext, message: string, complaint: RegExp) {
    const {status, stderr} = check(t, message);
    t.is(status, 1);
    t.regex(stderr, complaint);
  },
  title: (title = '') => `the hook rejects ${title}`,
});

test('a subject', accepted, 'Add a hook\n');
test('a subject and a body', accepted, 'Add a hook\n\nIt checks the form.\n');
test('a verb that ends like a participle', accepted, 'Need less memory\n');
test('72 characters', accepted, `Add ${'a'.repeat(68)}\n`);
test('a fixup', accepted, 'fixup! Add a hook\n');
test("git's own comments", accepted, '# Please enter the message\nAdd a hook\n# ------- >8 --\n');
test('an empty subject', rejected, '\n', /is empty/);
test('73 characters', rejected, `Add ${'a'.repeat(69)}\n`, /72 characters/);
test('a small first letter', rejected, 'add a hook\n', /capital letter/);
test('a full stop', rejected, 'Add a hook.\n', /full stop/);
test('a body without an empty line', rejected, 'Add a hook\nIt checks\n', /second line/);
test('a participle', rejected, 'Adding a hook\n', /not imperative/);
test('the past tense', rejected, 'Added a hook\n', /not imperative/);
test('the third person', rejected, 'Adds a hook\n', /not imperative/);
test('a state of the world', rejected, 'The hook is there\n', /not imperative/);

test('git refuses a commit whose message the hook rejects', (t) => {
  const repository = scratchDirectory(t);
  const git = (...args: string[]) =>
    spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
      cwd: repository,
      encoding: 'utf8',
    });
  git('init', '--quiet');
  git('config', 'core.hooksPath', join(scripts, 'hooks'));
  t.is(git('commit', '--allow-empty', '-m', 'Added a hook').status, 1);
  t.is(git('commit', '--allow-empty', '-m', 'Add a hook').status, 0);
});

test('the messages of a range are checked', (t) => {
  const root = join(scripts, '..');
  const head = execFileSync('git', ['rev-parse', 'HEAD'], {cwd: root, encoding: 'utf8'}).trim();
  const {status} = spawnSync(join(scripts, 'check-commits'), [`${head}..${head}`]);
  t.is(status, 0);
});
