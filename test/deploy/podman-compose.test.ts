import {spawnSync} from 'node:child_process';
import {existsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless} from '../helpers/test-unless.ts';

/** compose.yaml as podman-compose 1.0 reads it, which drops the options of volumes and other things without a word. */

const root = join(import.meta.dirname, '../..');
const program = join(root, '.cache/podman-compose/bin/podman-compose');
const missing = existsSync(program)
  ? undefined
  : 'no podman-compose: scripts/test-packages podman-compose brings one';

/** Knows every volume and network, and starts nothing. */
const podman = `#!/bin/sh
case $1 in --version) echo 'podman version 4.3.1' ;; ps) echo '[]' ;; esac
`;

testUnless(missing, test)(
  'a compose tool that drops options gives each workload its own socket only',
  (t) => {
    const directory = scratchDirectory(t);
    writeFileSync(join(directory, 'podman'), podman, {mode: 0o755});
    const file = join(root, 'scripts/deploy/compose.yaml');
    const {stdout, stderr} = spawnSync(program, ['--dry-run', '--file', file, 'up', '--detach'], {
      env: {PATH: `${directory}:${process.env['PATH'] ?? ''}`, AZURE_CLIENT_ID: 'a', AZURE_TENANT_ID: 'b'},
      encoding: 'utf8',
    });
    const runs = (stdout + stderr).split('\n').filter((line) => line.startsWith('podman run '));
    const volumesOf = (service: string) => {
      const run = runs.find((line) => line.includes(` --name=deploy_${service}_1 `)) ?? '';
      return [...run.matchAll(/ -v (\S+)/g)].map(([, volume]) => volume);
    };
    t.deepEqual(volumesOf('build'), ['deploy_team-a:/run/orgkey:ro']);
    t.deepEqual(volumesOf('agent'), ['deploy_agents:/run/orgkey:ro']);
    t.true(volumesOf('orgkey').includes('deploy_team-a:/sockets/orgkey/scoped/team-a'), stderr);
  },
);
