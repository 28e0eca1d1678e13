import {spawnSync} from 'node:child_process';
import {createPrivateKey} from 'node:crypto';
import {chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

import type {ExecutionContext} from 'ava';

import {startCloud} from '../cloud/cloud.ts';
import {agentsOf, goneProcess, readProcess} from '../helpers/agents-of.ts';
import {Person} from '../helpers/command-line.ts';
import {startDaemon} from '../helpers/daemon.ts';
import {GitHome} from '../helpers/git-home.ts';
import {needlesIn} from '../helpers/process-memory.ts';
import {testKey} from '../helpers/submodule-world.ts';
import {testUnless, whyNotLinux, whyNotRoot} from '../helpers/test-unless.ts';

const asRoot = testUnless(whyNotLinux ?? whyNotRoot);

/** Without rights, and nobody else's on a usual machine. */
const UID = 45_678;

/** A whole daemon of an unprivileged user, whose submodule key lies in a file, and somebody's git. */
async function setUp(t: ExecutionContext, holder: string, environment: Record<string, string> = {}) {
  const cloud = await startCloud();
  t.teardown(() => cloud.close());
  const contoso = cloud.addOrganization('contoso');
  const password = contoso.addPat().value;
  const {key, privateKey} = await testKey();
  contoso.addSshKey(key.publicLine('test'));
  contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
  contoso.addRepository('Web/app', {
    submodules: [{path: 'lib', url: 'git@ssh.dev.azure.com:v3/contoso/Web/lib'}],
  });
  const directory = mkdtempSync(join(tmpdir(), 'orgkey-holder-'));
  t.teardown(() => rmSync(directory, {recursive: true, force: true}));
  writeFileSync(join(directory, 'key'), privateKey, {mode: 0o600});
  const configuration = (keyHolder: string) => `orgkey:
  ssh: {keyHolder: ${keyHolder}}
  submodules:
    - organizations: [contoso]
      privateKey: {$file: key}
      knownHosts: "${cloud.knownHosts().trim().split('\n').join('\\n')}"
`;
  mkdirSync(join(directory, 'run'));
  writeFileSync(join(directory, 'config.yaml'), configuration(holder), {mode: 0o600});
  for (const path of ['', 'key', 'config.yaml', 'run']) chownSync(join(directory, path), UID, UID);
  const daemon = await startDaemon({
    directory,
    uid: UID,
    environment: {...cloud.environment(), ...environment},
  });
  t.teardown(() => daemon.close());
  const home = new GitHome({...cloud.environment(), ...daemon.environment});
  t.teardown(() => home.remove());
  await home.useWrapper();
  const clone = async (to: string) => {
    const url = `https://somebody:${password}@dev.azure.com/contoso/Web/_git/app`;
    const {code, stderr} = await home.git(['clone', '-q', '--recurse-submodules', url, to]);
    return code === 0 ? readFileSync(join(home.directory, to, 'lib/lib.txt'), 'utf8') : stderr;
  };
  return {daemon, clone, configuration, agents: () => agentsOf(daemon.runtime)};
}

/** Parts of the private half as they may lie in memory: as numbers, in either order of bytes, and as text. */
async function partsOfKey(): Promise<Record<string, Buffer>> {
  const {privateKey} = await testKey();
  const {d = '', p = '', q = '', dp = '', dq = ''} = createPrivateKey(privateKey).export({format: 'jwk'});
  const numbers = Object.entries({d, p, q, dp, dq}).flatMap(([name, text]) => {
    const bytes = Buffer.from(text, 'base64url').subarray(-64);
    return [
      [name, bytes],
      [`${name}, reversed`, Buffer.from(bytes.toReversed())],
      // as text it begins at any of three places
      [`${name}, as a JWK`, Buffer.from(text.slice(10, 70))],
    ] as const;
  });
  const lines = privateKey
    .split('\n')
    // the first third is the public half
    .slice(20, -4)
    .map((line, at) => [`line ${at + 20}`, Buffer.from(line)] as const);
  return Object.fromEntries([...numbers, ...lines]);
}

asRoot('with an agent, no part of the key is in the memory of the daemon; without one it is', async (t) => {
  const parts = await partsOfKey();
  for (const holder of ['agent', 'daemon']) {
    const {daemon, clone, agents} = await setUp(t, holder);
    t.is(await clone('app'), 'lib');
    t.is(await clone('again'), 'lib');
    const found = needlesIn(daemon.process.pid ?? 0, parts);
    const [agent] = agents();
    if (agent === undefined) t.true(found.length > 0, holder);
    else {
      t.deepEqual(found, [], holder);
      t.true(needlesIn(agent, parts).length > 0, 'where it is found if it is there');
      t.is(await daemon.stop(), 0);
      t.false(`${daemon.stdout}${daemon.stderr}`.includes('PRIVATE KEY'));
    }
    t.is(agent === undefined, holder === 'daemon');
  }
});

asRoot('other processes of the same user look into the daemon, but not into the agent', async (t) => {
  const {daemon, clone, agents} = await setUp(t, 'agent');
  t.is(await clone('app'), 'lib');
  const [agent = 0] = agents();
  t.regex(readProcess(agent, 'status'), new RegExp(`^Uid:\t${UID}\t`, 'm'));
  const looking = (pid: number, what: string) => {
    const command = `exec head -c 1 /proc/${pid}/${what}`;
    return spawnSync('/bin/sh', ['-c', command], {uid: UID, gid: UID, cwd: '/', encoding: 'utf8'});
  };
  for (const what of ['mem', 'environ', 'maps'])
    t.regex(looking(agent, what).stderr, /Permission denied/, what);
  const tracing = '/proc/sys/kernel/yama/ptrace_scope';
  const isOpen = !existsSync(tracing) || readFileSync(tracing, 'utf8').trim() === '0';
  if (isOpen) t.is(looking(daemon.process.pid ?? 0, 'environ').status, 0);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const)
  asRoot(`the daemon ends by ${signal}, and so does its agent`, async (t) => {
    const {daemon, clone, agents} = await setUp(t, 'agent');
    t.is(await clone('app'), 'lib');
    const [agent = 0] = agents();
    const shell = Number(/^PPid:\t(\d+)$/m.exec(readProcess(agent, 'status'))?.[1]);
    await daemon.stop(signal);
    await Promise.all([agent, shell].map(goneProcess));
    t.deepEqual(agents(), []);
  });

asRoot('a reload that changes the holder changes it at once', async (t) => {
  const {daemon, clone, configuration, agents} = await setUp(t, 'agent');
  t.is(await clone('app'), 'lib');
  t.is(agents().length, 1);
  writeFileSync(daemon.configFile, configuration('daemon'));
  await daemon.call('reload', undefined);
  t.deepEqual(agents(), []);
  t.is(await clone('again'), 'lib');
  t.deepEqual(agents(), []);
  writeFileSync(daemon.configFile, configuration('agent'));
  await daemon.call('reload', undefined);
  t.is(await clone('once more'), 'lib');
  t.is(agents().length, 1);
});

asRoot('without an ssh-agent, status and doctor say so before anybody clones', async (t) => {
  const {daemon} = await setUp(t, 'agent', {PATH: '/nowhere'});
  const {health, notices} = await daemon.status();
  t.is(health, 'red');
  t.like(
    notices.find(({message}) => message.startsWith('submodule keys')),
    {
      level: 'red',
      message: 'submodule keys: there is no ssh-agent on the PATH of the daemon',
      hint: 'install OpenSSH’s client, or set ssh.keyHolder: daemon',
    },
  );
  const person = new Person(t, {...daemon.environment, ORGKEY_CONFIG: daemon.configFile});
  for (const command of ['status', 'doctor']) {
    const {stdout, stderr} = await person.run(command, []);
    t.regex(stdout + stderr, /there is no ssh-agent on the PATH of the daemon/, command);
  }
  // the person is root, and trusts no files of others
  for (const path of [daemon.configFile, join(daemon.directory, 'key')]) chownSync(path, 0, 0);
  const shown = await person.run('config', ['show']);
  t.regex(shown.stdout, /sshKeyHolder: agent/);
  t.regex(shown.stdout, /privateKey: \[from the file \/.*\/key\]/);
  const {stdout} = await person.run('ssh-key', ['show-public', 'contoso']);
  t.is(stdout.trim(), (await testKey()).key.publicLine('orgkey-contoso'));
});
