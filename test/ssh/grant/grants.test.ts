import {execFileSync} from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {connect, createServer} from 'node:net';
import {once} from 'node:events';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

import test, {type ExecutionContext} from 'ava';

import type {SubmoduleSettings} from '../../../src/config/configuration.ts';
import type {GrantRequest} from '../../../src/protocol/request.ts';
import {SubmoduleSearch} from '../../../src/ssh/grant/find-submodules.ts';
import {submoduleInclude} from '../../../src/git/git-include.ts';
import {Grants, type GrantEvent} from '../../../src/ssh/grant/grants.ts';
import {readKeyFile} from '../../../src/ssh/key/key-file.ts';
import {Secret} from '../../../src/secret/secret.ts';
import {daemonFor} from '../../helpers/daemon.ts';
import {everybody, ruleFor} from '../../helpers/grant-daemon.ts';
import {until} from '../../helpers/patience.ts';
import {testKey} from '../../helpers/submodule-world.ts';
import {ManualTimers} from '../../helpers/timers.ts';

const {privateKey, key} = await testKey();

function temporary(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'grants-'));
  t.teardown(() => rmSync(directory, {recursive: true, force: true}));
  return directory;
}

/** Grants for a server that accepts connections and never says a word. */
async function silentServer(
  t: ExecutionContext,
  parts: Partial<ConstructorParameters<typeof Grants>[0]> = {},
) {
  const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const directory = temporary(t);
  const timers = new ManualTimers();
  const events: GrantEvent[] = [];
  const rule: SubmoduleSettings = ruleFor(privateKey, {
    organizations: ['main'],
    host: '127.0.0.1',
    knownHosts: `127.0.0.1 ${key.publicLine('')}`,
  });
  const grants = new Grants({
    settings: () => ({submodules: [rule], ssh: {proxyCommand: undefined}}),
    placeOf: () => ({directory, shownAs: '', mode: 0o660, groupId: undefined}),
    readSecret: async (source) =>
      source.from === 'held'
        ? Secret.fromText(source.secret.revealText())
        : Promise.reject(new Error('not held')),
    readTrustedHosts: async () => '',
    environment: {},
    startTimer: timers.start,
    report: (event) => events.push(event),
    ...parts,
  });
  const request: GrantRequest = {
    operation: 'grant',
    destination: 'git@127.0.0.1',
    port,
    command: "git-upload-pack '/main/_git/lib'",
    directory: '/proc/0/missing',
  };
  return {grants, request, directory, timers, events};
}

test('a grant that no client uses ends after 30 seconds', async (t) => {
  const {grants, request, directory, timers, events} = await silentServer(t);
  const answer = await grants.answer(request, everybody);
  if (answer.kind !== 'grant') return t.fail(answer.kind);
  t.is(statSync(join(directory, answer.socket)).mode & 0o777, 0o660);
  t.is(timers.fire(30_000), 1);
  await grants.drain(1);
  t.deepEqual(readdirSync(directory), []);
  t.deepEqual(
    events.map(({kind}) => kind),
    ['key', 'granted', 'ended'],
  );
  t.like(events[2], {kind: 'ended', relayed: undefined});
});

test('a host that never answers is given up after 10 seconds, with a sentence', async (t) => {
  const {grants, request, directory, timers, events} = await silentServer(t);
  const answer = await grants.answer(request, everybody);
  if (answer.kind !== 'grant') return t.fail(answer.kind);
  const {execFile} = await import('node:child_process');
  const ssh = execFile(
    'ssh',
    ['-F', 'none', '-T', '-S', answer.socket, '-O', 'proxy', 'git@127.0.0.1', request.command],
    {cwd: directory},
  );
  let stderr = '';
  ssh.stderr?.on('data', (chunk: string) => {
    stderr += chunk;
  });
  ssh.stdin?.end();
  // the path is gone once ssh has connected
  await until(
    'the client',
    () => existsSync(join(directory, answer.socket)),
    (isThere) => !isThere,
  );
  timers.fire(10_000);
  const [code] = (await once(ssh, 'close')) as [number];
  t.is(code, 255);
  t.regex(stderr, /^orgkey: error: 127\.0\.0\.1 did not answer within 10 s$/m);
  await grants.drain(1);
  t.like(events.at(-1), {kind: 'ended'});
});

test('a client that connects and says nothing is cut off after 5 seconds', async (t) => {
  const {grants, request, directory, timers} = await silentServer(t);
  const answer = await grants.answer(request, everybody);
  if (answer.kind !== 'grant') return t.fail(answer.kind);
  const client = connect(join(directory, answer.socket));
  await once(client, 'connect');
  await until(
    'the client',
    () => grants.active,
    (active) => active > 0,
  );
  timers.fire(5000);
  await once(client.resume(), 'close');
  t.true(client.destroyed);
});

test('draining waits for what runs up to the limit, and grants nothing more', async (t) => {
  const {grants, request, directory, timers} = await silentServer(t);
  const answer = await grants.answer(request, everybody);
  if (answer.kind !== 'grant') return t.fail(answer.kind);
  const client = connect(join(directory, answer.socket));
  await once(client, 'connect');
  await until(
    'the client',
    () => grants.active,
    (active) => active > 0,
  );
  let drained = false;
  const draining = grants.drain(60_000).then(() => {
    drained = true;
  });
  t.deepEqual(await grants.answer(request, everybody), aboutToEnd);
  timers.fire(1000);
  t.false(drained);
  t.is(grants.active, 1);
  timers.fire(60_000);
  await draining;
  await once(client.resume(), 'close');
  t.is(grants.active, 0);
});

const aboutToEnd = {kind: 'deny', reason: 'the daemon is about to end', hint: 'try again', again: true};

test('a request from before draining, not answered yet, must be sent again', async (t) => {
  const reading = Promise.withResolvers<Secret>();
  const {grants, request, directory, events} = await silentServer(t, {readSecret: () => reading.promise});
  const answer = grants.answer(request, everybody);
  await grants.drain(1);
  reading.resolve(Secret.fromText(privateKey));
  t.deepEqual(await answer, aboutToEnd);
  t.deepEqual(readdirSync(directory), []);
  t.deepEqual(
    events.map(({kind}) => kind),
    ['key', 'denied'],
  );
});

test('128 grants may be open on a socket, and more once one of them is gone', async (t) => {
  const {grants, request, directory, timers} = await silentServer(t);
  const answers = await Promise.all(Array.from({length: 200}, () => grants.answer(request, everybody)));
  const granted = answers.flatMap((answer) => (answer.kind === 'grant' ? [answer.socket] : []));
  t.is(granted.length, 128);
  t.deepEqual(await grants.answer(request, everybody), {
    kind: 'deny',
    reason: '128 transfers are open already on the socket git',
    hint: 'try again, with fewer at once: git -c submodule.fetchJobs=8 …',
  });
  t.like(await grants.answer(request, {...everybody, name: 'other'}), {kind: 'grant'});
  const client = connect(join(directory, granted[0] ?? ''));
  await once(client, 'connect');
  client.destroy();
  while ((await grants.answer(request, everybody)).kind !== 'grant')
    await new Promise((resolve) => setImmediate(resolve));
  timers.fire(30_000);
  await grants.drain(1);
});

test('a secret that cannot be read is said, and asked for again the next time', async (t) => {
  let reads = 0;
  const {grants, request} = await silentServer(t, {
    readSecret: async () => {
      reads++;
      throw new Error('the keyring is locked\u001b[2J');
    },
  });
  for (const times of [1, 2]) {
    t.deepEqual(await grants.answer(request, everybody), {
      kind: 'deny',
      reason: 'the submodule key of main: it cannot be read: the keyring is locked\\u{1b}[2J',
      hint: 'run: orgkey ssh-key add main',
    });
    t.is(reads, times);
  }
});

test('a key is read once, and again when it was replaced', async (t) => {
  let reads = 0;
  const {grants, request, timers} = await silentServer(t, {
    readSecret: async () => {
      reads++;
      return Secret.fromText(privateKey);
    },
  });
  await grants.answer(request, everybody);
  await grants.answer(request, everybody);
  t.is(reads, 1);
  grants.followConfiguration();
  await grants.answer(request, everybody);
  t.is(reads, 2);
  t.is(timers.fire(30_000), 3);
  await grants.drain(1);
});

test('a missing directory is a denial', async (t) => {
  const {grants, request} = await silentServer(t, {
    placeOf: () => ({directory: '/proc/0/ssh', shownAs: 'ssh', mode: 0o600, groupId: undefined}),
  });
  t.like(await grants.answer(request, everybody), {kind: 'deny', hint: 'run: orgkey doctor'});
});

test('where a directory has submodules', async (t) => {
  const top = temporary(t);
  const make = (path: string, text?: string) => {
    if (text === undefined) mkdirSync(join(top, path), {recursive: true});
    else writeFileSync(join(top, path), text);
  };
  make('plain/.git/objects');
  make('plain/src');
  make('app/.git/modules/lib');
  make('app/src/deep');
  make('app/lib/inner');
  make('app/lib/.git', 'gitdir: ../.git/modules/lib\n');
  make('app/.git/worktrees/beside/modules/lib');
  make('beside');
  make('beside/.git', `gitdir: ${top}/app/.git/worktrees/beside\n`);
  make('app/.git/HEAD', '');
  make('app/.git/objects');
  make('app/.git/worktrees/beside/modules/lib/objects');
  make('app/.git/worktrees/beside/modules/lib/HEAD', '');
  make('bare/.git/worktrees/one/modules/lib/objects');
  make('bare/.git/worktrees/one/modules/lib/HEAD', '');
  make('bare/.git/objects');
  make('bare/.git/HEAD', '');
  make('odd/objects');
  make('odd/HEAD', '');
  make('odd/refs');
  make('home/.settings/objects');
  make('home/.settings/modules/lib');
  make('home/.settings/HEAD', '');
  make('home/modules');
  make('nothing');
  make('pipe');
  execFileSync('mkfifo', [join(top, 'pipe/.git')]);
  make('device');
  symlinkSync('/dev/zero', join(top, 'device/.git'));
  make('long');
  make('long/.git', `${'x'.repeat(4096)}\ngitdir: ../app/.git\n`);
  const table: readonly (readonly [path: string, expected: 'some' | 'none' | 'unknown'])[] = [
    ['plain', 'none'],
    ['plain/src', 'none'],
    ['app', 'some'],
    ['app/src/deep', 'some'],
    ['app/lib', 'some'],
    ['app/lib/inner', 'some'],
    ['beside', 'some'],
    ['app/.git', 'some'],
    ['app/.git/worktrees/beside/modules/lib', 'some'],
    ['bare/.git/worktrees/one/modules/lib', 'some'],
    ['bare/.git/worktrees/one', 'none'],
    ['odd', 'none'],
    ['home', 'some'],
    ['home/modules', 'none'],
    ['odd/refs', 'none'],
    ['nothing', 'none'],
    ['pipe', 'none'],
    ['device', 'none'],
    ['long', 'none'],
    ['missing', 'unknown'],
  ];
  const search = new SubmoduleSearch(new ManualTimers().start);
  for (const [path, expected] of table) t.is(await search.find(join(top, path)), expected, path);
  t.is(await search.find('relative'), 'unknown');
});

test('a directory that does not answer is unknown after 5 seconds, and only one is looked at', async (t) => {
  const timers = new ManualTimers();
  const looks: string[] = [];
  const hanging = Promise.withResolvers<'none'>();
  const search = new SubmoduleSearch(timers.start, async (directory) => {
    looks.push(directory);
    return directory === '/hangs' ? hanging.promise : 'some';
  });
  const answers = ['/hangs', '/hangs', '/there'].map((directory) => search.find(directory));
  while (looks.length === 0) await new Promise((resolve) => setImmediate(resolve));
  t.is(timers.fire(5000), 1);
  t.deepEqual(await Promise.all(answers), ['unknown', 'unknown', 'unknown']);
  // no request waits for a directory that hangs
  t.is(await search.find('/there'), 'unknown');
  t.deepEqual(looks, ['/hangs']);
  hanging.resolve('none');
  while ((await search.find('/there')) === 'unknown') await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(looks, ['/hangs', '/there']);
});

test('where a scoped socket was asked, the directory is another machine’s', async (t) => {
  const {grants, request, timers} = await silentServer(t);
  const here = {...request, directory: temporary(t)};
  t.like(await grants.answer(here, everybody), {kind: 'pass'});
  t.like(await grants.answer(here, {name: 'box', organizations: new Set(['main'])}), {kind: 'grant'});
  timers.fire(30_000);
  await grants.drain(1);
});

test('whatever directories clients name, the daemon answers, and ends', async (t) => {
  const pipes = temporary(t);
  execFileSync('mkfifo', [join(pipes, '.git')]);
  const daemon = await daemonFor(t, {
    configuration: `orgkey:\n  submodules:\n    - organizations: [main]\n      host: 127.0.0.1\n      knownHosts: ${JSON.stringify(`127.0.0.1 ${key.publicLine('')}`)}\n      privateKey: ${JSON.stringify(privateKey)}\n`,
  });
  const ask = (directory: string) =>
    daemon.get({
      operation: 'grant',
      destination: 'git@127.0.0.1',
      port: '1',
      command: "git-upload-pack '/main/_git/lib'",
      directory,
    });
  // as many as Node has threads
  await Promise.all(Array.from({length: 4}, () => ask(pipes)));
  t.regex(await ask('/proc/0/missing'), /^decision=grant$/m);
  t.is(await daemon.stop(), 0);
});

test('whose key file it is, and who can read it', async (t) => {
  const home = temporary(t);
  mkdirSync(join(home, '.ssh'));
  const write = (path: string, mode: number) => {
    writeFileSync(join(home, path), privateKey, {mode});
    return join(home, path);
  };
  const own = write('.ssh/id_rsa', 0o600);
  const made = write('contoso', 0o600);
  const open = write('open', 0o644);
  const userId = process.getuid?.() ?? 0;
  const read = async (path: string, more: {personal?: 'rejected' | 'accepted'; userId?: number} = {}) => {
    const reading = await readKeyFile(path, {home, userId, personal: 'rejected', ...more});
    return reading.kind === 'text' ? reading.secret.revealText() : reading.reason;
  };
  t.is(await read(made), privateKey);
  t.is(await read(write('.ssh/contoso', 0o600)), privateKey);
  t.regex(await read(`${home}/.ssh/../.ssh/id_rsa`), /^this is your personal key/);
  t.regex(await read(own), /^this is your personal key/);
  t.is(await read(own, {personal: 'accepted'}), privateKey);
  t.is(await read(open), 'other users can read the key file (mode 0644) and may have copied it');
  t.is(await read(home), 'the path is not a file');
  t.is(await read(join(home, 'missing')), 'the key file cannot be read (ENOENT)');
  if (userId !== 0) return;
  const {chownSync} = await import('node:fs');
  chownSync(made, 12_345, 0);
  t.is(await read(made), 'the key file belongs to another user');
  t.is(await read(made, {userId: 12_345}), privateKey);
});

test('the settings of git name the wrapper, quoted for a shell', (t) => {
  const {conditions, settings} = submoduleInclude({
    wrapper: "/opt/it's here/orgkey-ssh",
    path: '/home/a b/submodules',
  });
  t.deepEqual(conditions, [
    ['includeIf.gitdir:**/.git/modules/**.path', '/home/a b/submodules'],
    ['includeIf.gitdir:**/.git/worktrees/*/modules/**.path', '/home/a b/submodules'],
    ['includeIf.gitdir:**/*.git/modules/**.path', '/home/a b/submodules'],
    ['includeIf.gitdir:**/*.git/worktrees/*/modules/**.path', '/home/a b/submodules'],
    ['includeIf.gitdir:**/.bare/modules/**.path', '/home/a b/submodules'],
    ['includeIf.gitdir:**/.bare/worktrees/*/modules/**.path', '/home/a b/submodules'],
    ['includeIf.gitdir:**/.dotfiles/modules/**.path', '/home/a b/submodules'],
    ['includeIf.gitdir:**/.cfg/modules/**.path', '/home/a b/submodules'],
  ]);
  t.deepEqual(settings, [
    [
      'core.sshCommand',
      `wrapper='/opt/it'\\''s here/orgkey-ssh'; f() { [ -x "$wrapper" ] || wrapper=\${GIT_SSH:-ssh}; "$wrapper" "$@"; }; f`,
    ],
    ['ssh.variant', 'ssh'],
  ]);
  for (const path of ['relative', '/a\nb', '/a\0b', '/a\rb'])
    t.throws(() => submoduleInclude({wrapper: path, path: '/x'}), {instanceOf: RangeError});
});
