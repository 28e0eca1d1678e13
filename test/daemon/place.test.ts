import test from 'ava';
import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {TestDaemon, askPath, startDaemon, daemonFor} from '../helpers/daemon.ts';
import {inTime} from '../helpers/patience.ts';
import {tether} from '../helpers/tether.ts';
import {testUnless, whyNotLinux, whyNotRoot} from '../helpers/test-unless.ts';
import {main} from '../helpers/program.ts';

// serial: each test starts daemons, and all at once would need most of the machine

/** Only root can run processes as another user. */
const asRoot = testUnless(whyNotRoot, test.serial);

const configuration = 'integrations: {azure: []}\n';
const hello = 'action=hello\ntimeout=0\nnonce=1\n';

/** Makes a configuration, and returns where its daemon will have its directories. */
function place(t: {teardown: (f: () => void) => void}): {directory: string; runtime: string; socket: string} {
  const directory = mkdtempSync(join(tmpdir(), 'orgkey-place-'));
  t.teardown(() => rmSync(directory, {recursive: true, force: true}));
  writeFileSync(join(directory, 'config.yaml'), configuration, {mode: 0o600});
  return {directory, runtime: join(directory, 'run'), socket: join(directory, 'run/git.sock')};
}

/** Returns an empty text if the descriptor was closed meanwhile. */
function linkOf(directory: string, name: string): string {
  try {
    return readlinkSync(join(directory, name));
  } catch {
    return '';
  }
}

test.serial('of twelve simultaneous starts one serves, the others say why not', async (t) => {
  const {directory, socket} = place(t);
  const all = Array.from({length: 12}, () => new TestDaemon({directory}));
  t.teardown(() => Promise.all(all.map((daemon) => daemon.close())));
  const outcomes = await Promise.all(
    all.map((daemon) =>
      Promise.race([
        daemon.ready().then(
          () => 'serves',
          () => 'failed',
        ),
        daemon.ended().then(() => 'failed'),
      ]),
    ),
  );
  t.is(outcomes.filter((outcome) => outcome === 'serves').length, 1);
  const winner = all[outcomes.indexOf('serves')];
  t.regex(await askPath(socket, hello), new RegExp(`pid=${winner?.process.pid}\n`));
  for (const loser of all.filter((daemon) => daemon !== winner)) {
    t.is(await loser.ended(), 1);
    t.regex(loser.stderr, /orgkey: error: another orgkey daemon serves .*\norgkey: hint: /);
  }
});

testUnless(whyNotLinux)('every socket that a daemon binds is in its directory', async (t) => {
  const {directory, runtime} = place(t);
  const daemon = await daemonFor(t, {directory});
  const descriptors = `/proc/${daemon.process.pid}/fd`;
  const inodes = readdirSync(descriptors).map(
    (fd) => /^socket:\[(\d+)\]$/.exec(linkOf(descriptors, fd))?.[1],
  );
  const paths = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, , , , , , inode, path] = line.trim().split(/ +/);
      return path !== undefined && inodes.includes(inode) ? path : [];
    });
  t.deepEqual(paths.toSorted(), [join(runtime, 'control/control.sock'), join(runtime, 'git.sock')]);
});

test.serial('a lock that cannot be taken is reported with a hint', async (t) => {
  const {directory, runtime} = place(t);
  mkdirSync(join(runtime, 'control/lock'), {recursive: true, mode: 0o700});
  const daemon = new TestDaemon({directory});
  t.is(await daemon.ended(), 1);
  t.regex(
    daemon.stderr,
    /orgkey: error: .*control\/lock cannot be locked .*\norgkey: hint: look at what is there/,
  );
});

test.serial('the umask does not affect the modes of directory and socket', async (t) => {
  const {directory, runtime, socket} = place(t);
  mkdirSync(runtime, {mode: 0o777});
  chmodSync(runtime, 0o777);
  await daemonFor(t, {directory});
  t.is(lstatSync(runtime).mode & 0o777, 0o711);
  t.is(lstatSync(socket).mode & 0o777, 0o600);
  t.is(lstatSync(join(runtime, 'control')).mode & 0o777, 0o700);
  t.deepEqual(readdirSync(join(runtime, 'control')).toSorted(), ['control.sock', 'lock', 'pid']);
  t.is(lstatSync(join(runtime, 'ssh')).mode & 0o777, 0o700);
});

test.serial('a socket without a listener is replaced', async (t) => {
  const {directory, socket} = place(t);
  const first = await startDaemon({directory});
  await first.stop('SIGKILL');
  t.true(existsSync(socket));
  await daemonFor(t, {directory});
  t.regex(await askPath(socket, hello), /^orgkey=1\n/);
});

test.serial("git's own daemon on the path is asked to exit", async (t) => {
  const {directory, runtime, socket} = place(t);
  mkdirSync(runtime, {mode: 0o700});
  const store = spawn('git', ['credential-cache', `--socket=${socket}`, 'store'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  store.stdin.end('protocol=https\nhost=h\nusername=u\npassword=p\n');
  await once(store, 'exit');
  t.is(await askPath(socket, hello), '', "git's daemon listens there");
  await daemonFor(t, {directory});
  t.regex(await askPath(socket, hello), /^orgkey=1\n/);
});

test.serial('a socket of another program is left alone', async (t) => {
  const {directory, runtime, socket} = place(t);
  mkdirSync(runtime, {mode: 0o700});
  const other = createServer((client) => client.end('hello\n')).listen(socket);
  await once(other, 'listening');
  t.teardown(() => void other.close());
  const daemon = new TestDaemon({directory});
  t.teardown(() => daemon.close());
  t.is(await daemon.ended(), 1);
  t.regex(daemon.stderr, /another program listens on .*git\.sock/);
  t.is(await askPath(socket, ''), 'hello\n');
});

for (const [what, make, kind] of [
  ['a file', (path: string) => writeFileSync(path, 'precious'), 'a file'],
  ['a link', (path: string) => symlinkSync('/nowhere', path), 'a symbolic link'],
  ['a directory', (path: string) => mkdirSync(path), 'a directory'],
  ['a FIFO', (path: string) => execFileSync('mkfifo', [path]), 'a FIFO'],
  ['a device', (path: string) => execFileSync('mknod', [path, 'c', '1', '3']), 'a device'],
] as const) {
  const run = what === 'a device' ? asRoot : test.serial;
  run(`${what} where the socket goes is named and left alone, and nothing hangs`, async (t) => {
    const {directory, runtime, socket} = place(t);
    mkdirSync(runtime, {mode: 0o700});
    make(socket);
    const {ino} = lstatSync(socket);
    const daemon = new TestDaemon({directory});
    t.teardown(() => daemon.close());
    t.is(await daemon.ended(), 1);
    t.true(daemon.stderr.includes(`orgkey: error: ${socket} is ${kind}, not a socket\n`), daemon.stderr);
    t.true(daemon.stderr.includes(`hint: look at what is there, and remove it: ls -ld ${socket}\n`));
    t.is(lstatSync(socket).ino, ino);
  });
}

test.serial('a FIFO at the path of a file of the daemon does not stop its start or its end', async (t) => {
  const {directory, runtime, socket} = place(t);
  mkdirSync(join(runtime, 'control'), {recursive: true, mode: 0o700});
  mkdirSync(join(directory, 'state'), {mode: 0o700});
  for (const path of ['run/control/pid', 'state/audit.jsonl', 'state/runtime-directory'])
    execFileSync('mkfifo', [join(directory, path)]);
  const daemon = await startDaemon({directory});
  t.teardown(() => daemon.close());
  t.regex(await askPath(socket, hello), /^orgkey=1\n/);
  t.is((await daemon.status()).pid, daemon.process.pid ?? 0);
  t.is(readFileSync(join(runtime, 'control/pid'), 'utf8'), `${daemon.process.pid}\n`);
  t.is(await daemon.stop('SIGTERM'), 0);
});

asRoot('a directory that is a link or belongs to another user is rejected', async (t) => {
  const temporary = mkdtempSync(join(tmpdir(), 'orgkey-place-'));
  t.teardown(() => rmSync(temporary, {recursive: true, force: true}));
  const uid = 12_345;
  chmodSync(temporary, 0o777);
  const start = async (prepare: () => void) => {
    prepare();
    const child = spawn(process.execPath, [main, 'daemon'], {
      env: {
        PATH: process.env['PATH'],
        HOME: temporary,
        TMPDIR: temporary,
        ORGKEY_STATE_DIR: join(temporary, 'state'),
      },
      uid,
      gid: uid,
    });
    tether(child);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code] = await inTime('the daemon to end', once(child, 'close'), () => stderr);
    return {code, stderr};
  };
  const path = join(temporary, `orgkey-${uid}`);
  const linked = await start(() => {
    mkdirSync(join(temporary, 'elsewhere'));
    chownSync(join(temporary, 'elsewhere'), uid, uid);
    symlinkSync(join(temporary, 'elsewhere'), path);
  });
  t.is(linked.code, 1);
  t.regex(linked.stderr, /is a symbolic link/);

  const foreign = await start(() => {
    rmSync(path);
    mkdirSync(path, {mode: 0o777});
    chownSync(path, 4321, 4321);
  });
  t.is(foreign.code, 1);
  t.regex(foreign.stderr, /belongs to another user \(uid 4321\)/);
});

test.serial('a path that is too long for a socket is reported', async (t) => {
  const {directory} = place(t);
  const runtime = join(directory, 'x'.repeat(100));
  const daemon = new TestDaemon({directory, args: ['--runtime-dir', runtime]});
  t.teardown(() => daemon.close());
  t.is(await daemon.ended(), 1);
  t.regex(daemon.stderr, /is longer than 107 bytes\norgkey: hint: name a shorter directory/);
});

asRoot('a read-only home is named as such, with how to name another state directory', async (t) => {
  const {directory, runtime} = place(t);
  const home = join(directory, 'home');
  mkdirSync(home);
  const daemon = [process.execPath, main, 'daemon', '--runtime-dir'];
  const script = 'mount -t tmpfs -o ro none "$1" && shift && exec "$@"';
  const child = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', home, ...daemon, runtime], {
    env: {PATH: process.env['PATH'], HOME: home},
  });
  tether(child);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = await inTime('the daemon to end', once(child, 'close'), () => stderr);
  t.is(code, 1);
  t.true(stderr.includes(`the file system of ${home} is read-only`), stderr);
  t.regex(stderr, /hint: name a directory that you can write to in ORGKEY_STATE_DIR, or with --state-dir\n/);
});

asRoot('another user cannot connect', async (t) => {
  const {directory, socket} = place(t);
  chmodSync(directory, 0o755);
  await daemonFor(t, {directory});
  const child = spawn('git', ['credential-cache', `--socket=${socket}`, 'get'], {
    uid: 12_345,
    gid: 12_345,
    env: {PATH: process.env['PATH'], HOME: '/'},
  });
  child.stdin.on('error', () => undefined).end('protocol=https\nhost=dev.azure.com\n');
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await once(child, 'close');
  t.regex(stderr, /[Pp]ermission denied/);
});

test.serial('after SIGTERM the socket is removed and the exit code is 0', async (t) => {
  const {directory, socket} = place(t);
  const daemon = await daemonFor(t, {directory});
  t.is(await daemon.stop('SIGTERM'), 0);
  t.false(existsSync(socket));
  t.is(daemon.stdout, `ready ${socket}\n`);
});

test.serial('a daemon that ends leaves the socket of another process', async (t) => {
  const {directory, socket} = place(t);
  const daemon = await daemonFor(t, {directory});
  rmSync(socket);
  const other = createServer().listen(socket);
  await once(other, 'listening');
  t.teardown(() => void other.close());
  t.is(await daemon.stop('SIGTERM'), 0);
  t.true(existsSync(socket));
});

test.serial('a daemon without a valid configuration tells git what is wrong', async (t) => {
  const {directory} = place(t);
  writeFileSync(
    join(directory, 'config.yaml'),
    'integrations: {azure: [{credentials: [{organizations: [a]}]}\n',
  );
  const daemon = await daemonFor(t, {directory});
  const answer = await daemon.get({protocol: 'https', host: 'dev.azure.com', path: 'a/b'});
  t.regex(
    answer,
    /^orgkey=1\norgkey-error=no configuration is in force: .*config\.yaml:\d+:\d+: .*\norgkey-hint=run: orgkey config check\n$/,
  );
  t.is((await daemon.status()).health, 'error');

  writeFileSync(join(directory, 'config.yaml'), configuration);
  daemon.process.kill('SIGHUP');
  await daemon.says(/"message":"configuration: /);
  await daemon.says(/0 credentials/);
  t.is(await daemon.get({protocol: 'https', host: 'dev.azure.com', path: 'a/b'}), 'orgkey=1\n');
});

test.serial('a daemon whose output has no reader serves, and ends on SIGTERM', async (t) => {
  const {directory, socket} = place(t);
  const daemon = await daemonFor(t, {directory});
  daemon.process.stdout?.destroy();
  daemon.process.stderr?.destroy();
  // each of these is logged
  for (let times = 0; times < 3; times++) t.is(await daemon.ask('rubbish\n'), 'orgkey=1\n');
  t.regex(await askPath(socket, hello), /^orgkey=1\n/);
  t.is(await daemon.stop('SIGTERM'), 0);
});
