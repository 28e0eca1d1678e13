import {spawnSync} from 'node:child_process';
import {connect} from 'node:net';
import {homedir} from 'node:os';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {loopbackHome, sharedGateway} from '../helpers/gateway-world.ts';
import {freePort} from '../helpers/free-port.ts';
import {gitsWithLfs} from '../helpers/git-lfs.ts';
import {type GitHome, homeFor} from '../helpers/git-home.ts';
import {gits} from '../helpers/gits.ts';
import {helper} from '../helpers/daemon.ts';
import {testUnless} from '../helpers/test-unless.ts';

const authority = `127.0.0.1:${await freePort()}`;
const gateway = sharedGateway({
  rule: `repositories: [contoso/web/*], push: ["refs/heads/agents/*"], listen: "${authority}"`,
  settings: `  sockets:
    - {name: team, organizations: [], gateway: agents}
    - {name: other, organizations: [contoso]}
`,
});
const main = () => join(gateway().daemon.runtime, 'git.sock');

for (const git of gits)
  testUnless(git.missing, test.serial)(
    `${git.name} clones and pushes over TCP with a capability`,
    async (t) => {
      const world = gateway();
      const home = loopbackHome(t, {git, authority, socket: main()});
      await home.succeed(['clone', world.site.url, 'site']);
      await home.succeed(['-C', 'site', 'commit', '--allow-empty', '--message', 'x']);
      const branch = `refs/heads/agents/${git.name.replace(/[^\d.]/g, '')}`;
      await home.succeed(['-C', 'site', 'push', 'origin', `HEAD:${branch}`]);
      const {code, stderr} = await home.git(['clone', world.salaries.url, 'salaries']);
      t.not(code, 0);
      t.regex(stderr, /remote: orgkey: .*contoso\/hr\/salaries.*\nremote: hint: /);
    },
  );

const cargo = spawnSync('cargo', ['--version']).status === 0 ? undefined : 'there is no cargo';
const [system] = gits;

testUnless(cargo, test.serial)('cargo fetches with git over TCP', async (t) => {
  if (system === undefined) return t.fail();
  const world = gateway();
  const {url} = world.contoso.addRepository('web/crate', {
    files: {
      'Cargo.toml': '[package]\nname = "crate"\nversion = "0.1.0"\nedition = "2021"\n',
      'src/lib.rs': '',
    },
  });
  const home = loopbackHome(t, {git: system, authority, socket: main()});
  home.write('app/src/lib.rs', '');
  home.write(
    'app/Cargo.toml',
    `[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\ncrate = {git = "${url}"}\n`,
  );
  world.cloud.requests.clear();
  const environment = {
    CARGO_HOME: join(home.directory, 'cargo'),
    CARGO_NET_GIT_FETCH_WITH_CLI: 'true',
    RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup'),
  };
  const {code, stderr} = await home.run('cargo', ['fetch'], {cwd: 'app', environment});
  t.is(code, 0, stderr);
  t.true(world.cloud.requests.count({endpoint: 'git', status: 200}) > 0);
});

const request = (host: string) => `protocol=http\nhost=${host}\n\n`;

function filler(t: ExecutionContext, socket: string): GitHome {
  const home = homeFor(t, {ORGKEY_RUNTIME_DIR: dirname(socket), ORGKEY_NO_START: '1'});
  home.write('.gitconfig', `[credential]\n\thelper = ${helper}\n`);
  return home;
}

test.serial(
  'a capability is handed out over the main socket and over the scoped socket that names the gateway',
  async (t) => {
    const world = gateway();
    const scoped = (name: string) => join(world.daemon.runtime, 'scoped', name, 'git.sock');
    const passwords = new Set<string>();
    for (const socket of [main(), scoped('team')]) {
      const {stdout} = await filler(t, socket).fill(request(authority));
      const [, password = ''] = /^password=(.*)$/m.exec(stdout) ?? [];
      t.is(Buffer.from(password, 'base64url').length, 32);
      t.regex(stdout, /^username=orgkey$/m);
      const [, expiry = '0'] = /^password_expiry_utc=(\d+)$/m.exec(stdout) ?? ['', '0'];
      if (expiry !== '0') t.true(Number(expiry) * 1000 <= Date.now() + 3_600_000);
      passwords.add(password);
    }
    t.is(passwords.size, 2);
    t.not((await filler(t, scoped('other')).fill(request(authority))).code, 0);
    t.not((await filler(t, main()).fill(request('127.0.0.1:1'))).code, 0);
  },
);

test.serial('the TCP port serves no request without a capability of this daemon', async (t) => {
  const world = gateway();
  world.cloud.requests.clear();
  const url = `http://${authority}/dev.azure.com/contoso/web/_git/site/info/refs?service=git-upload-pack`;
  for (const password of [undefined, '', 'x', 'a'.repeat(43)]) {
    const authorization = `Basic ${Buffer.from(`orgkey:${password}`).toString('base64')}`;
    const answer = await fetch(url, password === undefined ? {} : {headers: {authorization}});
    t.is(answer.status, 401);
    await answer.arrayBuffer();
  }
  t.is(world.cloud.requests.count({endpoint: 'git'}), 0);
});

for (const [index, {name, git, program, missing}] of gitsWithLfs.entries())
  testUnless(missing, test.serial)(`${name} transfers objects in both directions`, async (t) => {
    const world = gateway();
    const {url} = world.contoso.addRepository(`web/art-${index}`, {
      lfs: {'picture.bin': Buffer.alloc(300_000, 'a')},
    });
    const home = loopbackHome(t, {git, authority, socket: main()});
    const path = `${join(program, '..')}:${home.environment['PATH'] ?? ''}`;
    const run = (...args: string[]) => home.succeed(args, {environment: {PATH: path}});
    await run('config', '--global', 'filter.lfs.process', 'git-lfs filter-process');
    await run('config', '--global', 'filter.lfs.smudge', 'git-lfs smudge -- %f');
    await run('config', '--global', 'filter.lfs.clean', 'git-lfs clean -- %f');
    await run('config', '--global', 'filter.lfs.required', 'true');
    await run('clone', url, 'art');
    t.is(await run('-C', 'art', 'lfs', 'fsck'), 'Git LFS fsck OK');
    home.write('art/.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
    home.write('art/new.bin', 'b'.repeat(200_000));
    await run('-C', 'art', 'add', '.');
    await run('-C', 'art', 'commit', '--message', 'new');
    await run('-C', 'art', 'lfs', 'push', '--all', 'origin');
    await run('-C', 'art', 'push', 'origin', 'HEAD:refs/heads/agents/art');
    t.is(world.contoso.repository('web', `art-${index}`)?.lfsObjects.size, 2);
  });

test.serial('idle connections without a password do not keep out those that have one', async (t) => {
  const [host = '', port = ''] = authority.split(':');
  const idle = Array.from({length: 1200}, () =>
    connect({host, port: Number(port)}).on('error', () => undefined),
  );
  t.teardown(() => {
    for (const socket of idle) socket.destroy();
  });
  const ended = idle.map((socket) => new Promise((resolve) => socket.resume().once('close', resolve)));
  // the oldest are closed for the newest
  await Promise.all(ended.slice(0, 100));
  const world = gateway();
  const [git] = gits;
  if (git === undefined) return t.fail('there is no git');
  const home = loopbackHome(t, {git, authority, socket: main()});
  await home.succeed(['ls-remote', world.site.url]);
  t.true((await world.daemon.ask('action=hello\ntimeout=0\n')).startsWith('orgkey=1'));
});
