import {symlinkSync, writeFileSync} from 'node:fs';
import {connect, createServer, type Server} from 'node:net';
import {once} from 'node:events';
import {join} from 'node:path';
import {generateKeyPairSync} from 'node:crypto';

import test, {type ExecutionContext} from 'ava';

import type {SubmoduleSettings} from '../../src/config/configuration.ts';
import {shellScript} from '../../scripts/shell-script.ts';
import {ruleFor, startGrantDaemon} from '../helpers/grant-daemon.ts';
import {leaveDeadSocket} from '../helpers/leave-dead-socket.ts';
import {GitHome, type Ran, homeFor} from '../helpers/git-home.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {SubmoduleWorld, testKey} from '../helpers/submodule-world.ts';

/** Asks for the branches of a submodule's repository; what git and the relay say of it. */
async function lsRemote(
  world: SubmoduleWorld,
  url = world.ssh('Web/lib'),
  home: GitHome = world.home,
): Promise<Ran> {
  await makeSubmodule(home);
  return home.git(['--git-dir', '.git/modules/lib', 'ls-remote', url], {
    cwd: 'app',
    environment: world.plain,
  });
}

/** A repository `app` with the git directory of a submodule. */
async function makeSubmodule(home: GitHome): Promise<void> {
  await home.succeed(['init', '-q', 'app']);
  await home.succeed(['init', '-q', '--bare', 'app/.git/modules/lib']);
}

async function inWorld(
  t: ExecutionContext,
  options?: Parameters<typeof SubmoduleWorld.start>[0],
): Promise<SubmoduleWorld> {
  const world = await SubmoduleWorld.start(options);
  t.teardown(() => world.close());
  world.contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
  return world;
}

const couldNotRead = /fatal: Could not read from remote repository/;

test('a repository is read without a failure', async (t) => {
  const {code, stdout, stderr} = await lsRemote(await inWorld(t));
  t.is(code, 0, stderr);
  t.regex(stdout, /\tHEAD$/m);
  t.is(stderr, '');
});

test('after a daemon that is about to end, the next one serves git', async (t) => {
  const world = await inWorld(t);
  const {privateKey} = await testKey();
  const submodules = [
    ruleFor(privateKey, {organizations: ['contoso'], knownHosts: world.cloud.knownHosts()}),
  ];
  const ending = await startGrantDaemon({submodules, environment: world.cloud.environment()});
  t.teardown(() => ending.close());
  await ending.grants.drain(0);
  // the next daemon is there when git asks again
  const front = scratchDirectory(t);
  symlinkSync(join(world.daemon.directory, 'ssh'), join(front, 'ssh'));
  const daemons = [ending, world.daemon];
  const server = createServer({allowHalfOpen: true}, (client) => {
    const daemon = daemons.shift() ?? world.daemon;
    const asked = connect({path: join(daemon.directory, 'git.sock'), allowHalfOpen: true});
    client.pipe(asked).pipe(client);
  }).listen(join(front, 'git.sock'));
  await once(server, 'listening');
  t.teardown(() => server.close());
  await makeSubmodule(world.home);
  const {code, stdout, stderr} = await world.home.git(
    ['--git-dir', '.git/modules/lib', 'ls-remote', world.ssh('Web/lib')],
    {cwd: 'app', environment: {...world.plain, ORGKEY_RUNTIME_DIR: front}},
  );
  t.is(code, 0, stderr);
  t.regex(stdout, /\tHEAD$/m);
  t.is(stderr, '');
  t.like(ending.events, [{kind: 'denied'}]);
});

test('to a host with another key nothing is sent, and the user is warned', async (t) => {
  const world = await inWorld(t);
  const {privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
  world.cloud.ssh.configure({hostKey: privateKey.export({type: 'pkcs1', format: 'pem'}).toString()});
  const {code, stderr} = await lsRemote(world);
  t.is(code, 128);
  t.regex(
    stderr,
    /^orgkey: error: THE HOST KEY OF ssh\.dev\.azure\.com HAS CHANGED, nothing was sent to it$/m,
  );
  t.regex(stderr, /^orgkey: hint: it shows RSA SHA256:\S{43}, pinned is RSA SHA256:\S{43}$/m);
  t.regex(stderr, /^orgkey: hint: .*man-in-the-middle/m);
  t.regex(
    stderr,
    /^orgkey: hint: if Microsoft confirms the new key: put its line .* into knownHosts of the rule/m,
  );
  t.regex(stderr, couldNotRead);
  t.false([...world.cloud.sshRequests].some(({kind}) => kind === 'authentication'));
  await world.daemon.grants.drain(60_000);
  t.like(world.daemon.events.at(-1), {kind: 'ended', relayed: {exitCode: 255}});
});

test('a revoked host key is rejected', async (t) => {
  const world = await inWorld(t);
  const {privateKey} = await testKey();
  const lines = world.cloud.knownHosts().split('\n').filter(Boolean);
  const knownHosts = lines.map((line) => `${line}\n@revoked ${line}\n`).join('');
  const daemon = await startGrantDaemon({
    submodules: [ruleFor(privateKey, {organizations: ['contoso'], knownHosts})],
    environment: world.cloud.environment(),
  });
  t.teardown(() => daemon.close());
  await makeSubmodule(world.home);
  const {stderr} = await world.home.git(
    ['--git-dir', '.git/modules/lib', 'ls-remote', world.ssh('Web/lib')],
    {cwd: 'app', environment: {ORGKEY_RUNTIME_DIR: daemon.directory}},
  );
  t.regex(stderr, /orgkey: error: ssh\.dev\.azure\.com shows a revoked host key: RSA SHA256:/);
  t.false([...world.cloud.sshRequests].some(({kind}) => kind === 'authentication'));
});

test('a host without a pinned key is not dialed', async (t) => {
  const {privateKey} = await testKey();
  const world = await inWorld(t, {
    submodules: [ruleFor(privateKey, {organizations: ['contoso'], knownHosts: ''})],
  });
  const {code, stderr} = await lsRemote(world);
  t.is(code, 128);
  t.regex(stderr, /^orgkey: error: no host key is pinned for ssh\.dev\.azure\.com$/m);
  t.regex(
    stderr,
    /^orgkey: hint: pin the key that its administrator confirms: put its line .* into knownHosts/m,
  );
  t.is([...world.cloud.sshRequests].length, 0);
});

test('a host that signs only with SHA-1 is rejected', async (t) => {
  const world = await inWorld(t);
  world.cloud.ssh.configure({algorithms: {serverHostKey: ['ssh-rsa']}});
  const {stderr} = await lsRemote(world);
  t.regex(stderr, /^orgkey: error: ssh\.dev\.azure\.com signs only with SHA-1, which can be forged$/m);
});

test('a host with only unsafe ciphers is rejected', async (t) => {
  const world = await inWorld(t);
  world.cloud.ssh.configure({algorithms: {serverHostKey: ['rsa-sha2-256'], cipher: ['aes128-cbc']}});
  const {stderr} = await lsRemote(world);
  t.regex(
    stderr,
    /^orgkey: error: ssh\.dev\.azure\.com and orgkey have no algorithm in common \(no matching C->S cipher\)$/m,
  );
});

test('a key that the organization does not know is reported after the command fails', async (t) => {
  const world = await inWorld(t);
  world.contoso.removeSshKey(world.key.publicLine('test'));
  const {code, stderr} = await lsRemote(world);
  t.is(code, 128);
  t.regex(stderr, /^remote: Public key authentication failed\.$/m);
  t.regex(
    stderr,
    /^orgkey: error: Azure DevOps does not know the submodule key of contoso \(SHA256:\S{43}\), or it has expired$/m,
  );
  t.regex(
    stderr,
    /^orgkey: hint: paste the public half \(orgkey ssh-key show-public contoso\) at https:\/\/dev\.azure\.com\/contoso\/_usersSettings\/keys; keys expire after a year$/m,
  );
});

test('a key file that is replaced after a rejection is used the next time', async (t) => {
  const {privateKey} = await testKey();
  const ended = generateKeyPairSync('rsa', {modulusLength: 2048}).privateKey;
  const path = join(scratchDirectory(t), 'key');
  writeFileSync(path, ended.export({type: 'pkcs1', format: 'pem'}), {mode: 0o600});
  const rules: SubmoduleSettings[] = [];
  const world = await inWorld(t, {submodules: rules});
  rules.push({
    ...ruleFor('', {organizations: ['contoso'], knownHosts: world.cloud.knownHosts()}),
    privateKey: {from: 'file', path},
  });
  t.regex((await lsRemote(world)).stderr, /^orgkey: error: Azure DevOps does not know the submodule key/m);
  await goneGrants(world);
  t.like(world.daemon.events.at(-1), {relayed: {exitCode: 1, failure: {code: 'ERR_KEY_REFUSED'}}});
  writeFileSync(path, privateKey);
  const {code, stderr} = await lsRemote(world);
  t.is(code, 0, stderr);
});

/** Waits for the event of a grant's end, which follows the end of git's side. */
async function goneGrants({daemon}: SubmoduleWorld): Promise<void> {
  while (daemon.events.at(-1)?.kind !== 'ended') await new Promise((resolve) => setImmediate(resolve));
}

test('for a missing repository, the server’s message and exit code reach the user', async (t) => {
  const world = await inWorld(t);
  const {code, stderr} = await lsRemote(world, world.ssh('Web/nothing'));
  t.is(code, 128);
  t.regex(stderr, /^remote: TF401019: /m);
  t.notRegex(stderr, /orgkey:/);
  await world.daemon.grants.drain(60_000);
  t.like(world.daemon.events.at(-1), {kind: 'ended', relayed: {exitCode: 1}});
});

test('a server that is gone mid-way', async (t) => {
  const world = await inWorld(t);
  world.contoso.addRepository('Web/big', {size: 4 * 1024 * 1024});
  world.cloud.fault({endpoint: 'ssh', stage: 'exec', truncate: 100_000});
  await world.home.succeed(['init', '-q', 'app']);
  const {code, stderr} = await world.home.git(['submodule', 'add', world.ssh('Web/big'), 'big'], {
    cwd: 'app',
  });
  t.not(code, 0);
  t.regex(stderr, /orgkey: error: ssh\.dev\.azure\.com ended the connection before git was done$/m);
  t.regex(stderr, /^orgkey: hint: try again$/m);
  await world.daemon.grants.drain(60_000);
  t.is(world.daemon.grants.active, 0);
});

test('a server that hangs up before it says anything is tried again', async (t) => {
  const world = await inWorld(t);
  world.cloud.fault({endpoint: 'ssh', stage: 'connection', reset: true});
  const {code, stderr} = await lsRemote(world);
  t.is(code, 0, stderr);
});

test('a server that always hangs up before it says anything is reported', async (t) => {
  const world = await inWorld(t);
  for (let count = 0; count < 8; count += 1)
    world.cloud.fault({endpoint: 'ssh', stage: 'connection', reset: true});
  const {stderr} = await lsRemote(world);
  t.regex(stderr, /orgkey: error: ssh\.dev\.azure\.com ended the connection/);
});

/** A rule for a server of one's own on loopback, and what git says of it. */
async function onLoopback(
  t: ExecutionContext,
  answer: (server: Server) => void,
  options: Partial<Parameters<typeof startGrantDaemon>[0]> = {},
): Promise<Ran> {
  const server = createServer();
  answer(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  t.teardown(() => server.close());
  const {privateKey, key} = await testKey();
  const daemon = await startGrantDaemon({
    submodules: [
      ruleFor(privateKey, {
        organizations: ['main'],
        host: '127.0.0.1',
        // any key will do: none of these servers gets as far as that
        knownHosts: `[127.0.0.1]:${port} ${key.publicLine('')}`,
      }),
    ],
    ...options,
  });
  const home = new GitHome({ORGKEY_RUNTIME_DIR: daemon.directory});
  t.teardown(async () => {
    await daemon.close();
    home.remove();
  });
  await home.useWrapper();
  await makeSubmodule(home);
  if (options.environment?.['CLOSED'] === '1') server.close();
  const url = `ssh://git@127.0.0.1:${port}/main/_git/lib`;
  return home.git(['--git-dir', '.git/modules/lib', 'ls-remote', url], {cwd: 'app'});
}

test('a host that refuses connections is named', async (t) => {
  const {stderr} = await onLoopback(t, () => {}, {environment: {CLOSED: '1'}});
  t.regex(stderr, /^orgkey: error: 127\.0\.0\.1 refuses connections$/m);
  t.regex(stderr, /^orgkey: hint: if ssh must go through a proxy, set HTTPS_PROXY/m);
});

test('a server that does not speak ssh is named', async (t) => {
  const {stderr} = await onLoopback(t, (server) =>
    server.on('connection', (socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );
  t.regex(stderr, /^orgkey: error: 127\.0\.0\.1 ended the connection/m);
});

test('a proxy that refuses connections is named without its password', async (t) => {
  const {stderr} = await onLoopback(t, () => {}, {
    environment: {HTTPS_PROXY: 'http://user:hunter2@127.0.0.1:1'},
  });
  t.regex(stderr, /^orgkey: error: the proxy 127\.0\.0\.1:1 refuses connections$/m);
  t.notRegex(stderr, /hunter2/);
});

test('an invalid proxy variable is named without its password', async (t) => {
  const {code, stderr} = await onLoopback(t, () => {}, {
    environment: {ALL_PROXY: 'ftp://user:hunter2@proxy'},
  });
  t.is(code, 128);
  t.regex(stderr, /^orgkey: error: ALL_PROXY is not the address of a proxy$/m);
  t.notRegex(stderr, /hunter2/);
});

test('a proxy command that ends at once is a lost connection', async (t) => {
  const {stderr} = await onLoopback(t, () => {}, {sshProxyCommand: 'false %h %p'});
  t.regex(stderr, /^orgkey: error: 127\.0\.0\.1 ended the connection/m);
});

test('the last line of a failed proxy command is shown', async (t) => {
  const {stderr} = await onLoopback(t, () => {}, {
    sshProxyCommand: 'sh -c \'echo first >&2; printf "no way to %%s\\033[2J\\n" "$0" >&2; exit 1\' %h',
  });
  t.regex(stderr, /^orgkey: error: 127\.0\.0\.1 ended the connection/m);
  t.regex(stderr, /^orgkey: hint: ssh\.proxyCommand says: no way to 127\.0\.0\.1\\u\{1b\}\[2J$/m);
});

test('a key that cannot be used is named with the reason', async (t) => {
  const ed25519 = generateKeyPairSync('ed25519').privateKey.export({type: 'pkcs8', format: 'pem'}).toString();
  const world = await inWorld(t, {
    submodules: [ruleFor(ed25519, {organizations: ['contoso'], knownHosts: undefined})],
  });
  const {code, stderr} = await lsRemote(world);
  t.is(code, 128);
  t.regex(
    stderr,
    /^orgkey: error: the submodule key of contoso: Azure DevOps accepts only RSA keys, not ssh-ed25519$/m,
  );
});

test('without an answer of the daemon, plain ssh runs and one line says why', async (t) => {
  const home = homeFor(t);
  home.write('bin/ssh', '#!/bin/sh\necho "plain ssh: $*" >&2\nexit 99\n', 0o755);
  // without a command next to it that could start the daemon
  const wrapper = home.write('alone/orgkey-ssh', shellScript('orgkey-ssh'), 0o755);
  await home.useWrapper(wrapper);
  await makeSubmodule(home);
  const {stderr} = await home.git(['--git-dir', '.git/modules/lib', 'ls-remote', 'git@example.org:a/b'], {
    cwd: 'app',
    environment: {
      ORGKEY_RUNTIME_DIR: leaveDeadSocket(home.directory),
      ORGKEY_SSH: join(home.directory, 'bin/ssh'),
    },
  });
  t.regex(stderr, /^orgkey: hint: the orgkey daemon does not answer, so plain ssh runs/m);
  t.regex(stderr, /^plain ssh: -o SendEnv=GIT_PROTOCOL git@example\.org git-upload-pack 'a\/b'$/m);
});
