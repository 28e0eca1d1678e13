import {readFileSync} from 'node:fs';
import {join} from 'node:path';

import test, {type ExecutionContext} from 'ava';

import {gitsWithLfs} from '../helpers/git-lfs.ts';
import {everybody} from '../helpers/grant-daemon.ts';
import {SubmoduleWorld} from '../helpers/submodule-world.ts';
import {sshWrapper as wrapper} from '../helpers/program.ts';
import {testUnless} from '../helpers/test-unless.ts';

/** Each test has a world of its own: what is granted in it is counted. */
async function inWorld(t: ExecutionContext): Promise<SubmoduleWorld> {
  const world = await SubmoduleWorld.start();
  t.teardown(() => world.close());
  return world;
}

function contentOf({home}: SubmoduleWorld, path: string): string {
  return readFileSync(join(home.directory, path), 'utf8');
}

test('a clone with its submodules, nested ones among them', async (t) => {
  const world = await inWorld(t);
  const {contoso, home} = world;
  contoso.addRepository('Web/deep', {files: {'deep.txt': 'deep'}});
  contoso.addRepository('Web/lib', {
    files: {'lib.txt': 'lib'},
    submodules: [{path: 'deep', url: world.ssh('Web/deep')}],
  });
  contoso.addRepository('Web/app', {submodules: [{path: 'a lib', url: world.ssh('Web/lib')}]});

  const {code, stderr} = await home.git([
    'clone',
    '-q',
    '--recurse-submodules',
    world.https('Web/app'),
    'my app',
  ]);
  t.is(code, 0, stderr);
  t.is(contentOf(world, 'my app/a lib/lib.txt'), 'lib');
  t.is(contentOf(world, 'my app/a lib/deep/deep.txt'), 'deep');
  t.deepEqual(world.granted, ['Web/lib', 'Web/deep']);
  t.true(
    [...world.cloud.sshRequests].every(
      ({kind, algorithm}) => kind !== 'authentication' || algorithm === 'rsa-sha2-512',
    ),
  );
});

test('relative URLs of submodules, below a superproject that came over ssh by other means', async (t) => {
  const world = await inWorld(t);
  const {contoso, home} = world;
  contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
  contoso.addRepository('Web/app', {submodules: [{path: 'lib', url: '../lib'}]});
  await home.succeed(['clone', '-q', world.https('Web/app'), 'app']);
  await home.succeed(['remote', 'set-url', 'origin', world.ssh('Web/app')], {cwd: 'app'});
  await home.succeed(['submodule', 'update', '-q', '--init'], {cwd: 'app'});
  t.is(contentOf(world, 'app/lib/lib.txt'), 'lib');
  t.deepEqual(world.granted, ['Web/lib']);
});

test('adding a submodule, updating it from its remote, fetching below the superproject', async (t) => {
  const world = await inWorld(t);
  const {contoso, home} = world;
  const lib = contoso.addRepository('My%20Project/lib'.replace('%20', ' '), {files: {'lib.txt': '1'}});
  await home.succeed(['init', '-q', 'app']);
  await home.succeed(['submodule', '--quiet', 'add', world.ssh('My%20Project/lib'), 'lib'], {cwd: 'app'});
  await home.succeed(['commit', '-qm', 'lib'], {cwd: 'app'});

  await lib.commit({files: {'lib.txt': '2'}});
  await home.succeed(['submodule', 'update', '-q', '--remote'], {cwd: 'app'});
  t.is(contentOf(world, 'app/lib/lib.txt'), '2');

  await lib.commit({files: {'lib.txt': '3'}});
  await home.succeed(['remote', 'add', 'origin', join(home.directory, 'app')], {cwd: 'app'});
  await home.succeed(['fetch', '-q', '--recurse-submodules=yes', 'origin'], {cwd: 'app'});
  await home.succeed(['fetch', '-q'], {cwd: 'app/lib'});
  t.is(await home.succeed(['show', 'FETCH_HEAD:lib.txt'], {cwd: 'app/lib'}), '3');
  t.deepEqual(new Set(world.granted), new Set(['My Project/lib']));
  t.true(world.granted.length >= 4);
});

/** The ways to have a work tree. `tree` is where it is then; `own`: the variables with which git finds it. */
const layouts: readonly {
  readonly name: string;
  readonly commands: readonly string[];
  readonly tree: string;
  readonly own?: Readonly<Record<string, string>>;
}[] = [
  {
    name: 'a linked worktree',
    commands: ['clone -q URL app', '-C app worktree add -q ../tree -b tree'],
    tree: 'tree',
  },
  {
    name: 'a worktree of a bare clone called .git',
    commands: ['clone -q --bare URL project/.git', '-C project worktree add -q tree main'],
    tree: 'project/tree',
  },
  {
    name: 'a worktree of a bare clone called .bare',
    commands: [
      'clone -q --bare URL project/.bare',
      '--git-dir=project/.bare worktree add -q project/tree main',
    ],
    tree: 'project/tree',
  },
  {
    name: 'a worktree of a bare clone with a name',
    commands: ['clone -q --bare URL app.git', '-C app.git worktree add -q ../tree main'],
    tree: 'tree',
  },
  {
    name: 'a separate git directory',
    commands: ['clone -q --separate-git-dir=apart.git URL tree'],
    tree: 'tree',
  },
  {
    name: 'a git directory and a work tree in variables',
    commands: [
      'clone -q --bare URL tree/.dotfiles',
      '--git-dir=tree/.dotfiles --work-tree=tree checkout -q -f main',
    ],
    tree: 'tree',
    own: {GIT_DIR: '.dotfiles', GIT_WORK_TREE: '.'},
  },
];

for (const {name, commands, tree, own = {}} of layouts)
  test(`${name} updates, fetches and pulls its submodules with the key`, async (t) => {
    const world = await inWorld(t);
    const {contoso, home} = world;
    contoso.addRepository('Web/deep', {files: {'deep.txt': 'deep'}});
    const lib = contoso.addRepository('Web/lib', {
      files: {'lib.txt': '1'},
      submodules: [{path: 'deep', url: world.ssh('Web/deep')}],
    });
    const app = contoso.addRepository('Web/app', {
      submodules: [{path: 'vendor/lib', url: world.ssh('Web/lib')}],
    });
    const run = async (command: string, options = {}) =>
      home.succeed(
        command.split(' ').map((word) => (word === 'URL' ? world.https('Web/app') : word)),
        options,
      );
    for (const command of commands) await run(command);
    const there = {cwd: tree, environment: {...world.plain, ...own}};
    await run('submodule update -q --init --recursive', there);
    t.is(contentOf(world, `${tree}/vendor/lib/deep/deep.txt`), 'deep');
    t.deepEqual(world.granted, ['Web/lib', 'Web/deep']);
    await run('fetch -q --recurse-submodules=yes URL main', there);

    await lib.commit({files: {'lib.txt': '2'}});
    await app.commit({submodules: [{path: 'vendor/lib', url: world.ssh('Web/lib')}]});
    const before = world.granted.length;
    await run('pull -q --recurse-submodules=on-demand URL main', there);
    t.true(world.granted.length > before);
    await run('submodule update -q --no-fetch', there);
    t.is(contentOf(world, `${tree}/vendor/lib/lib.txt`), '2');
    t.deepEqual(
      world.daemon.events.filter(({kind}) => kind === 'passed' || kind === 'denied'),
      [],
    );
  });

test('twelve submodules with six jobs', async (t) => {
  const world = await inWorld(t);
  const {contoso, home} = world;
  const names = Array.from({length: 12}, (_, at) => `lib-${at}`);
  for (const name of names) contoso.addRepository(`Web/${name}`, {files: {'name.txt': name}});
  contoso.addRepository('Web/app', {
    submodules: names.map((name) => ({path: name, url: world.ssh(`Web/${name}`)})),
  });
  const clone = ['clone', '-q', '--recurse-submodules', '--jobs', '6', world.https('Web/app'), 'app'];
  const {code, stderr} = await home.git(clone);
  t.is(code, 0, stderr);
  for (const name of names) t.is(contentOf(world, `app/${name}/name.txt`), name);
  t.deepEqual(world.granted.toSorted(), names.map((name) => `Web/${name}`).toSorted());
  await world.daemon.grants.drain(60_000);
  t.is(world.daemon.grants.active, 0);
});

for (const [what, args] of [
  ['clone', ['clone', '-q', 'URL', '../../copy']],
  ['ls-remote', ['--git-dir', '../.git', 'ls-remote', 'URL']],
  ['fetch', ['-C', '..', 'fetch', '-q', 'URL']],
  ['fetch of a remote', ['-C', '..', 'fetch', '-q', 'origin']],
] as const)
  test(`a top-level ${what} over ssh that is started inside a submodule is not served`, async (t) => {
    const world = await inWorld(t);
    const {contoso, home} = world;
    contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
    contoso.addRepository('Web/app', {submodules: [{path: 'lib', url: world.ssh('Web/lib')}]});
    await home.succeed(['clone', '-q', '--recurse-submodules', world.https('Web/app'), 'app']);
    await home.succeed(['remote', 'set-url', 'origin', world.ssh('Web/app')], {cwd: 'app'});
    const before = [world.granted, world.commands];
    const path = `${home.directory}/bin:${home.environment['PATH'] ?? ''}`;
    const {code, stderr} = await home.git(
      args.map((arg) => arg.replace('URL', world.ssh('Web/lib'))),
      {cwd: 'app/lib', environment: {PATH: path}},
    );
    t.is(code, 128);
    t.regex(stderr, /plain ssh: -o SendEnv=GIT_PROTOCOL git@ssh\.dev\.azure\.com git-upload-pack /);
    t.deepEqual([world.granted, world.commands], before);
  });

for (const [what, args] of [
  ['clone', ['clone', '-q', 'URL', 'copy']],
  ['ls-remote', ['ls-remote', 'URL']],
  ['fetch', ['-C', 'app', 'fetch', '-q', 'URL']],
] as const)
  test(`a top-level ${what} over ssh is not served`, async (t) => {
    const world = await inWorld(t);
    const {contoso, home} = world;
    contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
    await home.succeed(['init', '-q', 'app']);
    const path = `${home.directory}/bin:${home.environment['PATH'] ?? ''}`;
    const {code, stderr} = await home.git(
      args.map((arg) => arg.replace('URL', world.ssh('Web/lib'))),
      {environment: {PATH: path}},
    );
    t.is(code, 128);
    t.regex(stderr, /plain ssh: /);
    t.deepEqual(world.granted, []);
    t.deepEqual(world.commands, []);
  });

test('whatever directory a program claims, it gets no more than the reading that the rule allows', async (t) => {
  const world = await inWorld(t);
  const {contoso, home, daemon} = world;
  contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
  contoso.addRepository('Web/app', {submodules: [{path: 'lib', url: world.ssh('Web/lib')}]});
  await home.succeed(['clone', '-q', '--recurse-submodules', world.https('Web/app'), 'app']);
  await home.succeed(['init', '-q', 'plain']);
  const kindFor = async (directory: string, command: string) => {
    const destination = 'git@ssh.dev.azure.com';
    const request = {operation: 'grant', destination, port: undefined, command, directory} as const;
    return (await daemon.grants.answer(request, everybody)).kind;
  };
  const claimed = ['app', 'app/lib', 'plain', 'missing'].map((path) => join(home.directory, path));
  for (const [command, kinds] of [
    ["git-upload-pack 'v3/contoso/Web/lib'", ['grant', 'grant', 'pass', 'grant']],
    ["git-receive-pack 'v3/contoso/Web/lib'", ['deny', 'deny', 'deny', 'deny']],
    ["git-upload-archive 'v3/contoso/Web/lib'", ['deny', 'deny', 'deny', 'deny']],
    ["git-upload-pack 'v3/northwind/Web/lib'", ['pass', 'pass', 'pass', 'pass']],
  ] as const)
    t.deepEqual(await Promise.all(claimed.map((path) => kindFor(path, command))), [...kinds], command);
});

test('where the wrapper was set for everything, a repository without submodules is passed', async (t) => {
  const world = await inWorld(t);
  const {contoso, home} = world;
  contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
  await home.succeed(['init', '-q', 'app']);
  const {stderr} = await home.git(['-C', 'app', 'ls-remote', world.ssh('Web/lib')], {
    environment: {...world.plain, GIT_SSH: wrapper, GIT_SSH_VARIANT: 'ssh'},
  });
  t.regex(
    stderr,
    /plain ssh: -o SendEnv=GIT_PROTOCOL git@ssh\.dev\.azure\.com git-upload-pack 'v3\/contoso\/Web\/lib'/,
  );
  t.like(world.daemon.events.at(-1), {kind: 'passed', reason: 'the repository has no submodules'});
});

test('a push is denied with the way that works, and the server never hears of it', async (t) => {
  const world = await inWorld(t);
  const {contoso, home} = world;
  contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
  contoso.addRepository('Web/app', {submodules: [{path: 'lib', url: world.ssh('Web/lib')}]});
  await home.succeed(['clone', '-q', '--recurse-submodules', world.https('Web/app'), 'app']);
  await home.succeed(['commit', '-q', '--allow-empty', '-m', 'mine'], {cwd: 'app/lib'});
  const {code, stderr} = await home.git(['push', 'origin', 'HEAD:refs/heads/mine'], {
    cwd: 'app/lib',
    environment: world.plain,
  });
  t.is(code, 128);
  t.regex(stderr, /^orgkey: error: the submodule key only reads, it does not push$/m);
  t.regex(
    stderr,
    /^orgkey: hint: push over HTTPS: git push https:\/\/dev\.azure\.com\/contoso\/Web\/_git\/lib; for every push: /m,
  );
  t.notRegex(stderr, /plain ssh/);
  t.false(world.commands.some((command) => command.includes('receive-pack')));
});

test('an organization without a key is passed to plain ssh, with its arguments as they were', async (t) => {
  const world = await inWorld(t);
  const {home} = world;
  await home.succeed(['init', '-q', 'app']);
  const url = 'git@ssh.dev.azure.com:v3/northwind/My%20Project/lib';
  const {stderr} = await home.git(['submodule', 'add', url, 'lib'], {cwd: 'app', environment: world.plain});
  t.regex(
    stderr,
    /plain ssh: -o SendEnv=GIT_PROTOCOL git@ssh\.dev\.azure\.com git-upload-pack 'v3\/northwind\/My%20Project\/lib'/,
  );
});

test('the private half is nowhere: not in answers, events, the files of the daemon, or what git printed', async (t) => {
  const world = await inWorld(t);
  const {contoso, home} = world;
  contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
  contoso.addRepository('Web/app', {submodules: [{path: 'lib', url: world.ssh('Web/lib')}]});
  const trace = {GIT_TRACE: '1', GIT_TRACE_PACKET: '1', GIT_TRACE_SETUP: '1'};
  const clone = ['clone', '--recurse-submodules', world.https('Web/app'), 'app'];
  const {stdout, stderr} = await home.git(clone, {environment: trace});
  const {stdout: files} = await home.run('grep', ['-raFc', '-e', '', world.daemon.directory, home.directory]);
  const seen = [stdout, stderr, JSON.stringify(world.daemon.events), files].join('\n');
  const lines = world.privateKey.split('\n').filter((line) => line.length > 40);
  t.true(lines.length > 10);
  for (const line of lines) t.false(seen.includes(line));
  const found = await home.run('grep', [
    '-raF',
    '-e',
    lines[5] ?? '',
    world.daemon.directory,
    home.directory,
  ]);
  t.is(found.code, 1);
});

for (const {name, git, program, missing} of gitsWithLfs)
  testUnless(missing)(`${name} in a submodule learns where its objects are`, async (t) => {
    const world = await SubmoduleWorld.start();
    t.teardown(() => world.close());
    const {contoso, home} = world;
    contoso.addRepository('Web/lib', {lfs: {'large.bin': 'large'}});
    contoso.addRepository('Web/app', {submodules: [{path: 'lib', url: world.ssh('Web/lib')}]});
    home.write('lfs/git-lfs', `#!/bin/sh\nexec '${program}' "$@"\n`, 0o755);
    const PATH = `${home.directory}/lfs:${home.directory}/bin:${git.path}:${home.environment['PATH'] ?? ''}`;
    const environment = {...world.plain, PATH};
    await home.succeed(['clone', '-q', '--recurse-submodules', world.https('Web/app'), 'app'], {
      environment,
    });
    const {code, stderr} = await home.git(['lfs', 'fetch'], {cwd: 'app/lib', environment});
    t.not(code, 0);
    t.regex(
      stderr,
      /orgkey: hint: fetch them over HTTPS: git config lfs\.url https:\/\/dev\.azure\.com\/contoso\/Web\/_git\/lib\/info\/lfs/,
    );
    t.notRegex(stderr, /plain ssh/);
    t.deepEqual(world.granted, ['Web/lib']);
  });
