import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {Context} from '../../../src/cli/context.ts';
import {placedScripts, scriptsForGit, scriptsToPlace} from '../../../src/cli/setup/place-scripts.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';

type World = Pick<Context, 'program' | 'environment'> & {readonly home: string};

/** A program below that folder, and its person. */
function worldOf(t: ExecutionContext, folder: string, environment: World['environment'] = {}): World {
  const home = realpathSync(scratchDirectory(t));
  const dist = join(home, folder, 'dist');
  mkdirSync(dist, {recursive: true});
  const files = {
    main: 'main.js',
    helper: 'git-credential-orgkey',
    sshWrapper: 'orgkey-ssh',
    command: 'orgkey.cjs',
  };
  for (const file of Object.values(files)) writeFileSync(join(dist, file), `${file}, version 1\n`);
  const {main, helper, sshWrapper} = files;
  const program = {
    version: '1.0.0',
    node: process.execPath,
    main: join(dist, main),
    helper: join(dist, helper),
    sshWrapper: join(dist, sshWrapper),
    schema: undefined,
  };
  return {program, environment, home};
}

async function placeScripts(world: World): Promise<readonly string[]> {
  const placings = await scriptsToPlace({}, world);
  for (const {place} of placings) await place();
  return placings.map(({path}) => path);
}

const byNpm = 'lib/node_modules/orgkey';

for (const [title, folder, system, environment, place] of [
  ['from npm', byNpm, false, {}, '.local/share/orgkey/bin'],
  ['from npm, with XDG_DATA_HOME', byNpm, false, {XDG_DATA_HOME: '/data'}, '/data/orgkey/bin'],
  [
    'from npm, with a relative XDG_DATA_HOME',
    byNpm,
    false,
    {XDG_DATA_HOME: 'data'},
    '.local/share/orgkey/bin',
  ],
  ['from npm, for the whole machine', byNpm, true, {}, `${byNpm}/dist`],
  ['from a Debian package', 'usr/lib/orgkey', false, {}, 'usr/lib/orgkey/dist'],
  ['in a folder with a similar name', 'my_node_modules/orgkey', false, {}, 'my_node_modules/orgkey/dist'],
] as const) {
  test(`git runs the scripts of ${place} if the program is ${title}`, (t) => {
    const world = worldOf(t, folder, environment);
    const directory = place.startsWith('/') ? place : join(world.home, place);
    const {helper, sshWrapper} = scriptsForGit({system}, world);
    t.deepEqual(
      [helper, sshWrapper],
      ['git-credential-orgkey', 'orgkey-ssh'].map((name) => join(directory, name)),
    );
  });
}

test('copies are made once, follow the program, and are found again', async (t) => {
  const world = worldOf(t, byNpm);
  const {helper, sshWrapper} = scriptsForGit({}, world);
  const directory = dirname(helper);
  const command = join(directory, 'orgkey');
  t.deepEqual(await placeScripts(world), [helper, sshWrapper, command]);
  t.deepEqual(await placeScripts(world), []);
  t.is(statSync(directory).mode & 0o777, 0o700);
  for (const path of [helper, sshWrapper]) t.is(statSync(path).mode & 0o777, 0o755);
  t.is(realpathSync(command), join(dirname(world.program.main), 'orgkey.cjs'));

  const before = statSync(helper).ino;
  writeFileSync(world.program.helper, 'git-credential-orgkey, version 2\n');
  t.deepEqual(await placeScripts(world), [helper]);
  t.is(readFileSync(helper, 'utf8'), 'git-credential-orgkey, version 2\n');
  t.not(statSync(helper).ino, before, 'a git that runs the old one reads it to its end');
  t.deepEqual(readdirSync(directory).toSorted(), ['git-credential-orgkey', 'orgkey', 'orgkey-ssh']);

  t.is(await placedScripts(world), directory);
});

test('scripts that npm did not install are not copied', async (t) => {
  const world = worldOf(t, 'usr/lib/orgkey');
  t.deepEqual(await placeScripts(world), []);
  t.false(existsSync(join(world.home, '.local')));
  t.is(await placedScripts(world), undefined);
});
