import test from 'ava';
import {execFileSync, spawnSync} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {request} from 'node:http';
import {createServer} from 'node:net';
import {once} from 'node:events';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {TestDaemon, askPath, daemonFor} from '../helpers/daemon.ts';
import {until} from '../helpers/patience.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';

/** Only root can run processes as another user. */
const asRoot = testUnless(whyNotRoot);

const pat = 'p'.repeat(52);
const credentials = `integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: ${pat}}]}]}\n`;
const hello = 'action=hello\ntimeout=0\nnonce=1\n';

test('with idleExit a daemon without requests ends', async (t) => {
  const daemon = await daemonFor(t, {configuration: `${credentials}orgkey: {idleExit: 1s}\n`});
  t.is(await daemon.ended(), 0);
  t.regex(daemon.stderr, /idle for long enough/);
});

test('a socket that was removed is taken back', async (t) => {
  const daemon = await daemonFor(t, {configuration: credentials});
  rmSync(daemon.socket);
  await daemon.says(/took .* back/);
  t.regex(daemon.stderr, /the socket .* was removed/);
  t.notRegex(daemon.stderr, /another process listens/);
  t.regex(await askPath(daemon.socket, hello), new RegExp(`pid=${daemon.process.pid}\n`));
  t.is(lstatSync(daemon.socket).mode & 0o777, 0o600);
  t.is((await daemon.status()).health, 'ok');
});

test('a socket of another process in our place is reported and left alone', async (t) => {
  const daemon = await daemonFor(t, {configuration: credentials});
  const other = createServer((client) => client.end('hello\n')).listen(`${daemon.socket}.new`);
  await once(other, 'listening');
  t.teardown(() => void other.close());
  renameSync(`${daemon.socket}.new`, daemon.socket);
  await daemon.says(/cannot take .* back/);
  t.is(await askPath(daemon.socket, ''), 'hello\n');
  const status = await daemon.status();
  t.is(status.health, 'error');
  t.true(status.notices.some(({message}) => message.includes('another program listens on')));
});

test('a hello is not counted as a request', async (t) => {
  const daemon = await daemonFor(t, {configuration: credentials});
  await daemon.ask(hello);
  await daemon.get({protocol: 'https', host: 'dev.azure.com', path: 'contoso/x'});
  const {served, passed, failed} = (await daemon.status()).requests;
  t.deepEqual({served, passed, failed}, {served: 1, passed: 0, failed: 0});
});

test('the metrics and a probe are all that is served', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'orgkey-metrics-'));
  t.teardown(() => rmSync(directory, {recursive: true, force: true}));
  const path = join(directory, 'metrics.sock');
  const daemon = await daemonFor(t, {configuration: `${credentials}orgkey: {metrics: {listen: ${path}}}\n`});
  await daemon.get({protocol: 'https', host: 'dev.azure.com', path: 'contoso/x'});
  const {status, text} = await fetchFrom(path, '/metrics');
  t.is(status, 200);
  t.regex(
    text,
    /^orgkey_requests_total\{host="dev.azure.com",organization="contoso",socket="git",kind="[a-z-]+",outcome="served"\} 1$/m,
  );
  t.regex(text, /^orgkey_request_duration_seconds_count\{outcome="served"\} 1$/m);
  t.regex(text, /^orgkey_configuration_valid 1$/m);
  t.is((await fetchFrom(path, '/healthz')).status, 200);
  t.is((await fetchFrom(path, '/')).status, 404);
  t.is(lstatSync(path).mode & 0o077, 0);
});

test('git is served without a control channel', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'orgkey-control-'));
  t.teardown(() => rmSync(directory, {recursive: true, force: true}));
  mkdirSync(join(directory, 'run/control/control.sock'), {recursive: true});
  chmodSync(join(directory, 'run'), 0o711);
  writeFileSync(join(directory, 'config.yaml'), credentials, {mode: 0o600});
  const daemon = await daemonFor(t, {directory});
  t.true((await daemon.get({protocol: 'https', host: 'dev.azure.com', path: 'contoso/x'})).includes(pat));
  t.regex(daemon.stderr, /the control channel cannot be served/);
  t.is(await daemon.stop('SIGTERM'), 0);
  t.false(existsSync(daemon.socket));
});

test('scoped sockets follow the configuration', async (t) => {
  const daemon = await daemonFor(t, {
    configuration: `${credentials}orgkey: {sockets: [{name: team, organizations: [contoso]}]}\n`,
  });
  const path = join(daemon.runtime, 'scoped/team/git.sock');
  const get = 'action=get\ntimeout=900\nprotocol=https\nhost=dev.azure.com\npath=contoso/x\n';
  t.true((await askPath(path, get)).includes(pat));
  t.is(lstatSync(join(daemon.runtime, 'scoped/team')).mode & 0o777, 0o711);

  daemon.configure(
    `${credentials}orgkey: {sockets: [{name: team, organizations: [fabrikam], mode: "0666"}]}\n`,
  );
  daemon.process.kill('SIGHUP');
  const modeOf = () => lstatSync(path, {throwIfNoEntry: false})?.mode ?? 0;
  await t.notThrowsAsync(until('the new mode', modeOf, (mode) => (mode & 0o777) === 0o666));
  t.is(await askPath(path, get), 'orgkey=1\n');

  daemon.configure(credentials);
  daemon.process.kill('SIGHUP');
  await t.notThrowsAsync(until('the end of the socket', modeOf, (mode) => mode === 0));
});

test('names with similar letters are different organizations everywhere', async (t) => {
  const names = ['\u0130zmir', '\u212ailo', 'Ärzte'];
  const list = `[${names.map((name) => `"${name}"`).join(', ')}]`;
  const daemon = await daemonFor(t, {
    configuration: `integrations: {azure: [{host: azure.example.org, credentials: [{organizations: ${list}, personalAccessToken: ${pat}}]}]}
orgkey: {sockets: [{name: team, organizations: ${list}}]}
`,
  });
  const team = join(daemon.runtime, 'scoped/team/git.sock');
  for (const name of [...names, 'äRZTE'])
    t.true((await askPath(team, getOnServer(name))).includes(pat), name);
  for (const name of ['izmir', 'i\u0307zmir', 'kilo'])
    t.is(await askPath(team, getOnServer(name)), 'orgkey=1\n', name);
  for (const name of names) {
    const organization = `azure.example.org/${name}`;
    t.is((await daemon.call('token', {organization, scope: undefined})).kind, 'token', name);
  }
  const {health, organizations} = await daemon.status();
  t.is(health, 'ok');
  t.deepEqual(
    organizations.map(({organization, requests}) => ({organization, requests})),
    names.map((organization) => ({organization, requests: organization === 'Ärzte' ? 2 : 1})),
  );
});

asRoot('the group of a scoped socket can connect to that socket only', async (t) => {
  const group = 23_456;
  const daemon = await daemonFor(t, {
    configuration: `${credentials}orgkey: {sockets: [{name: team, organizations: [contoso], mode: "0660", group: "${group}"}]}\n`,
  });
  // the group must be able to enter the directories above
  chmodSync(daemon.directory, 0o711);
  daemon.process.kill('SIGHUP');
  await daemon.says(/(1 credential\b[^]*){2}/);
  const path = join(daemon.runtime, 'scoped/team/git.sock');
  t.true(askAs(path, group).stdout.includes(pat));
  t.regex(askAs(path, 34_567).stderr, /[Pp]ermission denied/);
  t.regex(askAs(daemon.socket, group).stderr, /[Pp]ermission denied/);
});

for (const [who, check, mode, group] of [
  ['only our user', test, 0o700, undefined],
  ['another group', asRoot, 0o710, 34_567],
] as const) {
  check(
    `a group is rejected if only ${who.replace('only ', '')} can enter the directories above`,
    async (t) => {
      const directory = scratchDirectory(t);
      chmodSync(directory, mode);
      if (group !== undefined) chownSync(directory, -1, group);
      const daemon = await daemonFor(t, {
        directory,
        configuration: `${credentials}orgkey: {sockets: [{name: team, organizations: [contoso], mode: "0660", group: "23456"}]}\n`,
      });
      t.false(existsSync(join(daemon.runtime, 'scoped/team/git.sock')));
      const {health, notices} = await daemon.status();
      t.is(health, 'error');
      t.true(notices.some(({message}) => /the group of the socket .* cannot enter /.test(message)));
    },
  );
}

asRoot('a scoped socket that fails does not affect others, and opens once it can', async (t) => {
  const uid = 12_345;
  const directory = scratchDirectory(t);
  writeFileSync(join(directory, 'config.yaml'), twoScoped(23_456), {mode: 0o600});
  for (const path of [directory, join(directory, 'config.yaml')]) chownSync(path, uid, uid);
  // the directories can be entered; but the daemon is not in the group of the socket
  chmodSync(directory, 0o711);
  const daemon = await daemonFor(t, {directory, uid});
  const path = (name: string) => join(daemon.runtime, 'scoped', name, 'git.sock');
  const get = 'action=get\ntimeout=900\nprotocol=https\nhost=dev.azure.com\npath=contoso/x\n';
  for (const socket of [daemon.socket, path('team')]) t.true((await askPath(socket, get)).includes(pat));
  t.false(existsSync(path('other')));
  const [notice] = (await daemon.status()).notices;
  t.is(notice?.level, 'error');
  t.regex(notice?.message ?? '', /^socket other: .* cannot be given to the group 23456 \(EPERM\)$/);

  // a directory that we cannot write to fails too
  rmSync(join(daemon.runtime, 'scoped/other'), {recursive: true});
  mkdirSync(join(daemon.runtime, 'scoped/other'), {mode: 0o711});
  daemon.configure(twoScoped(uid));
  chownSync(daemon.configFile, uid, uid);
  await daemon.call('reload', undefined);
  t.regex((await daemon.status()).notices[0]?.message ?? '', /^socket other: .*EACCES/);

  chownSync(join(daemon.runtime, 'scoped/other'), uid, uid);
  await daemon.call('reload', undefined);
  t.true((await askPath(path('other'), get)).includes(pat));
  t.is((await daemon.status()).health, 'ok');
  t.is(await daemon.stop(), 0);
});

asRoot('a start that fails unexpectedly prints why and exits with 1', async (t) => {
  const uid = 12_345;
  const directory = scratchDirectory(t);
  const place = (path: string, owner: number) => {
    mkdirSync(join(directory, path), {recursive: true});
    chownSync(join(directory, path), owner, owner);
  };
  writeFileSync(join(directory, 'config.yaml'), credentials, {mode: 0o600});
  chownSync(join(directory, 'config.yaml'), uid, uid);
  // root's directory, as for the machine's service, but without a socket of systemd's
  place('run', 0);
  for (const path of ['', 'run/control', 'run/ssh']) place(path, uid);
  const daemon = new TestDaemon({directory, uid});
  t.teardown(() => daemon.close());
  t.is(await daemon.ended(), 1, daemon.stderr);
  t.regex(daemon.stderr, /^orgkey: error: .*EACCES.*git\.sock/m);
});

test('a daemon ends although a thread hangs in a file', async (t) => {
  // without a writer, opening it hangs, as a lost disk does
  const lost = join(scratchDirectory(t), 'lost');
  execFileSync('mkfifo', [lost]);
  const hook = `import files from 'node:fs/promises';
    import {syncBuiltinESMExports} from 'node:module';
    const {open} = files;
    files.open = (path, ...more) => (String(path).endsWith('audit.jsonl') ? open('${lost}', 'r') : open(path, ...more));
    syncBuiltinESMExports();`;
  const environment = {NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(hook)}`};
  const daemon = await daemonFor(t, {configuration: credentials, environment});
  await daemon.get({protocol: 'https', host: 'dev.azure.com', path: 'contoso/x'});
  t.is(await daemon.stop(), 'SIGTERM');
});

function getOnServer(collection: string): string {
  return `action=get\ntimeout=900\nprotocol=https\nhost=azure.example.org\npath=${collection}/p\n`;
}

function twoScoped(group: number): string {
  return `${credentials}orgkey:
  sockets:
    - {name: other, organizations: [contoso], mode: "0660", group: "${group}"}
    - {name: team, organizations: [contoso]}
`;
}

/** Runs git's client on a socket as a user of this group. */
function askAs(socket: string, gid: number): {readonly stdout: string; readonly stderr: string} {
  return spawnSync('git', ['credential-cache', `--socket=${socket}`, 'get'], {
    uid: 34_567,
    gid,
    env: {PATH: process.env['PATH'], HOME: '/'},
    input: 'protocol=https\nhost=dev.azure.com\npath=contoso/x\n',
    encoding: 'utf8',
  });
}

function fetchFrom(socketPath: string, path: string): Promise<{status: number | undefined; text: string}> {
  return new Promise((resolve, reject) => {
    const asked = request({socketPath, path, agent: false}, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({status: response.statusCode, text}));
    });
    asked.on('error', reject);
    asked.end();
  });
}
