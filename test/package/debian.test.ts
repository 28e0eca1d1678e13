import {execFile, execFileSync, spawn, spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {once} from 'node:events';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {gunzipSync} from 'node:zlib';
import test from 'ava';
import {daemonNodeFlags} from '../../src/service/node-flags.ts';
import {tether} from '../helpers/tether.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const {version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const hasDpkg = spawnSync('dpkg-deb', ['--version']).status === 0;
const whyNoPackage = hasDpkg ? undefined : 'there is no dpkg-deb';
const onDebian = testUnless(whyNoPackage);
const inRoot = testUnless(whyNoPackage ?? whyNotRoot);

const directory = mkdtempSync('/tmp/orgkey-deb-');
const tree = join(directory, 'tree');
let file = '';
test.before(async () => {
  if (!hasDpkg) return;
  // compression would take most of the time
  const env = {...process.env, DPKG_DEB_COMPRESSOR_TYPE: 'none'};
  const {stdout} = await run(join(root, 'scripts/package-deb'), [directory], {env});
  file = stdout.trim();
  execFileSync('dpkg-deb', ['-x', file, tree]);
});
test.after.always(() => rmSync(directory, {recursive: true, force: true}));

onDebian(`all files of the package belong to root and only root may write them`, (t) => {
  const lines = execFileSync('dpkg-deb', ['-c', file], {encoding: 'utf8'}).trim().split('\n');
  t.regex(lines[0] ?? '', /^drwxr-xr-x root\/root .* \.\/$/);
  for (const line of lines) t.regex(line, /^(?:l|[d-]rwxr-xr-x|-rw-r--r--).* root\/root /);
});

onDebian(`the checksums of the package are correct`, (t) => {
  const control = join(directory, 'control');
  execFileSync('dpkg-deb', ['-e', file, control]);
  const lines = readFileSync(join(control, 'md5sums'), 'utf8').trim().split('\n');
  t.true(lines.length > 20);
  for (const line of lines) {
    const [sum = '', path = ''] = line.split('  ');
    t.is(
      createHash('md5')
        .update(readFileSync(join(tree, path)))
        .digest('hex'),
      sum,
      path,
    );
  }
});

onDebian(`the scripts of the package are valid shell`, (t) => {
  for (const script of ['preinst', 'postinst', 'prerm', 'postrm']) {
    const checked = spawnSync('sh', ['-n', join(root, 'scripts/debian', script)], {encoding: 'utf8'});
    t.is(checked.stderr, '', script);
  }
});

onDebian(`the package has units, manual pages and completions`, (t) => {
  const service = readFileSync(join(tree, 'usr/lib/systemd/system/orgkey.service'), 'utf8');
  t.regex(service, /^ExecStart=:\/usr\/lib\/orgkey\/node .* \/usr\/lib\/orgkey\/dist\/main\.js daemon /m);
  for (const path of [
    'usr/lib/systemd/system/orgkey.socket',
    'usr/lib/sysusers.d/orgkey.conf',
    'usr/share/man/man1/git-credential-orgkey.1.gz',
    'usr/share/doc/orgkey/changelog.gz',
    'usr/share/doc/orgkey/SECURITY.md',
    'usr/share/doc/orgkey/examples/compose.yaml',
    'usr/share/doc/orgkey/copyright',
    'usr/share/doc/orgkey/THIRD-PARTY-LICENSES',
    'usr/share/bash-completion/completions/orgkey',
  ]) {
    t.true(existsSync(join(tree, path)), path);
  }
  const manual = gunzipSync(readFileSync(join(tree, 'usr/share/man/man1/orgkey.1.gz'))).toString('utf8');
  for (const word of ['setup', 'doctor', 'login']) t.true(manual.includes(`orgkey ${word}`), word);
  for (const page of [
    'man1/orgkey.1',
    'man1/git-credential-orgkey.1',
    'man1/orgkey-ssh.1',
    'man1/orgkey-token.1',
    'man1/orgkey-goauth.1',
    'man5/orgkey-config.5',
  ]) {
    const shown = spawnSync('man', ['--warnings', '-l', join(tree, `usr/share/man/${page}.gz`)], {
      encoding: 'utf8',
    });
    if (shown.error !== undefined) continue;
    t.is(shown.stderr, '', page);
    t.regex(shown.stdout, /NAME/, page);
  }
});

inRoot(`the unpacked package serves git with its own Node`, async (t) => {
  const home = join(directory, 'home');
  mkdirSync(join(home, 'run'), {recursive: true});
  const pat = 'p'.repeat(52);
  writeFileSync(
    join(home, 'config.yaml'),
    `integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: ${pat}}]}]}\n`,
    {mode: 0o600},
  );
  // the package's files appear where dpkg would put them, only for these processes
  const script = `set -e
    mount -n -t tmpfs tmpfs /usr/local
    mount -n -t overlay overlay -o "lowerdir=$1/usr/bin:/usr/bin" /usr/bin
    mount -n -t overlay overlay -o "lowerdir=$1/usr/lib:/usr/lib" /usr/lib
    shift; exec "$@"`;
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', tree];
  const options = {
    cwd: home,
    env: {
      HOME: home,
      PATH: '/usr/bin:/bin',
      ORGKEY_RUNTIME_DIR: join(home, 'run/orgkey'),
      GIT_CONFIG_NOSYSTEM: '1',
    },
  };
  const {stdout} = await run('unshare', [...args, 'orgkey', '--version'], options);
  t.is(stdout, `${version}\n`);

  const daemon = spawn('unshare', [...args, 'orgkey', 'daemon', '--config', join(home, 'config.yaml')], {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  tether(daemon);
  t.teardown(() => daemon.kill('SIGKILL'));
  const exited = once(daemon, 'exit');
  const [line] = await once(daemon.stdout, 'data');
  t.is(String(line), `ready ${home}/run/orgkey/git.sock\n`);
  const command = readFileSync(`/proc/${daemon.pid}/cmdline`, 'utf8').split('\0');
  t.is(command[0], '/usr/lib/orgkey/node');
  for (const flag of daemonNodeFlags) t.true(command.includes(flag), flag);

  const git = spawnSync(
    'unshare',
    [
      ...args,
      'git',
      '-c',
      'credential.helper=orgkey',
      '-c',
      'credential.useHttpPath=true',
      'credential',
      'fill',
    ],
    {...options, input: 'url=https://dev.azure.com/contoso/p/_git/r\n\n', encoding: 'utf8'},
  );
  t.regex(git.stdout, new RegExp(`^password=${pat}$`, 'm'), git.stderr);
  daemon.kill('SIGTERM');
  t.deepEqual(await exited, [0, null]);
});

const lintian = join(root, '.cache/lintian/bin/lintian');
const whyNoLintian = existsSync(lintian)
  ? undefined
  : 'there is no lintian: scripts/test-packages lintian brings one';

/** Here, not in a release. */
const UNCOMPRESSED = 'uses-no-compression-for-control-tarball,uses-no-compression-for-data-tarball';

testUnless(whyNoPackage ?? whyNoLintian)('lintian finds no fault that is not explained', async (t) => {
  const {stdout} = await run(lintian, [
    '--fail-on',
    'none',
    '--show-overrides',
    '--suppress-tags',
    UNCOMPRESSED,
    file,
  ]);
  const tags = stdout.split('\n').filter((line) => line !== '');
  t.deepEqual(
    tags.filter((line) => !line.startsWith('O: ') && !line.startsWith('N: ')),
    [],
  );
  // an override without a fault would hide a later one
  t.true(tags.some((line) => line.startsWith('O: ')));
  t.false(stdout.includes('unused-override'));
});
