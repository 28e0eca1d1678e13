import {execFileSync, spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {cutRelease, releaseNotes} from '../../scripts/releasing/cut-release.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const root = join(import.meta.dirname, '../..');

/** A small repository with what a release changes. */
function repository(t: ExecutionContext, changelog = '# Changelog\n\n## [Unreleased]\n\n- A change.\n') {
  const checkout = join(scratchDirectory(t), 'checkout');
  mkdirSync(checkout);
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', checkout, ...args], {encoding: 'utf8'}).trim();
  git('init', '--quiet');
  git('config', 'user.name', 'A');
  git('config', 'user.email', 'a@example.org');
  writeFileSync(join(checkout, 'CHANGELOG.md'), changelog);
  writeFileSync(join(checkout, 'package.json'), '{\n  "name": "a",\n  "version": "0.1.0"\n}\n');
  writeFileSync(
    join(checkout, 'package-lock.json'),
    JSON.stringify({version: '0.1.0', packages: {'': {version: '0.1.0'}}}),
  );
  git('add', '.');
  git('commit', '--quiet', '-m', 'Start');
  return {checkout, git};
}

const date = new Date('2026-12-01T10:00:00Z');

test('a release sets the version, dates the changelog, commits and tags', (t) => {
  const {checkout, git} = repository(t);
  cutRelease(checkout, '0.2.0', date);
  const read = (file: string): string => readFileSync(join(checkout, file), 'utf8');
  t.is(read('CHANGELOG.md'), '# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n- A change.\n');
  t.is(JSON.parse(read('package.json')).version, '0.2.0');
  t.is(JSON.parse(read('package-lock.json')).packages[''].version, '0.2.0');
  t.is(git('status', '--porcelain'), '');
  t.is(git('log', '-1', '--format=%s'), 'Release 0.2.0');
  t.is(git('tag', '--points-at', 'HEAD'), 'v0.2.0');
  t.regex(git('tag', '--list', '--format=%(contents)', 'v0.2.0'), /- A change\./);
});

const rejected = test.macro({
  exec(t: ExecutionContext, version: string, prepare: (checkout: string) => void, message: RegExp) {
    const {checkout, git} = repository(t);
    prepare(checkout);
    const head = git('rev-parse', 'HEAD');
    t.throws(() => cutRelease(checkout, version, date), {message});
    t.is(git('rev-parse', 'HEAD'), head);
  },
  title: (title = '') => `no release is made ${title}`,
});

const nothing = (): void => {};
test('of a version that is not one', rejected, '1.0', nothing, /not a version: 1\.0/);
test('of an older version', rejected, '0.0.9', nothing, /0\.0\.9 is older than 0\.1\.0/);
test(
  'with changes that are not committed',
  rejected,
  '0.2.0',
  (checkout: string) => writeFileSync(join(checkout, 'new'), ''),
  /not committed/,
);
test(
  'twice',
  rejected,
  '0.2.0',
  (checkout: string) => void execFileSync('git', ['-C', checkout, 'tag', 'v0.2.0']),
  /the tag v0\.2\.0 exists/,
);

test('a changelog without a section for it prevents a release', (t) => {
  const {checkout} = repository(t, '# Changelog\n\n## [0.1.0] - 2026-11-01\n\n- Old.\n');
  t.throws(() => cutRelease(checkout, '0.2.0', date), {message: /no section/});
});

test('the notes of a version end before the next one', (t) => {
  t.is(releaseNotes('# C\n\n## [2.0.0] - x\n\n- Two.\n\n## [1.0.0] - y\n\n- One.\n', '2.0.0'), '- Two.');
});

test('a dry run leaves a tag, the packages, an SBOM and checksums in a clone', (t) => {
  const out = scratchDirectory(t);
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', root, ...args], {encoding: 'utf8'}).trim();
  const before = [git('rev-parse', 'HEAD'), git('tag', '--list')];
  const {status, stderr} = spawnSync(
    process.execPath,
    [join(root, 'scripts/release.ts'), '--dry-run', '--artifacts', out, '9.0.0'],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        GIT_AUTHOR_NAME: 'A',
        GIT_AUTHOR_EMAIL: 'a@example.org',
        GIT_COMMITTER_NAME: 'A',
        GIT_COMMITTER_EMAIL: 'a@example.org',
      },
    },
  );
  t.is(status, 0, stderr);
  t.deepEqual([git('rev-parse', 'HEAD'), git('tag', '--list')], before);

  const clone = join(out, 'clone');
  t.is(execFileSync('git', ['-C', clone, 'tag', '--points-at', 'HEAD'], {encoding: 'utf8'}), 'v9.0.0\n');
  const sums = readFileSync(join(out, 'SHA256SUMS'), 'utf8').trim().split('\n');
  t.true(sums.some((line) => line.endsWith('  orgkey-9.0.0.tgz')));
  if (existsSync('/usr/bin/dpkg-deb'))
    t.true(readdirSync(out).some((name) => /^orgkey_9\.0\.0_.*\.deb$/.test(name)));
  const pipelines = join(clone, 'scripts/deploy/pipelines');
  const task = JSON.parse(readFileSync(join(pipelines, 'setup-orgkey/task.json'), 'utf8'));
  t.deepEqual(task.version, {Major: 9, Minor: 0, Patch: 0});
  for (const file of [
    'steps.yml',
    'vss-extension.json',
    'examples/github-actions.yml',
    'examples/gitlab-ci.yml',
  ])
    t.regex(readFileSync(join(pipelines, file), 'utf8'), /9\.0\.0/, file);
  if (existsSync(join(root, '.cache/pipelines/node_modules/tfx-cli')))
    t.true(sums.some((line) => line.endsWith('  orgkey-9.0.0.vsix')));
  // the chart comes whole, with what its links lead to
  t.true(sums.some((line) => line.endsWith('  orgkey-chart-9.0.0.tgz')));
  const inChart = (path: string) =>
    execFileSync('tar', ['-xzOf', join(out, 'orgkey-chart-9.0.0.tgz'), `orgkey/${path}`], {encoding: 'utf8'});
  t.regex(inChart('Chart.yaml'), /^version: 9\.0\.0\nappVersion: 9\.0\.0$/m);
  t.regex(inChart('files/node/daemonset.yaml'), /^kind: DaemonSet$/m);
  t.is(spawnSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], {cwd: out}).status, 0);

  const {components} = JSON.parse(readFileSync(join(out, 'orgkey-9.0.0.cdx.json'), 'utf8'));
  const names = components.map(({name}: {name: string}) => name);
  t.true(names.includes('ssh2'));
  t.false(names.includes('typescript'));
  t.regex(readFileSync(join(out, 'NOTES.md'), 'utf8'), /^- /m);
});
