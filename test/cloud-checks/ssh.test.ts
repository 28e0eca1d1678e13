import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import net from 'node:net';
import test from 'ava';
import {startCloud} from '../cloud/cloud.ts';
import {parseCommand} from '../cloud/ssh-server.ts';
import type {Finished} from './programs.ts';
import {Workplace} from './programs.ts';

const cloud = await startCloud();
const place = new Workplace(cloud);
const org = cloud.addOrganization('contoso');
const repository = org.addRepository('My Project/app', {files: {'a.txt': 'a'}});
org.addRepository('My Project/big', {size: 24 * 1024 * 1024});
for (const name of ['key', 'stranger'])
  await place.run('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', place.path(name)]);
org.addSshKey(readFileSync(place.path('key.pub'), 'utf8'));
writeFileSync(place.path('known_hosts'), cloud.knownHosts());
// OpenSSH speaks no CONNECT itself
const connector = new URL('../cloud/connect.ts', import.meta.url).pathname;

cloud
  .addServer('tfs.example.org')
  .addCollection('Main')
  .addSshKey(readFileSync(place.path('key.pub'), 'utf8'));

test.after.always(async () => {
  place.close();
  await cloud.close();
});

const check = test.serial;

function sshOptions(key: string): string[] {
  const known = `UserKnownHostsFile=${place.path('known_hosts')}`;
  return [
    '-F',
    'none',
    '-i',
    place.path(key),
    '-o',
    'IdentitiesOnly=yes',
    '-o',
    known,
    '-o',
    'StrictHostKeyChecking=yes',
  ];
}

function git(key: string, ...args: readonly string[]): Promise<Finished> {
  return place.git('-c', `core.sshCommand=ssh ${sshOptions(key).join(' ')}`, ...args);
}

const url = (name: string): string => `ssh://git@127.0.0.1:${cloud.ssh.port}/v3/contoso/My%20Project/${name}`;

check('a registered key clones and pushes', async (t) => {
  const clone = place.path('clone');
  const cloned = await git('key', 'clone', '--quiet', url('app'), clone);
  t.is(cloned.status, 0, cloned.stderr);
  writeFileSync(`${clone}/b.txt`, 'b');
  await place.git('-C', clone, 'add', '.');
  await place.git('-C', clone, 'commit', '--quiet', '--message', 'More');
  const before = await repository.branch();
  t.is((await git('key', '-C', clone, 'push', '--quiet')).status, 0);
  t.not(await repository.branch(), before);
  t.is(cloud.sshRequests.count({kind: 'exec', command: 'git-receive-pack*', status: 0}), 1);
});

check('any key passes authentication, and fails at the command', async (t) => {
  cloud.sshRequests.clear();
  const {status, stderr} = await git('stranger', 'ls-remote', url('app'));
  t.not(status, 0);
  t.regex(stderr, /remote: Public key authentication failed\./);
  t.is(cloud.sshRequests.count({kind: 'authentication', allowed: true}), 1);
  t.like(cloud.sshRequests.last, {kind: 'exec', allowed: false, status: 1});
});

check('real names are reached through the proxy', async (t) => {
  const proxyCommand = `ProxyCommand=${process.execPath} ${connector} %h %p`;
  const options = [...sshOptions('key'), '-o', `'${proxyCommand}'`];
  for (const address of [
    'git@ssh.dev.azure.com:v3/contoso/My%20Project/app',
    'contoso@vs-ssh.visualstudio.com:v3/contoso/My%20Project/app',
    'contoso@vs-ssh.visualstudio.com:My%20Project/_git/app',
  ]) {
    const {status, stderr} = await place.git(
      '-c',
      `core.sshCommand=ssh ${options.join(' ')}`,
      'ls-remote',
      address,
    );
    t.is(status, 0, stderr);
  }
  t.is(cloud.proxyRequests.count({method: 'CONNECT', host: 'ssh.dev.azure.com', port: 22, status: 200}), 1);
  t.is(
    cloud.sshRequests.count({kind: 'exec', host: 'vs-ssh.visualstudio.com', user: 'contoso', status: 0}),
    2,
  );
});

check('shells, forwarding and other commands are refused and recorded', async (t) => {
  const destination = ['-p', String(cloud.ssh.port), 'git@127.0.0.1'];
  cloud.sshRequests.clear();
  for (const more of [['-T'], ['-W', 'localhost:80'], ['-T', 'ls']]) {
    const isCommand = more[1] === 'ls';
    const args = isCommand
      ? [...sshOptions('key'), '-T', ...destination, 'ls']
      : [...sshOptions('key'), ...more, ...destination];
    t.not((await place.run('ssh', args)).status, 0);
  }
  t.deepEqual(cloud.sshRequests.countBy('kind', {allowed: false}), {shell: 1, forward: 1, exec: 1});
});

check('a repository of 24 MiB arrives whole', async (t) => {
  const clone = place.path('big');
  const {status, stderr} = await git('key', 'clone', '--quiet', url('big'), clone);
  t.is(status, 0, stderr);
  rmSync(clone, {recursive: true});
});

check('a connection can be cut in the middle', async (t) => {
  const fault = cloud.fault({endpoint: 'ssh', truncate: 4 * 1024 * 1024});
  const {status} = await git('key', 'clone', '--quiet', url('big'), place.path('cut'));
  t.not(status, 0);
  t.is(fault.uses, 1);
});

check('a server can stay silent', async (t) => {
  cloud.fault({endpoint: 'ssh', stage: 'connection', hang: true});
  const options = [...sshOptions('key'), '-o', 'ConnectTimeout=1'];
  const {status, stderr} = await place.run('ssh', [
    ...options,
    '-p',
    String(cloud.ssh.port),
    'git@127.0.0.1',
  ]);
  t.is(status, 255);
  t.regex(stderr, /timed out/);
});

check('a server may know SHA-1 only, or have another host key', async (t) => {
  await cloud.configureSsh({algorithms: {serverHostKey: ['ssh-rsa']}});
  t.regex((await git('key', 'ls-remote', url('app'))).stderr, /no matching host key type/);
  await cloud.configureSsh({algorithms: {serverHostKey: ['rsa-sha2-512', 'rsa-sha2-256']}, newHostKey: true});
  t.regex((await git('key', 'ls-remote', url('app'))).stderr, /HOST IDENTIFICATION HAS CHANGED/);
});

check('a removed key is refused at the next command', async (t) => {
  writeFileSync(place.path('known_hosts'), cloud.knownHosts());
  t.is((await git('key', 'ls-remote', url('app'))).status, 0);
  org.removeSshKey(readFileSync(place.path('key.pub'), 'utf8'));
  t.regex((await git('key', 'ls-remote', url('app'))).stderr, /Public key authentication failed/);
});

check('close ends connections that wait', async (t) => {
  const second = await startCloud();
  const socket = net.connect(second.ssh.port, '127.0.0.1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('data', resolve));
  await second.close();
  await closed;
  t.true(socket.destroyed);
});

test('commands', (t) => {
  const segments = ['v3', 'contoso', 'My Project', 'r'];
  t.deepEqual(parseCommand("git-upload-pack 'v3/contoso/My%20Project/r'"), {
    service: 'git-upload-pack',
    segments,
  });
  t.deepEqual(parseCommand("git-receive-pack '/v3/contoso/My%20Project/r'"), {
    service: 'git-receive-pack',
    segments,
  });
  t.is(parseCommand("git-upload-archive 'v3/contoso/p/r'"), undefined);
  t.is(parseCommand("git-upload-pack 'v3/contoso/p/r'; ls"), undefined);
});

function meaning(host: string, user: string, path: string): string | undefined {
  const found = cloud.azureDevOps.findOverSsh(host, user, path.split('/'));
  return found && `${found.organization.name}/${found.project}/${found.name}`;
}

test('paths mean repositories', (t) => {
  const devOps = 'ssh.dev.azure.com';
  const old = 'vs-ssh.visualstudio.com';
  t.is(meaning(devOps, 'git', 'v3/Contoso/p/r'), 'contoso/p/r');
  t.is(meaning(old, 'contoso', 'v3/contoso/p/r'), 'contoso/p/r');
  t.is(meaning(old, 'contoso', 'p/_ssh/r'), 'contoso/p/r');
  t.is(meaning(old, 'contoso', 'DefaultCollection/p/_git/r'), 'contoso/p/r');
  t.is(meaning(old, 'contoso', '_git/r'), 'contoso/r/r');
  t.is(meaning('tfs.example.org', 'git', 'tfs/Main/p/_git/r'), 'Main/p/r');
  for (const path of ['v3/contoso/p/r/more', 'v3/unknown/p/r', 'p/_git/r', 'contoso/p/r'])
    t.is(meaning(devOps, 'git', path), undefined);
});
