import {CLIENT_SCRIPTS} from '../../src/places/client-scripts.ts';
import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {createInterface} from 'node:readline';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {publint} from 'publint';
import {daemonNodeFlags} from '../../src/service/node-flags.ts';
import {otherNode, pack, type Packed} from '../helpers/packed.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {tether} from '../helpers/tether.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {cloudFor} from '../helpers/cloud-for.ts';

const run = promisify(execFile);
const {version} = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));

let packed: Packed;
test.before(() => {
  packed = pack();
});
test.after.always(() => packed.remove());

test('the package is small and has no dependencies', (t) => {
  t.true(statSync(packed.tarball).size < 1024 * 1024);
  t.deepEqual(readdirSync(dirname(packed.installed)), ['orgkey']);
  t.false(existsSync(join(packed.installed, 'node_modules')));
  t.deepEqual(
    readdirSync(packed.installed).filter((name) => !/^(?:README\.md|LICENSE)$/.test(name)),
    ['dist', 'package.json'],
  );
  const {dependencies, scripts} = JSON.parse(readFileSync(join(packed.installed, 'package.json'), 'utf8'));
  t.is(dependencies, undefined);
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare'])
    t.false(script in scripts, script);
});

test('each link of the packed README is an address', (t) => {
  const text = readFileSync(join(packed.installed, 'README.md'), 'utf8');
  const links = Array.from(text.matchAll(/\]\(([^)]+)\)/g), ([, link = '']) => link);
  t.true(links.length > 20);
  t.deepEqual(
    links.filter((link) => !link.startsWith('https://')),
    [],
  );
  t.true(links.includes(`https://github.com/orgkey/orgkey/blob/v${version}/SECURITY.md`));
  t.true(links.includes(`https://github.com/orgkey/orgkey/raw/v${version}/docs/terminal.svg`));
});

test('the commands of the package are executable', (t) => {
  const scripts = CLIENT_SCRIPTS.filter((script) => !script.includes('/'));
  t.deepEqual(readdirSync(packed.bin).toSorted(), ['nuget-plugin-orgkey', 'orgkey', ...scripts].toSorted());
  t.is(statSync(join(packed.installed, 'dist/keyring/keyring')).mode & 0o111, 0o111);
  for (const name of readdirSync(packed.bin))
    t.is(statSync(join(packed.bin, name)).mode & 0o111, 0o111, name);
});

test('publint reports nothing', async (t) => {
  const {messages} = await publint({pkgDir: packed.installed, pack: false, strict: true});
  t.deepEqual(messages, []);
});

/** Makes an environment with this Node as the only one, and an empty home. */
function place(t: ExecutionContext, node: string) {
  const home = scratchDirectory(t);
  for (const name of ['tmp', 'run', 'repository']) mkdirSync(join(home, name), {mode: 0o700});
  const environment = {
    HOME: home,
    TMPDIR: join(home, 'tmp'),
    ORGKEY_RUNTIME_DIR: join(home, 'run/orgkey'),
    PATH: `${packed.bin}:${dirname(node)}:/usr/bin:/bin`,
    GIT_CONFIG_NOSYSTEM: '1',
  };
  return {home, environment};
}

/** Returns a Node and a test function, which skips if the registry does not have that Node. */
function on(wanted: string) {
  const node = wanted === 'ours' ? process.execPath : otherNode(wanted);
  const why = node === undefined ? 'the npm registry does not have it here' : undefined;
  return {node: node ?? '', testIt: testUnless(why)};
}

for (const wanted of ['16.20.2', '20.19.5', '22.19.0']) {
  const {node, testIt} = on(wanted);
  testIt(`Node ${wanted} is too old, which one sentence says`, async (t) => {
    const {environment, home} = place(t, node);
    const failed = await t.throwsAsync<Error & {code: number; stderr: string; stdout: string}>(
      run(join(packed.bin, 'orgkey'), ['status'], {env: environment}),
    );
    t.true(
      failed.stderr.startsWith(
        `orgkey: error: orgkey needs Node 22.20 or later, not v${wanted} (${node})\norgkey: hint: install `,
      ),
    );
    t.is(failed.stdout, '');
    t.is(failed.code, 1);
    t.deepEqual(readdirSync(home).toSorted(), ['repository', 'run', 'tmp']);
  });
}

for (const wanted of ['22.20.0', 'ours']) {
  const {node, testIt} = on(wanted);
  testIt(
    `Node ${wanted === 'ours' ? process.versions.node : wanted}: orgkey prints its version`,
    async (t) => {
      const {environment, home} = place(t, node);
      const {stdout, stderr} = await run(join(packed.bin, 'orgkey'), ['--version'], {env: environment});
      t.is(stdout, `${version}\n`);
      t.is(stderr, '');
      t.deepEqual(readdirSync(join(home, 'tmp')), []);
      t.is(statSync(join(home, '.local/state/orgkey/compile-cache')).mode & 0o777, 0o700);
    },
  );

  testIt(
    `Node ${wanted === 'ours' ? process.versions.node : wanted}: git clones with a token of Entra and with a PAT`,
    async (t) => {
      const {environment, home} = place(t, node);
      const cloud = await cloudFor(t);
      const tenant = cloud.addTenant();
      const application = tenant.addApplication();
      const contoso = cloud.addOrganization('contoso', {tenant, members: [application]});
      const fabrikam = cloud.addOrganization('fabrikam');
      const repositories = [contoso, fabrikam].map((one) =>
        one.addRepository('p/r', {files: {'read.me': one.name}}),
      );
      const config = join(home, 'config.yaml');
      const {clientId, secret} = application;
      writeFileSync(
        config,
        `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], clientId: ${clientId}, clientSecret: ${secret}, tenantId: ${tenant.id}}
        - {organizations: [fabrikam], personalAccessToken: ${fabrikam.addPat().value}}
`,
        {mode: 0o600},
      );
      const variables = {...environment, ...cloud.environment(), GIT_TERMINAL_PROMPT: '0'};
      const daemon = spawn(join(packed.bin, 'orgkey'), ['daemon', '--config', config], {
        env: variables,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      tether(daemon);
      t.teardown(() => daemon.kill('SIGKILL'));
      let said = '';
      daemon.stderr.setEncoding('utf8').on('data', (text) => (said += text));
      const exited = once(daemon, 'exit');
      const [line] = await Promise.race([
        once(createInterface({input: daemon.stdout}), 'line'),
        exited.then(() => [said]),
      ]);
      t.is(line, `ready ${home}/run/orgkey/git.sock`);

      const command = readFileSync(`/proc/${daemon.pid}/cmdline`, 'utf8').split('\0');
      for (const flag of daemonNodeFlags) t.true(command.includes(flag), flag);

      const helper = `credential.helper=${join(packed.bin, 'git-credential-orgkey')}`;
      for (const {url} of repositories) {
        const folder = basename(dirname(dirname(dirname(url))));
        const args = ['-c', helper, '-c', 'credential.useHttpPath=true', 'clone', '--quiet', url, folder];
        await run('git', args, {env: variables, cwd: join(home, 'repository')});
        t.is(readFileSync(join(home, 'repository', folder, 'read.me'), 'utf8'), folder);
      }

      const {stdout} = await run(join(packed.bin, 'orgkey'), ['status', '--json'], {env: environment});
      t.like(JSON.parse(stdout), {version, pid: daemon.pid});

      daemon.kill('SIGTERM');
      t.deepEqual(await exited, [0, null], said);
      t.notRegex(said, /Warning/);
      t.deepEqual(readdirSync(join(home, 'tmp')), []);
    },
  );
}
