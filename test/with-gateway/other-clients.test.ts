import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {once} from 'node:events';
import {connect, createServer} from 'node:net';
import {homedir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {daemonFor} from '../helpers/daemon.ts';
import {freePort} from '../helpers/free-port.ts';
import {loopbackHome, sharedGateway} from '../helpers/gateway-world.ts';
import {gits} from '../helpers/gits.ts';
import {testUnless} from '../helpers/test-unless.ts';

/** Clients that are not git, over the port by its name: without a name, the library of Cargo asks no helper. */

const authority = `localhost:${await freePort()}`;
const gateway = sharedGateway({
  rule: `repositories: [contoso/web/*], push: ["refs/heads/agents/*"], listen: "${authority}"`,
});
const [git] = gits;
if (git === undefined) throw new Error('there is no git');
const homeOf = (t: Parameters<typeof loopbackHome>[0]) =>
  loopbackHome(t, {git, authority, socket: join(gateway().daemon.runtime, 'git.sock')});

const python = join(import.meta.dirname, '../../.cache/other-git-clients/bin/python3.11');
const withPython = testUnless(
  existsSync(python) ? undefined : 'no pygit2: scripts/test-packages other-git-clients brings it',
  test.serial,
);

for (const [name, program, code, start] of [
  ['libgit2', 'libgit2.py', 3, 'https://dev.azure.com/'],
  ['Dulwich', 'dulwich-client.py', 0, `http://${authority}/dev.azure.com/`],
] as const)
  withPython(`${name} clones, fetches and pushes, and shows why a push is refused`, async (t) => {
    const world = gateway();
    const home = homeOf(t);
    const url = world.site.url.replace('https://dev.azure.com/', start);
    const run = (directory: string, ref: string, from = url) =>
      home.run(python, ['-B', join(import.meta.dirname, 'programs', program), from, directory, ref]);
    const ref = `refs/heads/agents/${name}`;
    const pushed = await run('site', ref);
    t.is(pushed.code, 0, pushed.stderr);
    t.true(home.has('site/a.txt'));
    t.regex(await home.succeed(['ls-remote', world.site.url, ref]), /refs/);

    const main = await home.succeed(['ls-remote', world.site.url, 'refs/heads/main']);
    const refused = await run('again', 'refs/heads/main');
    t.is(refused.code, code, refused.stderr);
    t.regex(refused.stderr, /orgkey: not among the refs/);
    t.is(await home.succeed(['ls-remote', world.site.url, 'refs/heads/main']), main);
    const salaries = world.salaries.url.replace('https://dev.azure.com/', start);
    t.is((await run('salaries', ref, salaries)).code, 1);
    t.false(home.has('salaries/a.txt'));
  });

test.serial('a port that another process has on one address of localhost is not used', async (t) => {
  for (const [taken, free] of [
    ['::1', '127.0.0.1'],
    ['127.0.0.1', '::1'],
  ] as const) {
    const other = createServer().listen(0, taken);
    await once(other, 'listening');
    t.teardown(() => other.close());
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const daemon = await daemonFor(t, {
      configuration: `integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: abcdefghijk}]}]}
orgkey: {gateways: [{name: agents, repositories: [contoso/web/*], listen: "localhost:${port}"}]}
`,
    });
    const {notices} = await daemon.call('status', undefined);
    t.regex(notices.map(({message}) => message).join('\n'), /cannot listen on .*EADDRINUSE/);
    const client = connect({host: free, port});
    const [error] = await once(client, 'error');
    t.is(error.code, 'ECONNREFUSED');
  }
});

const cargo = spawnSync('cargo', ['--version']).status === 0 ? undefined : 'there is no cargo';

testUnless(cargo, test.serial)('Cargo fetches with its own library', async (t) => {
  const world = gateway();
  const {url} = world.contoso.addRepository('web/crate', {
    files: {
      'Cargo.toml': '[package]\nname = "crate"\nversion = "0.1.0"\nedition = "2021"\n',
      'src/lib.rs': '',
    },
  });
  const home = homeOf(t);
  home.write('app/src/lib.rs', '');
  home.write(
    'app/Cargo.toml',
    `[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\ncrate = {git = "${url}"}\n`,
  );
  world.cloud.requests.clear();
  const environment = {
    CARGO_HOME: join(home.directory, 'cargo'),
    CARGO_NET_GIT_FETCH_WITH_CLI: 'false',
    RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup'),
  };
  const {code, stderr} = await home.run('cargo', ['fetch'], {cwd: 'app', environment});
  t.is(code, 0, stderr);
  t.true(world.cloud.requests.count({endpoint: 'git', status: 200}) > 0);
});
