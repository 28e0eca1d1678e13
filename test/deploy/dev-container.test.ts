import {execFile} from 'node:child_process';
import {copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless} from '../helpers/test-unless.ts';

const root = join(import.meta.dirname, '../..');
const tool = join(root, '.cache/devcontainer/node_modules/@devcontainers/cli/devcontainer.js');
const missing = 'the tool of dev containers is missing: scripts/test-packages devcontainer brings it';

/** Records what it is asked, and knows the image. It starts nothing. */
const docker = `#!/bin/sh
printf '%s\\n' "$*" >>"$RECORD"
case $1 in
  inspect) echo '[{"Id":"x","Architecture":"amd64","Os":"linux","Config":{"User":"root","Env":[],"Labels":{}}}]' ;;
esac
`;

testUnless(existsSync(tool) ? undefined : missing, test)(
  'the tool of dev containers mounts the directory of the scoped socket read-only',
  async (t) => {
    const directory = scratchDirectory(t);
    const at = (path: string) => join(directory, path);
    mkdirSync(at('project/.devcontainer'), {recursive: true});
    copyFileSync(
      join(root, 'scripts/deploy/devcontainer.json'),
      at('project/.devcontainer/devcontainer.json'),
    );
    writeFileSync(at('docker'), docker, {mode: 0o755});
    const args = ['up', '--docker-path', at('docker'), '--workspace-folder', at('project')];
    const env = {
      PATH: process.env['PATH'],
      HOME: directory,
      XDG_RUNTIME_DIR: '/run/user/1000',
      RECORD: at('record'),
    };
    // it fails after `docker run`, because no container starts
    await new Promise((resolve) => {
      execFile(process.execPath, [tool, ...args], {env, timeout: 60_000}, resolve);
    });
    const run = readFileSync(at('record'), 'utf8')
      .split('\n')
      .find((line) => line.startsWith('run '));
    t.true(
      run?.includes(
        ' --mount source=/run/user/1000/orgkey/scoped/team-a,target=/run/orgkey,type=bind,readonly ',
      ),
      run,
    );
    t.regex(run ?? '', /"git","config","--global","--add","include\.path","\/run\/orgkey\/gitconfig"/);
  },
);
