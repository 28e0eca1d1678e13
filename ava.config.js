import {execFileSync} from 'node:child_process';
import {globSync, readFileSync, statSync} from 'node:fs';

/**
 * ORGKEY_TEST_SET chooses the tests: `core` takes data and returns data, and its coverage is held; `rest` is everything
 * else; `quick` is what of the rest starts no other process and no test cloud.
 */
const core = [
  'test/{answer,identity,login,organization,secret,submodule,token}/**/*.test.ts',
  // Without the test that tries random bytes: three times as slow if coverage is measured, and it adds none
  'test/protocol/!(anything).test.ts',
];
const rest = ['test/**/*.test.ts', ...core.map((pattern) => `!${pattern}`)];

const startsProcesses = /'node:child_process'|\/cloud\/(?:cloud|connect)\.ts'/;
const slowHelpers = globSync('test/helpers/*.ts')
  .filter((file) => startsProcesses.test(readFileSync(file, 'utf8')))
  .map((file) => file.slice('test/'.length));

function quick() {
  const isCore = new Set(core.flatMap((pattern) => globSync(pattern)));
  return globSync('test/**/*.test.ts').filter((file) => {
    const text = readFileSync(file, 'utf8');
    const isSlow = startsProcesses.test(text) || slowHelpers.some((helper) => text.includes(`/${helper}'`));
    return !isCore.has(file) && !isSlow && !file.endsWith('/anything.test.ts');
  });
}

const sets = {core: () => core, rest: () => rest, quick};

// Tests run the program as it is packed
const changed = (file) => statSync(file, {throwIfNoEntry: false})?.mtimeMs ?? 0;
const sources = [
  ...globSync('{src,scripts}/**/*.{ts,cjs,json,sh}'),
  ...globSync('src/shell/**/*'),
  'package.json',
];
if (sources.some((file) => changed(file) > changed('dist/main.js')))
  execFileSync(process.execPath, ['scripts/build.ts'], {stdio: ['ignore', 'ignore', 'inherit']});

export default {
  files: sets[process.env.ORGKEY_TEST_SET]?.() ?? ['test/**/*.test.ts'],
  extensions: ['ts'],
  require: ['./scripts/record-test-file.ts'],
  // Tests wait for other processes more than they compute
  concurrency: 3,
  // Without news from any file. Generous, because a busy machine must not fail a test
  timeout: '6m',
  workerThreads: false,
  environmentVariables: {NODE_NO_WARNINGS: '1'},
};
