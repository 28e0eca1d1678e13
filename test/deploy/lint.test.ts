import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {testUnless} from '../helpers/test-unless.ts';

/** The usual linters on what is made for containers. */

const root = join(import.meta.dirname, '../..');
const shellcheck = join(root, '.cache/shellcheck/bin/shellcheck');
const dockerfilelint = join(root, '.cache/dockerfilelint/node_modules/dockerfilelint/bin/dockerfilelint');
const file = join(root, 'scripts/deploy/Dockerfile');
const whyWithout = (name: string, path: string) =>
  existsSync(path) ? undefined : `no ${name}: scripts/test-packages ${name} brings one`;

testUnless(whyWithout('shellcheck', shellcheck), test)(
  'shellcheck accepts the scripts for containers',
  (t) => {
    const scripts = [
      'base-image',
      'build-image',
      'with-podman',
      'deploy/features/src/orgkey/install.sh',
      'deploy/features/test/orgkey/test.sh',
    ].map((script) => join(root, 'scripts', script));
    const checked = spawnSync(shellcheck, ['--exclude=SC1091', ...scripts], {encoding: 'utf8'});
    t.is(checked.stdout, '');
    const [, body = ''] = /^RUN ((?:.*\\\n)*.*)$/m.exec(readFileSync(file, 'utf8')) ?? [];
    const [, inner = ''] = /<<'END'\n([^]*?)\nEND\n/.exec(readFileSync(scripts[3] ?? '', 'utf8')) ?? [];
    for (const input of [body, inner]) {
      t.not(input, '');
      t.is(spawnSync(shellcheck, ['--shell=sh', '-'], {input, encoding: 'utf8'}).stdout, '');
    }
  },
);

/** It knows neither a base in an argument nor the options of a health check. */
const UNKNOWN = ['Base Image Missing Tag', 'Invalid Argument Format'];

testUnless(whyWithout('dockerfilelint', dockerfilelint), test)(
  'dockerfilelint accepts the Dockerfile',
  (t) => {
    const {stdout} = spawnSync(process.execPath, [dockerfilelint, '--output', 'json', file], {
      encoding: 'utf8',
    });
    const [{issues}]: [{issues: readonly {title: string; line: string}[]}] = JSON.parse(stdout).files;
    t.deepEqual(
      issues.map(({title}) => title),
      UNKNOWN,
    );
  },
);
