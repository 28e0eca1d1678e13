// usage: node scripts/debian/package.ts DIR   (see scripts/package-deb)
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join, relative, resolve} from 'node:path';
import {gzipSync} from 'node:zlib';
import {CLIENT_SCRIPTS} from '../../src/places/client-scripts.ts';
import {daemonNodeFlags} from '../../src/service/node-flags.ts';
import {systemStateDirectory, systemUnits, sysusersFile} from '../../src/service/systemd-units.ts';

const root = resolve(import.meta.dirname, '../..');
const out = resolve(process.argv[2] ?? '.');
const {version, description} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const architecture = execFileSync('dpkg', ['--print-architecture'], {encoding: 'utf8'}).trim();
const home = '/usr/lib/orgkey';
const maintainer = 'The orgkey authors <orgkey@users.noreply.github.com>';
const tree = mkdtempSync(join(tmpdir(), 'orgkey-deb-'));
process.umask(0o022);
// dpkg gives / this mode when it installs the package
chmodSync(tree, 0o755);
try {
  program();
  service();
  documents();
  control();
  const file = join(out, `orgkey_${version}_${architecture}.deb`);
  execFileSync('dpkg-deb', ['--build', '--root-owner-group', tree, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    // The package is reproducible: the same commit makes the same bytes
    env: {...process.env, SOURCE_DATE_EPOCH: commitTime()},
  });
  console.log(file);
} finally {
  rmSync(tree, {recursive: true, force: true});
}

/** Writes Node, dist/ next to package.json, and the commands. */
function program(): void {
  const dist = `${home}/dist`;
  mkdirSync(join(tree, home), {recursive: true});
  execFileSync(process.execPath, [join(root, 'scripts/build.ts'), '--out', join(tree, dist)], {
    stdio: 'ignore',
  });
  // npm's command only checks the Node on the PATH; the package has its own
  rmSync(join(tree, dist, 'orgkey.cjs'));
  copy(join(root, 'package.json'), `${home}/package.json`);
  copy(process.execPath, `${home}/node`, 0o755);
  const flags = daemonNodeFlags.join(' ');
  // Next to git's helpers, which look for it there
  write(`${dist}/orgkey`, `#!/bin/sh\nexec ${home}/node ${flags} ${dist}/main.js "$@"\n`, 0o755);
  mkdirSync(join(tree, 'usr/bin'), {recursive: true});
  // `keyring` has a folder of its own: it would take the place of Python's
  const scripts = CLIENT_SCRIPTS.filter((script) => !script.includes('/'));
  for (const name of ['orgkey', 'nuget-plugin-orgkey', ...scripts]) {
    symlinkSync(`../lib/orgkey/dist/${name}`, join(tree, 'usr/bin', name));
  }
}

/** Writes the machine's units. The administrator enables them; `orgkey setup` writes a user's. */
function service(): void {
  const units = systemUnits({
    node: `${home}/node`,
    main: `${home}/dist/main.js`,
    configFile: undefined,
    runtimeDirectory: '/run/orgkey',
    stateDirectory: systemStateDirectory,
    sockets: [],
  });
  for (const {name, text} of units) write(`/usr/lib/systemd/system/${name}`, text);
  write('/usr/lib/sysusers.d/orgkey.conf', sysusersFile);
}

function documents(): void {
  copy(join(root, 'LICENSE'), '/usr/share/doc/orgkey/copyright');
  copy(join(tree, home, 'dist/THIRD-PARTY-LICENSES'), '/usr/share/doc/orgkey/THIRD-PARTY-LICENSES');
  rmSync(join(tree, home, 'dist/THIRD-PARTY-LICENSES'));
  const nodeLicense = join(dirname(process.execPath), '../LICENSE');
  if (existsSync(nodeLicense)) copy(nodeLicense, '/usr/share/doc/orgkey/LICENSE.node');
  compressed('/usr/share/doc/orgkey/CHANGELOG.md.gz', readFileSync(join(root, 'CHANGELOG.md'), 'utf8'));
  compressed('/usr/share/doc/orgkey/changelog.gz', changelog());
  for (const name of ['README.md', 'SECURITY.md']) copy(join(root, name), `/usr/share/doc/orgkey/${name}`);
  examples();
  copy(join(import.meta.dirname, 'lintian-overrides'), '/usr/share/lintian/overrides/orgkey');
  for (const name of readdirSync(join(tree, home, 'dist/man'))) {
    const folder = `man${name.at(-1) ?? ''}`;
    compressed(
      `/usr/share/man/${folder}/${name}.gz`,
      readFileSync(join(tree, home, 'dist/man', name), 'utf8'),
    );
  }
  rmSync(join(tree, home, 'dist/man'), {recursive: true});
  for (const [name, page] of [
    ['orgkey-ssh', 'git-credential-orgkey'],
    ['cargo-credential-orgkey', 'orgkey-token'],
    ['orgkey-bazel-helper', 'orgkey-token'],
    ['orgkey-goauth', 'orgkey-token'],
  ] as const)
    symlinkSync(`${page}.1.gz`, join(tree, `usr/share/man/man1/${name}.1.gz`));
  for (const name of readdirSync(join(tree, 'usr/bin'))) {
    const page = join(tree, `usr/share/man/man1/${name}.1.gz`);
    if (lstatSync(page, {throwIfNoEntry: false}) === undefined) symlinkSync('orgkey.1.gz', page);
  }
  write('/usr/share/bash-completion/completions/orgkey', ask('completion', 'bash'));
  write('/usr/share/zsh/vendor-completions/_orgkey', ask('completion', 'zsh'));
  write('/usr/share/fish/vendor_completions.d/orgkey.fish', ask('completion', 'fish'));
}

/** The files for containers, clusters and monitoring, as they are in the repository. */
function examples(): void {
  const from = join(root, 'scripts/deploy');
  for (const path of readdirSync(from, {recursive: true, encoding: 'utf8'}))
    if (lstatSync(join(from, path)).isFile())
      copy(join(from, path), `/usr/share/doc/orgkey/examples/${path}`);
}

/** The form that Debian wants. What changed is in CHANGELOG.md. */
function changelog(): string {
  const day = new Date(Number(commitTime()) * 1000).toUTCString().replace('GMT', '+0000');
  return `orgkey (${version}) stable; urgency=medium\n\n  * See CHANGELOG.md.gz.\n\n -- ${maintainer}  ${day}\n`;
}

function control(): void {
  const files = readdirSync(tree, {recursive: true, encoding: 'utf8'}).filter((path) =>
    lstatSync(join(tree, path)).isFile(),
  );
  const size = files.reduce((sum, path) => sum + statSync(join(tree, path)).size, 0);
  const sums = files.toSorted().map((path) => {
    const hash = createHash('md5').update(readFileSync(join(tree, path)));
    return `${hash.digest('hex')}  ${relative(tree, join(tree, path))}\n`;
  });
  write(
    '/DEBIAN/control',
    `Package: orgkey
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${Math.ceil(size / 1024)}
Depends: git (>= 1:2.39), libc6 (>= 2.28), libgcc-s1, libstdc++6
Recommends: ca-certificates, openssh-client
Section: vcs
Priority: optional
Description: ${description.replace(/^One key per organization: (?:an? )?/, '')}
 It knows which organization a repository belongs to and which identity may act
 there, and hands git a fresh credential in a few milliseconds.
`,
  );
  write('/DEBIAN/md5sums', sums.join(''));
  for (const script of ['preinst', 'postinst', 'prerm', 'postrm']) {
    copy(join(import.meta.dirname, script), `/DEBIAN/${script}`, 0o755);
  }
}

/** Returns the output of the program in the package. */
function ask(...args: string[]): string {
  return execFileSync(process.execPath, [join(tree, home, 'dist/main.js'), ...args], {
    // Without a HOME, so that it does not keep compiled code
    env: {LC_ALL: 'C.UTF-8', NO_COLOR: '1'},
    encoding: 'utf8',
  });
}

function commitTime(): string {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined) return given;
  return execFileSync('git', ['-C', root, 'log', '-1', '--format=%ct'], {encoding: 'utf8'}).trim();
}

/** Writes a gzip file without a timestamp, which makes it reproducible. */
function compressed(path: string, text: string): void {
  write(path, '');
  writeFileSync(join(tree, path), gzipSync(text, {level: 9}));
}

function write(path: string, text: string, mode = 0o644): void {
  const file = join(tree, path);
  mkdirSync(dirname(file), {recursive: true});
  writeFileSync(file, text);
  chmodSync(file, mode);
}

function copy(from: string, path: string, mode = 0o644): void {
  const file = join(tree, path);
  mkdirSync(dirname(file), {recursive: true});
  copyFileSync(from, file);
  chmodSync(file, mode);
}
