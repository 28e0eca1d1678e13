/**
 * ORGKEY_TEST_SET chooses the tests: `core` runs data in, data out, and its coverage is held; `rest` is all others;
 * `quick` leaves out of them what clones, builds packages or needs systemd, a browser or another machine.
 */
const core = [
  'test/{answer,identity,login,organization,secret,submodule,token}/**/*.test.ts',
  // Without the test that tries random bytes: three times as slow if coverage is measured, and it adds none
  'test/protocol/!(anything).test.ts',
];
const others = ['test/**/*.test.ts', ...core.map((pattern) => `!${pattern}`)];
const slow = 'test/{cloud-checks,deploy,package,with-browser,with-git,with-ssh,with-systemd}/**';
const sets = {
  core,
  rest: others,
  quick: [...others, `!${slow}`],
};

export default {
  files: sets[process.env.ORGKEY_TEST_SET] ?? ['test/**/*.test.ts'],
  extensions: ['ts'],
  require: ['./scripts/record-test-file.ts'],
  concurrency: 2,
  // Without news from any file. Generous: a busy machine must not fail a test
  timeout: '6m',
  workerThreads: false,
  environmentVariables: {NODE_NO_WARNINGS: '1'},
};
