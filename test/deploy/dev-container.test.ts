import {execFile} from 'node:child_process';
import {copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
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

/** Runs `devcontainer up` with our example. Returns what it printed, and what it asked of docker. */
async function up(t: ExecutionContext, prepare: (session: string) => void) {
  const directory = scratchDirectory(t);
  const at = (path: string) => join(directory, path);
  mkdirSync(at('project/.devcontainer'), {recursive: true});
  copyFileSync(join(root, 'scripts/deploy/devcontainer.json'), at('project/.devcontainer/devcontainer.json'));
  writeFileSync(at('docker'), docker, {mode: 0o755});
  prepare(at('session'));
  const args = ['up', '--docker-path', at('docker'), '--workspace-folder', at('project')];
  const env = {
    PATH: process.env['PATH'],
    HOME: directory,
    XDG_RUNTIME_DIR: at('session'),
    RECORD: at('record'),
  };
  // it fails after `docker run`, because no container starts
  const printed = await new Promise<string>((resolve) => {
    execFile(process.execPath, [tool, ...args], {env, timeout: 60_000}, (_error, _stdout, stderr) =>
      resolve(stderr),
    );
  });
  const asked = readFileSync(at('record'), 'utf8').split('\n');
  return {printed, session: at('session'), run: asked.find((line) => line.startsWith('run '))};
}

const withTool = testUnless(existsSync(tool) ? undefined : missing, test);

withTool('the tool of dev containers mounts the directory of the scoped socket read-only', async (t) => {
  const {run, session} = await up(t, (path) =>
    mkdirSync(join(path, 'orgkey/scoped/team-a'), {recursive: true}),
  );
  const mount = `source=${session}/orgkey/scoped/team-a,target=/run/orgkey,type=bind,readonly`;
  t.true(run?.includes(` --mount ${mount} `), run);
  t.regex(run ?? '', /"git","config","--global","--add","include\.path","\/run\/orgkey\/gitconfig"/);
});

withTool('without the scoped socket no container is started, and the repair is named', async (t) => {
  const {run, printed} = await up(t, () => undefined);
  t.is(run, undefined);
  t.regex(printed, /orgkey: error: there is no scoped socket team-a/);
  t.regex(printed, /orgkey: hint: .*orgkey setup/);
});
