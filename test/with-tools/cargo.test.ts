import test, {type ExecutionContext} from 'ava';
import {execFileSync} from 'node:child_process';
import {dirname} from 'node:path';
import {BlobStore} from '../cloud/feeds/blob-store.ts';
import type {GitHome, Ran} from '../helpers/git-home.ts';
import {leaveDeadSocket} from '../helpers/leave-dead-socket.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {auditOf, toolWorld, type ToolWorld} from '../helpers/tool-world.ts';
import {cloudForSerial, addContoso} from '../helpers/cloud-for.ts';

/** The folder of the real programs: rustup's would look for them in the home. */
const toolchain = findToolchain();
const withCargo = testUnless(
  toolchain === undefined ? 'there is no cargo 1.74 or later' : undefined,
  test.serial,
);

const cloud = await cloudForSerial({isUsed: toolchain !== undefined});
const {contoso, credential} = addContoso(cloud);
const fabrikam = cloud.addOrganization('fabrikam');
cloud.addOrganization('wingtip').addFeed('tools');
contoso.addFeed('tools');
fabrikam.addFeed('parts');
const pat = fabrikam.addPat({scopes: ['vso.packaging_write']}).value;
const credentials = [credential, `organizations: [fabrikam], personalAccessToken: ${pat}`];

const TOOLS = 'sparse+https://pkgs.dev.azure.com/contoso/web/_packaging/tools/Cargo/index/';
const PARTS = 'sparse+https://fabrikam.pkgs.visualstudio.com/_packaging/parts/Cargo/index/';

async function rustWorld(t: ExecutionContext): Promise<ToolWorld> {
  const world = await toolWorld(t, cloud, credentials, [toolchain ?? '']);
  const {home} = world;
  home.write(
    '.cargo/config.toml',
    `[registries]
tools = {index = "${TOOLS}"}
parts = {index = "${PARTS}"}
missing = {index = "${TOOLS.replace('tools/Cargo', 'other/Cargo')}"}
unnamed = {index = "sparse+https://pkgs.dev.azure.com/"}
unknown = {index = "${TOOLS.replace('contoso', 'wingtip')}"}
[registry]
global-credential-providers = ["cargo-credential-orgkey"]
[http]
cainfo = "${cloud.caFile}"
`,
  );
  return world;
}

function crate(home: GitHome, name: string, manifest = ''): void {
  home.write(`${name}/src/lib.rs`, '');
  home.write(
    `${name}/Cargo.toml`,
    `[package]\nname = "${name}"\nversion = "1.0.0"\nedition = "2021"\ndescription = "d"\nlicense = "MIT"\n${manifest}`,
  );
}

function cargo(home: GitHome, cwd: string, ...args: readonly string[]): Promise<Ran> {
  return home.run('cargo', args, {cwd, environment: {CARGO_HOME: `${home.directory}/.cargo`}});
}

async function publish(t: ExecutionContext, home: GitHome, name: string, registry: string): Promise<void> {
  crate(home, name);
  const published = await cargo(
    home,
    name,
    'publish',
    '--no-verify',
    '--allow-dirty',
    '--registry',
    registry,
  );
  t.is(published.code, 0, published.stderr);
}

withCargo('cargo publishes to two organizations at once, and fetches from both', async (t) => {
  const {daemon, home} = await rustWorld(t);
  await Promise.all([publish(t, home, 'gear', 'tools'), publish(t, home, 'cog', 'parts')]);
  crate(
    home,
    'app',
    '[dependencies]\ngear = {version = "1", registry = "tools"}\ncog = {version = "1", registry = "parts"}\n',
  );
  const fetched = await cargo(home, 'app', 'fetch');
  t.is(fetched.code, 0, fetched.stderr);
  t.is(cloud.requests.count({endpoint: 'token'}), 1);
  t.true(cloud.requests.filter({endpoint: 'blob'}).length >= 2);
  t.true(
    cloud.requests.filter({host: BlobStore.host}).every(({authorization}) => authorization === undefined),
  );
  // the version of cargo decides how often it asks
  const entries = await auditOf(daemon, 'cargo', 4);
  t.deepEqual(
    [
      ...new Set(entries.map(({organization, feed, outcome}) => `${organization} ${feed} ${outcome}`)),
    ].toSorted(),
    ['contoso web/tools credential', 'fabrikam parts credential'],
  );
});

withCargo('a token that was refused is replaced when cargo asks again', async (t) => {
  const {home} = await rustWorld(t);
  await publish(t, home, 'wheel', 'tools');
  const [first] = cloud.requests.filter({endpoint: 'feed', method: 'PUT'});
  cloud.revoke(first?.authorization?.secret ?? '');
  crate(home, 'car', '[dependencies]\nwheel = {version = "1", registry = "tools"}\n');
  const fetched = await cargo(home, 'car', 'fetch');
  t.is(fetched.code, 0, fetched.stderr);
  t.is(cloud.requests.count({endpoint: 'token'}), 2);
});

withCargo('an organization that is not configured is declined with a reason', async (t) => {
  const {home} = await rustWorld(t);
  crate(home, 'lost', '[dependencies]\nnut = {version = "1", registry = "unknown"}\n');
  const {code, stderr} = await cargo(home, 'lost', 'fetch');
  t.not(code, 0);
  t.regex(stderr, /orgkey: error: wingtip is not configured/);
  t.regex(stderr, /no credential providers could handle the request/);
});

withCargo('an address without an organization is declined', async (t) => {
  const {home} = await rustWorld(t);
  crate(home, 'nobody', '[dependencies]\nnut = {version = "1", registry = "unnamed"}\n');
  const {code, stderr} = await cargo(home, 'nobody', 'fetch');
  t.not(code, 0);
  t.notRegex(stderr, /orgkey: /);
});

withCargo('a feed that does not exist is reported by cargo, not by orgkey', async (t) => {
  const {home} = await rustWorld(t);
  crate(home, 'gone', '[dependencies]\nnut = {version = "1", registry = "missing"}\n');
  const {code, stderr} = await cargo(home, 'gone', 'fetch');
  t.not(code, 0);
  t.regex(stderr, /404|not found/i);
  t.notRegex(stderr, /orgkey: /);
});

withCargo('why an organization fails reaches the user through cargo', async (t) => {
  const {home} = await rustWorld(t);
  cloud.fault({endpoint: 'token', aadsts: 7_000_222, error: 'invalid_client', status: 401});
  crate(home, 'sad', '[dependencies]\ngear = {version = "1", registry = "tools"}\n');
  const {code, stderr} = await cargo(home, 'sad', 'fetch');
  t.not(code, 0);
  t.regex(stderr, /orgkey: contoso: .*\n(?:.*\n)*.*hint: /);
});

withCargo('without a daemon cargo says how to start it', async (t) => {
  const {home} = await rustWorld(t);
  crate(home, 'down', '[dependencies]\ngear = {version = "1", registry = "tools"}\n');
  const {code, stderr} = await home.run('cargo', ['fetch'], {
    cwd: 'down',
    environment: {
      CARGO_HOME: `${home.directory}/.cargo`,
      ORGKEY_RUNTIME_DIR: leaveDeadSocket(home.directory),
    },
  });
  t.not(code, 0);
  t.regex(stderr, /orgkey: the orgkey daemon does not answer/);
  t.regex(stderr, /hint: start it: orgkey service start/);
});

withCargo('cargo login and logout are not supported', async (t) => {
  const {home} = await rustWorld(t);
  for (const command of ['login', 'logout']) {
    const {code, stderr} = await cargo(home, '.', command, '--registry', 'tools');
    t.not(code, 0, command);
    t.notRegex(stderr, /deserialize|unexpected response/, command);
  }
});

function findToolchain(): string | undefined {
  for (const command of [
    ['rustup', 'which', 'cargo'],
    ['which', 'cargo'],
  ] as const) {
    try {
      const [program, ...args] = command;
      const path = execFileSync(program, args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
      const version = execFileSync(path, ['--version'], {encoding: 'utf8'});
      const [, minor = '0'] = /^cargo 1\.(\d+)/.exec(version) ?? [];
      if (Number(minor) >= 74) return dirname(path);
    } catch {
      // the next may be there
    }
  }
  return undefined;
}
