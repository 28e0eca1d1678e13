import type {ExecutionContext} from 'ava';
import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, chownSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';
import {main} from '../helpers/program.ts';

/** In no list of users, as in containers that choose a number. */
const uid = 4321;
const asRoot = testUnless(whyNotRoot);

const configuration = 'integrations: {azure: [{credentials: [{organizations: [contoso], stored: true}]}]}\n';

function placesOf(t: ExecutionContext): {readonly directory: string; readonly config: string} {
  const directory = scratchDirectory(t);
  const config = join(directory, 'config.yaml');
  chmodSync(directory, 0o755);
  writeFileSync(config, configuration, {mode: 0o644});
  mkdirSync(join(directory, 'own'));
  chownSync(join(directory, 'own'), uid, uid);
  return {directory, config};
}

for (const [title, environment] of [
  ['not set', {}],
  ['empty', {HOME: ''}],
  ['relative', {HOME: 'home'}],
] as const) {
  asRoot(`only commands that need a home fail if HOME is ${title}`, async (t) => {
    const {directory, config} = placesOf(t);
    const runtime = join(directory, 'own/run');
    const state = join(directory, 'own/state');
    const options = {
      cwd: '/',
      env: {PATH: process.env['PATH'], NODE_NO_WARNINGS: '1', TMPDIR: directory, ...environment},
      uid,
      gid: uid,
    };
    const run = (...argv: readonly string[]) =>
      spawnSync(process.execPath, [main, ...argv], {...options, encoding: 'utf8'});

    const {stdout, stderr} = run('--version');
    t.regex(stdout, /^\d+\.\d+\.\d+\n$/, stderr);
    t.regex(run('status').stderr, /^orgkey: error: the daemon is not running\n/);
    t.regex(run('which', 'contoso', '--config', config).stdout, /^organization +contoso$/m);
    for (const argv of [
      ['setup', '--service', 'none', '--organization', 'contoso', '--stored'],
      ['setup', '--service', 'none', '--config', config],
      ['uninstall'],
    ]) {
      const failed = run(...argv);
      t.is(failed.status, 1);
      t.regex(
        failed.stderr,
        /^orgkey: error: HOME is not set .*\norgkey: hint: set it: export HOME=\S+\n$/,
        argv.join(' '),
      );
    }

    const places = ['--config', config, '--runtime-dir', runtime, '--state-dir', state];
    const daemon = spawn(process.execPath, [main, 'daemon', ...places], options);
    t.teardown(() => daemon.kill('SIGKILL'));
    const [said] = await once(daemon.stdout.setEncoding('utf8'), 'data');
    t.regex(said, /^ready /);
    t.is(run('status', '--runtime-dir', runtime).status, 0);
  });
}

asRoot('a home that is not writable is named, with the variables to set', (t) => {
  const {directory, config} = placesOf(t);
  const home = join(directory, 'home');
  mkdirSync(home, {mode: 0o555});
  chownSync(home, uid, uid);
  const run = (...argv: readonly string[]) =>
    spawnSync(process.execPath, [main, ...argv], {
      cwd: '/',
      env: {PATH: process.env['PATH'], NODE_NO_WARNINGS: '1', TMPDIR: join(directory, 'own'), HOME: home},
      uid,
      gid: uid,
      encoding: 'utf8',
    });
  const first = run('setup', '--service', 'plain', '--organization', 'contoso', '--stored');
  t.is(first.status, 1);
  t.regex(
    first.stderr,
    /error: \S+\/\.config\/orgkey cannot be made or entered: .*no write permission in \S+ .*\norgkey: hint: name a file that you can write to in ORGKEY_CONFIG, or with --config\n/,
  );
  const named = run('setup', '--service', 'plain', '--config', config);
  t.is(named.status, 1);
  t.regex(
    named.stderr,
    /error: \S+\/state\/orgkey cannot be made or entered: .*\norgkey: hint: .*ORGKEY_STATE_DIR/,
  );
  const {stdout} = run('doctor', 'contoso', '--config', config);
  t.regex(stdout, /✗ state: .*cannot be made or entered:.*no write\s+permission/s);
  t.regex(stdout, /repair: set ORGKEY_STATE_DIR to a directory that you can write to\n/);
});
