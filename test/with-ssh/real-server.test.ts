import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';

import type {ExecutionContext} from 'ava';

import type {SubmoduleSettings} from '../../src/config/configuration.ts';
import {dial} from '../../src/ssh/relay/dial.ts';
import {fetchHostKeys} from '../../src/ssh/host/fetch-host-keys.ts';
import {knownHostsLine} from '../../src/ssh/host/host-keys.ts';
import {ruleFor, startGrantDaemon} from '../helpers/grant-daemon.ts';
import {GitHome} from '../helpers/git-home.ts';
import {Sshd, whyNoSshd} from '../helpers/sshd.ts';
import {startAgent} from '../helpers/ssh-agent.ts';
import {testKey} from '../helpers/submodule-world.ts';
import {testUnless} from '../helpers/test-unless.ts';

const withServer = testUnless(whyNoSshd());

type Started = {sshd: Sshd; home: GitHome; url: string};

async function start(
  t: ExecutionContext,
  options: Partial<Parameters<typeof Sshd.start>[0]> & {
    known?: (sshd: Sshd) => string;
    key?: string;
    inAgent?: boolean;
  } = {},
): Promise<Started> {
  const {key, privateKey} = await testKey();
  const sshd = await Sshd.start({authorizedKeys: [key.publicLine('test')], ...options});
  const keyFile = join(mkdtempSync(join(tmpdir(), 'key-')), 'key');
  const pem = options.key ?? privateKey;
  writeFileSync(keyFile, pem, {mode: 0o600});
  const rule = ruleFor('', {
    organizations: ['main'],
    host: '127.0.0.1',
    knownHosts: (options.known ?? ((sshd) => sshd.knownHosts()))(sshd),
  });
  const privateKeySource: SubmoduleSettings['privateKey'] = options.inAgent
    ? {
        from: 'ssh-agent',
        socket: await startAgent(t, pem),
        publicKey: options.authorizedKeys?.[0] ?? key.publicLine(''),
      }
    : {from: 'file', path: keyFile};
  const daemon = await startGrantDaemon({submodules: [{...rule, privateKey: privateKeySource}]});
  const home = new GitHome({ORGKEY_RUNTIME_DIR: daemon.directory});
  t.teardown(async () => {
    await daemon.close();
    home.remove();
    rmSync(dirname(keyFile), {recursive: true});
    await sshd.stop();
  });
  await home.useWrapper();
  await home.succeed(['init', '-q', 'source']);
  home.write('source/lib.txt', 'lib');
  await home.succeed(['add', '.'], {cwd: 'source'});
  await home.succeed(['commit', '-qm', 'lib'], {cwd: 'source'});
  const url = sshd.addRepository('/tfs/Main/Web/_git/lib', join(home.directory, 'source'));
  await home.succeed(['init', '-q', 'app']);
  return {sshd, home, url};
}

withServer('OpenSSH on both ends: a submodule is added, cloned again and fetched', async (t) => {
  const {sshd, home, url} = await start(t, {hostKeys: ['rsa', 'ecdsa', 'ed25519']});
  await home.succeed(['submodule', '--quiet', 'add', url, 'lib'], {cwd: 'app'});
  await home.succeed(['commit', '-qm', 'lib'], {cwd: 'app'});
  await home.succeed(['fetch', '-q'], {cwd: 'app/lib'});
  await home.succeed(['clone', '-q', '--recurse-submodules', 'app', 'again']);
  t.is(readFileSync(join(home.directory, 'again/lib/lib.txt'), 'utf8'), 'lib');
  t.deepEqual(new Set(sshd.commands), new Set(["version=2 git-upload-pack '/tfs/Main/Web/_git/lib'"]));
  t.regex(sshd.log.join('\n'), /Accepted publickey for .*RSA SHA256:/);
});

withServer('a host that accepts two at once gets twelve with --jobs 12', async (t) => {
  const {sshd, home} = await start(t, {options: ['MaxStartups 2:90:4']});
  const names = Array.from({length: 12}, (_, at) => `lib-${at}`);
  for (const name of names) {
    const url = sshd.addRepository(`/tfs/Main/Web/_git/${name}`, join(home.directory, 'source'));
    await home.succeed(['config', '-f', '.gitmodules', `submodule.${name}.path`, name], {cwd: 'app'});
    await home.succeed(['config', '-f', '.gitmodules', `submodule.${name}.url`, url], {cwd: 'app'});
    const commit = await home.succeed(['rev-parse', 'HEAD'], {cwd: 'source'});
    await home.succeed(['update-index', '--add', '--cacheinfo', `160000,${commit},${name}`], {cwd: 'app'});
  }
  await home.succeed(['add', '.gitmodules'], {cwd: 'app'});
  await home.succeed(['commit', '-qm', 'libs'], {cwd: 'app'});
  const clone = ['clone', '-q', '--recurse-submodules', '--jobs', '12', 'app', 'again'];
  const {code, stderr} = await home.git(clone);
  t.is(code, 0, stderr);
  t.deepEqual(
    names.filter((name) => !home.has(`again/${name}/lib.txt`)),
    [],
  );
});

for (const type of ['rsa', 'ecdsa', 'ed25519'])
  withServer(`a host with three keys, of which ${type} is pinned, shows that one`, async (t) => {
    const {home, url} = await start(t, {
      hostKeys: ['rsa', 'ecdsa', 'ed25519'],
      known: (sshd) => sshd.knownHosts(type),
    });
    const {code, stderr} = await home.git(['submodule', '--quiet', 'add', url, 'lib'], {cwd: 'app'});
    t.is(code, 0, stderr);
  });

withServer('a host whose pinned kind of key is gone counts as changed', async (t) => {
  const {home, url} = await start(t, {
    hostKeys: ['ed25519'],
    known: (sshd) =>
      `[127.0.0.1]:${sshd.port} ${sshd.knownHosts().split(' ').slice(1).join(' ')}`.replace(
        /AAAAI\S{20}/,
        (found) => found.slice(0, -8) + 'AAAAAAAA',
      ),
  });
  const {code, stderr} = await home.git(['submodule', '--quiet', 'add', url, 'lib'], {cwd: 'app'});
  t.is(code, 128);
  t.regex(stderr, /THE HOST KEY OF 127\.0\.0\.1 HAS CHANGED|no host key is pinned/);
});

withServer('keys that OpenSSH takes and Azure DevOps does not are fine for a server', async (t) => {
  const {generateKeyPairSync} = await import('node:crypto');
  const {readPrivateKey} = await import('../../src/ssh/key/private-key.ts');
  const {Secret} = await import('../../src/secret/secret.ts');
  const ed25519 = generateKeyPairSync('ed25519').privateKey.export({type: 'pkcs8', format: 'pem'}).toString();
  const ecdsa = generateKeyPairSync('ec', {namedCurve: 'P-521'})
    .privateKey.export({type: 'pkcs8', format: 'pem'})
    .toString();
  for (const [pem, inAgent] of [
    [ed25519, false],
    [ecdsa, false],
    [ecdsa, true],
  ] as const) {
    const reading = await readPrivateKey(Secret.fromText(pem), '127.0.0.1');
    if (reading.kind !== 'key') return t.fail(reading.reason);
    const {home, url} = await start(t, {authorizedKeys: [reading.key.publicLine('')], key: pem, inAgent});
    const {code, stderr} = await home.git(['submodule', '--quiet', 'add', url, 'lib'], {cwd: 'app'});
    t.is(code, 0, stderr);
  }
});

for (const [where, inAgent] of [
  ['daemon', false],
  ['ssh-agent', true],
] as const) {
  withServer(`a server that accepts only SHA-512 or SHA-256 is served by the ${where}`, async (t) => {
    for (const accepted of ['rsa-sha2-512', 'rsa-sha2-256']) {
      const {home, url} = await start(t, {options: [`PubkeyAcceptedAlgorithms ${accepted}`], inAgent});
      const {code, stderr} = await home.git(['submodule', '--quiet', 'add', url, 'lib'], {cwd: 'app'});
      t.is(code, 0, stderr);
    }
  });

  withServer(`a server that accepts only SHA-1 gets no signature from the ${where}`, async (t) => {
    const {home, url, sshd} = await start(t, {options: ['PubkeyAcceptedAlgorithms ssh-rsa'], inAgent});
    const {code, stderr} = await home.git(['submodule', '--quiet', 'add', url, 'lib'], {cwd: 'app'});
    t.is(code, 128);
    t.regex(stderr, /^orgkey: error: 127\.0\.0\.1 rejects the key of main \(SHA256:\S{43}\)$/m);
    t.deepEqual(sshd.commands, []);
  });
}

withServer('a key that the server does not know', async (t) => {
  const {home, url, sshd} = await start(t, {authorizedKeys: []});
  const {code, stderr} = await home.git(['submodule', '--quiet', 'add', url, 'lib'], {cwd: 'app'});
  t.is(code, 128);
  t.regex(stderr, /^orgkey: error: 127\.0\.0\.1 rejects the key of main \(SHA256:\S{43}\)$/m);
  t.regex(stderr, /^orgkey: hint: paste the public half \(orgkey ssh-key show-public main\)/m);
  t.deepEqual(sshd.commands, []);
});

withServer('a long transfer survives that the server changes its keys on the way', async (t) => {
  const {home, sshd} = await start(t, {options: ['RekeyLimit 1M']});
  const {randomBytes} = await import('node:crypto');
  writeFileSync(join(home.directory, 'source/noise'), randomBytes(6 * 1024 * 1024));
  await home.succeed(['add', '.'], {cwd: 'source'});
  await home.succeed(['commit', '-qm', 'noise'], {cwd: 'source'});
  const url = sshd.addRepository('/tfs/Main/Web/_git/noise', join(home.directory, 'source'));
  const {code, stderr} = await home.git(['submodule', '--quiet', 'add', url, 'noise'], {cwd: 'app'});
  t.is(code, 0, stderr);
  t.is(readFileSync(join(home.directory, 'app/noise/noise')).length, 6 * 1024 * 1024);
});

withServer('the host keys to trust are those that the server has', async (t) => {
  const {sshd} = await start(t, {hostKeys: ['rsa', 'ecdsa', 'ed25519']});
  const to = {host: '127.0.0.1', port: sshd.port};
  const keys = await fetchHostKeys(to, {kind: 'direct'}, {}, new AbortController().signal);
  const lines = keys.map((key) => knownHostsLine(to.host, to.port, key));
  const own = sshd
    .knownHosts()
    .trim()
    .split('\n')
    .map((line) => line.trim());
  t.deepEqual(lines.toSorted(), own.toSorted());
});

withServer('a proxy command leads there as well', async (t) => {
  const {sshd} = await start(t);
  const command = `${process.execPath} -e 'const s = require("net").connect(+process.argv[2], process.argv[1]); process.stdin.pipe(s).pipe(process.stdout)' 127.0.0.1 ${sshd.port}`;
  const {stream} = await dial(
    {host: '127.0.0.1', port: sshd.port},
    {kind: 'command', command},
    {PATH: process.env['PATH']},
    new AbortController().signal,
  );
  const [first] = await stream.take(1).toArray();
  t.regex(String(first), /^SSH-2\.0-OpenSSH/);
});
