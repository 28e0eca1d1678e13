import test from 'ava';
import {spawn} from 'node:child_process';
import {chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {connectControl} from '../../src/control/control-client.ts';
import {patientOf, type Patient} from '../helpers/doctor.ts';
import type {Cloud} from '../cloud/cloud.ts';
import type {ExecutionContext} from 'ava';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';
import {main} from '../helpers/program.ts';

function onePat(cloud: Cloud) {
  const organization = cloud.addOrganization('contoso');
  organization.addRepository('web/site', {files: {a: 'a'}});
  const pat = organization.addPat();
  return {
    credentials: `{organizations: [contoso], personalAccessToken: "${pat.value}"}`,
    more: 'orgkey: {sockets: [{name: team-a, organizations: [contoso]}]}\n',
  };
}

function patient(t: ExecutionContext, environment: Readonly<Record<string, string>> = {}): Promise<Patient> {
  return patientOf(t, onePat, environment);
}

async function reload({daemon}: Patient): Promise<void> {
  const control = await connectControl(join(daemon.runtime, 'control/control.sock'));
  await control.call('reload', undefined);
  control.close();
}

// serial: the tests share the CPU, of which each cloud, daemon and command line needs much
test.serial('variables are compared with those of the daemon, without logins', async (t) => {
  const {examine} = await patient(t);
  t.regex(
    (await examine(['contoso'])).of('daemon', 'variables'),
    /^ok: the daemon has the same: .*HTTPS_PROXY.*NODE_EXTRA_CA_CERTS/,
  );
  const other = {
    HTTP_PROXY: 'http://me:canary-login@proxy.example:3128',
    NODE_EXTRA_CA_CERTS: '',
    SSL_CERT_FILE: '',
    IDENTITY_HEADER: 'canary-header',
  };
  const {code, of, diagnostics} = await examine(['contoso'], {environment: other});
  const seen = of('daemon', 'variables');
  t.regex(
    seen,
    /^warning: HTTP_PROXY is set here, but not for the daemon → run this in a shell that has it/m,
  );
  t.regex(seen, /^warning: IDENTITY_HEADER is set here, but not for the daemon/m);
  t.regex(seen, /^warning: NODE_EXTRA_CA_CERTS is set for the daemon, but not here: \//m);
  t.regex(
    of('network', 'dev.azure.com'),
    /^failed: .*authority that is not trusted here.*NODE_EXTRA_CA_CERTS/,
  );
  t.is(code, 1);
  t.false(JSON.stringify(diagnostics).includes('canary'));
});

test.serial('the clock and the problems of the configuration in force are reported', async (t) => {
  const found = await patientOf(t, (cloud) => {
    const tenant = cloud.addTenant();
    const app = tenant.addApplication();
    cloud.addOrganization('contoso', {tenant, members: [app]});
    cloud.clockOffset = -20 * 60_000;
    return {
      credentials: `{organizations: [contoso], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}}`,
    };
  });
  const {daemon, examine} = found;
  const {code, of} = await examine(['contoso']);
  t.regex(
    of('network', 'clock'),
    /^warning: this machine's clock is 20 min ahead → timedatectl set-ntp true$/,
  );
  const status = await daemon.status();
  t.true(Math.abs((status.clockSkew ?? 0) - 20 * 60_000) < 30_000);
  t.is(status.health, 'warning');
  t.true(status.notices.some(({message}) => message === "this machine's clock is 20 min ahead"));
  t.is(typeof code, 'number');

  daemon.configure('integrations: {azure: [{credentials: [{clientId: nonsense}]}]}\n');
  await reload(found);
  const broken = await examine();
  t.is(broken.code, 1);
  t.regex(broken.of('configuration', 'file'), /^failed: .*config\.yaml:1:\d+: .* → /m);
  t.is(broken.of('configuration', 'daemon'), 'skipped: the daemon reports the same problems');
});

test.serial('a configuration that others can write is reported, and so is a second file', async (t) => {
  const {daemon, person, examine} = await patient(t);
  chmodSync(daemon.configFile, 0o666);
  t.regex(
    (await examine(['contoso'])).of('configuration'),
    /failed: .*can be written by others.* → .*chmod go-w/,
  );
  chmodSync(daemon.configFile, 0o600);
  const other = person.write(
    'other.yaml',
    'integrations: {azure: [{credentials: [{personalAccessToken: abcdefgh}]}]}\n',
  );
  const {of} = await examine(['contoso'], {environment: {ORGKEY_CONFIG: other}});
  t.regex(of('configuration', 'daemon'), /^warning: the daemon uses another file: .*config\.yaml → /);
});

test.serial('wrong modes of sockets and directories are reported', async (t) => {
  const {daemon, examine} = await patient(t);
  const sockets = async () => (await examine(['contoso'])).of('daemon', 'sockets');
  t.is(await sockets(), 'ok: git.sock, scoped/team-a/git.sock: owners, modes and listeners are correct');
  const spoil: readonly [spoil: () => void, expected: RegExp, repair: () => void][] = [
    [
      () => chmodSync(daemon.socket, 0o666),
      /^failed: any user may connect to .*git\.sock → chmod o-rw/,
      () => chmodSync(daemon.socket, 0o600),
    ],
    [
      () => chmodSync(daemon.runtime, 0o777),
      /^failed: others may write to .*run → chmod go-w/,
      () => chmodSync(daemon.runtime, 0o711),
    ],
    [
      () => chmodSync(daemon.runtime, 0o700),
      /^failed: git's own cache daemon could start in .* → chmod 0711/,
      () => chmodSync(daemon.runtime, 0o711),
    ],
    [
      () => chmodSync(join(daemon.runtime, 'control'), 0o755),
      /^failed: others may enter .*control → chmod 0700/,
      () => chmodSync(join(daemon.runtime, 'control'), 0o700),
    ],
  ];
  for (const [break_, expected, repair] of spoil) {
    break_();
    t.regex(await sockets(), expected);
    repair();
  }
  t.regex(await sockets(), /^ok/);
});

test.serial('another program that listens on our socket is found', async (t) => {
  const {daemon, examine, person} = await patient(t);
  await daemon.stop();
  // answers nothing, like git's own cache daemon
  mkdirSync(daemon.runtime, {recursive: true});
  const server = createServer({allowHalfOpen: true}, (socket) => {
    socket.on('data', () => undefined).on('end', () => socket.end());
  });
  await new Promise<void>((resolve) => {
    server.listen(daemon.socket, resolve);
  });
  chmodSync(daemon.socket, 0o600);
  t.teardown(() => server.close());
  t.regex(
    (await examine(['contoso'])).of('daemon', 'sockets'),
    /^failed: another program listens on .*git\.sock, .* → orgkey service restart$/m,
  );
  await new Promise((resolve) => server.close(resolve));
  symlinkSync('/nowhere', daemon.socket);
  t.regex(
    (await examine(['contoso'], {environment: {ORGKEY_RUNTIME_DIR: daemon.runtime}})).of('daemon'),
    /daemon: failed/,
  );
  t.truthy(person);
});

test.serial('a readable state directory and a stopped service are reported', async (t) => {
  const {daemon, person, examine} = await patient(t);
  const state = join(daemon.directory, 'state');
  t.regex((await examine(['contoso'])).of('daemon', 'state'), /^ok: .*state, private$/);
  chmodSync(state, 0o755);
  writeFileSync(join(state, 'service.json'), JSON.stringify({schemaVersion: 1, kind: 'plain'}));
  const {of} = await examine(['contoso']);
  t.regex(of('daemon', 'state'), /^failed: others may read .*state → chmod go-rwx/);
  t.regex(of('daemon', 'service'), /^ok: plain/);
  await daemon.stop();
  const stopped = await examine(['contoso']);
  t.regex(stopped.of('daemon', 'service'), /^failed: plain is stopped.* → orgkey service start$/);
  t.truthy(person);
});

test.serial('the output has a heading for each group and a repair for each failure', async (t) => {
  const {person} = await patient(t);
  const well = await person.run('doctor', ['contoso']);
  t.is(well.code, 0, well.stdout);
  t.regex(well.stdout, /^machine\n✓ node: /);
  t.regex(well.stdout, /\n\ncontoso\n✓ rule: personal access token/);
  t.regex(well.stdout, /\neverything is well\n$/);
  t.false(well.stdout.includes('\u001b'));
  await person.git(['config', '--global', '--unset-all', 'credential.https://dev.azure.com.helper']);
  const ill = await person.run('doctor', ['contoso']);
  t.is(ill.code, 1);
  t.regex(ill.stdout, /\n✗ helper: contoso: git has no credential helper\n {2}repair: orgkey setup\n/);
  t.regex(ill.stdout, /✗ git: no helper has a credential: /);
  t.regex(ill.stdout, /\n2 failures\n$/);
});

const asRoot = testUnless(whyNotRoot);

asRoot('another user may run doctor without reaching the daemon', async (t) => {
  const {daemon, person} = await patient(t);
  chmodSync(person.home, 0o755);
  chmodSync(daemon.directory, 0o755);
  const {stdout, code} = await new Promise<{stdout: string; code: number | null}>((resolve) => {
    const child = spawn(process.execPath, [main, 'doctor', 'contoso', '--json'], {
      cwd: '/',
      uid: 65_534,
      gid: 65_534,
      env: {...person.environment, HOME: '/nonexistent'},
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.on('close', (status) => resolve({stdout: text, code: status}));
  });
  t.is(code, 1);
  t.regex(stdout, /another user/);
  t.true(existsSync(daemon.socket));
});

test.serial('fifty of thousands of organizations are checked, and any one by name', async (t) => {
  const names = Array.from({length: 3000}, (_none, at) => `org-${at}`);
  const {daemon, examine} = await patientOf(t, (cloud) => {
    cloud.addOrganization('org-2999');
    return {credentials: `{organizations: [${names.join(', ')}], personalAccessToken: abcdefghijk}`};
  });
  const {diagnostics, of} = await examine();
  t.is(new Set(diagnostics.map(({group}) => group).filter((group) => group.startsWith('org-'))).size, 50);
  t.regex(of('others'), /^organizations: skipped: 2950 more were not checked; to check one/);
  t.regex(of('git', 'helper'), /^ok: git asks orgkey for org-0, org-1, org-2 and 47 more$/);
  t.regex((await examine(['org-2999'])).of('org-2999', 'sign-in'), /^failed/);
  // status shows what was found, and for no other organization
  const {organizations} = await daemon.status();
  const failing = organizations.filter(
    ({health, organization}) => health !== 'ok' && organization === 'org-2999',
  );
  t.like(failing, [{lastFailure: {code: 'ERR_NOT_ACCEPTED'}}]);
  t.is(organizations.length, 3000);
});
