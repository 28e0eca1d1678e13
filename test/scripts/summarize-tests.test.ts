import {spawnSync} from 'node:child_process';
import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const root = resolve(import.meta.dirname, '../..');

const PASSING = `import test from 'ava';
test('passes', (t) => t.pass());
`;

/** Runs ava on a project of one test file, and gives the summary of it. */
const summary = test.macro({
  exec(t: ExecutionContext, file: string, expected: readonly RegExp[], isPassing?: 'passing') {
    const project = scratchDirectory(t);
    mkdirSync(project, {recursive: true});
    symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
    writeFileSync(join(project, 'package.json'), '{"type": "module"}');
    writeFileSync(
      join(project, 'ava.config.js'),
      `export default ${JSON.stringify({
        files: ['*.test.ts'],
        extensions: ['ts'],
        require: [join(root, 'scripts/record-test-file.ts')],
        timeout: '5s',
        workerThreads: false,
      })}`,
    );
    writeFileSync(join(project, 'seeded.test.ts'), file);
    const record = join(project, 'record.jsonl');
    const {stdout: tap, status: exit} = spawnSync(join(root, 'node_modules/.bin/ava'), ['--tap'], {
      cwd: project,
      env: {...process.env, ORGKEY_TEST_RECORD: record, AVA_FORCE_CI: 'not-ci'},
      encoding: 'utf8',
    });
    const result = spawnSync(process.execPath, [join(root, 'scripts/summarize-tests.ts'), '0', record], {
      input: `${tap}# exit ${exit}\n`,
      encoding: 'utf8',
    });
    for (const pattern of expected) t.regex(result.stdout, pattern);
    t.is(result.status, isPassing === 'passing' ? 0 : 1);
  },
  title: (title = '') => `the summary reports ${title}`,
});

test('a passing file', summary, PASSING, [/^1 passed, 0 failed$/m], 'passing');

test('a failed assertion with its details', summary, PASSING.replace('t.pass()', "t.fail('deliberate')"), [
  /^not ok 1/m,
  /deliberate/,
]);

test('a file that does not end', summary, `${PASSING}setInterval(() => {}, 1_000);\n`, [
  /seeded\.test\.ts: did not end/,
]);

test(
  'an exception outside a test',
  summary,
  `${PASSING}test.after(() => void setTimeout(() => { throw new Error('deliberate'); }, 1));\n`,
  [/seeded\.test\.ts: Error: deliberate/],
);

test(
  'a rejection outside a test',
  summary,
  `${PASSING}test.after(() => void setTimeout(() => Promise.reject(new Error('deliberate')), 1));\n`,
  [/seeded\.test\.ts: Error: deliberate/],
);

test(
  'no fault for a rejection that is handled late',
  summary,
  `import {setTimeout as wait} from 'node:timers/promises';
${PASSING}test('handles it late', async (t) => {
  const rejection = Promise.reject(new Error('deliberate'));
  await wait(20);
  await t.throwsAsync(rejection);
});
`,
  [/^2 passed, 0 failed$/m],
  'passing',
);

test('a file that cannot be loaded', summary, `${PASSING}throw new Error('deliberate');\n`, [
  /^not ok 1 - Error: deliberate/m,
  /seeded\.test\.ts exited with a non-zero exit code/,
]);

test('a file that exits within a test', summary, PASSING.replace('t.pass()', 'process.exit(0)'), [
  /seeded\.test\.ts: Error: process\.exit\(0\) was called/,
]);

test('a file without tests', summary, "import 'ava';\n", [/No tests found in seeded\.test\.ts/]);
