import {execFileSync} from 'node:child_process';
import {chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {VERSION} from '../src/version.ts';
import {scratchDirectory} from './helpers/scratch-directory.ts';

/** An unprivileged user: modes do not restrict root. */
const uid = 65534;

/** Runs a program that keeps its compiled code. Returns the directory that Node uses, if any. */
function cacheOf(
  argv: readonly string[],
  environment: Record<string, string>,
  then = '',
): string | undefined {
  const program = `
    import {dropCodeOfEarlierVersions, keepCompiledCode} from ${JSON.stringify(new URL('../src/compile-cache.ts', import.meta.url).href)};
    import {getCompileCacheDir} from 'node:module';
    if (process.getuid() === 0) throw new Error('root');
    keepCompiledCode(${JSON.stringify(argv)}, ${JSON.stringify(environment)}, process.getuid());
    ${then};
    console.log(getCompileCacheDir() ?? '');`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    env: {NODE_NO_WARNINGS: '1'},
    uid,
    gid: uid,
    encoding: 'utf8',
  }).trim();
  return said === '' ? undefined : said;
}

function ownDirectory(t: ExecutionContext): string {
  const directory = scratchDirectory(t);
  chownSync(directory, uid, uid);
  return directory;
}

for (const [title, argv, environment, expected] of [
  [
    'the option',
    ['daemon', '--state-dir', 'S/a'],
    {ORGKEY_STATE_DIR: 'S/b', HOME: 'S/h'},
    'S/a/compile-cache',
  ],
  ['the variable', ['status'], {ORGKEY_STATE_DIR: 'S/b', XDG_STATE_HOME: 'S/c'}, 'S/b/compile-cache'],
  ['the state home', [], {XDG_STATE_HOME: 'S/c', HOME: 'S/h'}, 'S/c/orgkey/compile-cache'],
  [
    'the home: a relative state home does not count',
    [],
    {XDG_STATE_HOME: 'c', HOME: 'S/h'},
    'S/h/.local/state/orgkey/compile-cache',
  ],
  ['a default that we cannot write to: a relative home does not count', [], {HOME: 'h'}, undefined],
  ['the home', [], {HOME: 'S/h'}, 'S/h/.local/state/orgkey/compile-cache'],
  ['a default that we cannot write to', [], {}, undefined],
] as const) {
  test(`the directory comes from ${title}`, (t) => {
    const directory = ownDirectory(t);
    const place = (text: string) => text.replace(/^S/, directory);
    const placed = Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, place(value)]));
    const used = cacheOf(argv.map(place), placed);
    if (expected === undefined) t.is(used, undefined);
    else t.true(used?.startsWith(`${place(expected)}/`), used);
    if (used !== undefined) t.is(statSync(join(used, '..')).mode & 0o777, 0o700);
  });
}

test('a directory that others can write to is not used', (t) => {
  const state = ownDirectory(t);
  const cache = join(state, 'compile-cache');
  mkdirSync(cache);
  chownSync(cache, uid, uid);
  chmodSync(cache, 0o777);
  t.is(cacheOf([], {ORGKEY_STATE_DIR: state}), undefined);
  t.deepEqual(readdirSync(cache), []);
});

test('a directory of another user is not used', (t) => {
  const state = scratchDirectory(t);
  chmodSync(state, 0o755);
  const cache = join(state, 'compile-cache');
  mkdirSync(cache);
  chownSync(cache, uid, uid);
  t.is(cacheOf([], {ORGKEY_STATE_DIR: state}), undefined);
});

test('a link is not followed', (t) => {
  const state = ownDirectory(t);
  mkdirSync(join(state, 'elsewhere'));
  chownSync(join(state, 'elsewhere'), uid, uid);
  symlinkSync('elsewhere', join(state, 'compile-cache'));
  t.is(cacheOf([], {ORGKEY_STATE_DIR: state}), undefined);
});

test('only the code of earlier versions is removed', (t) => {
  const state = ownDirectory(t);
  const make = (path: string) => {
    mkdirSync(join(state, path), {recursive: true, mode: 0o700});
    for (let at = path; at !== '.'; at = dirname(at)) chownSync(join(state, at), uid, uid);
  };
  for (const path of ['compile-cache/0.0.1/v24', 'compile-cache/v24.0.0-x64', 'secrets']) make(path);
  t.truthy(cacheOf([], {ORGKEY_STATE_DIR: state}, `dropCodeOfEarlierVersions(${JSON.stringify(state)})`));
  t.deepEqual(readdirSync(join(state, 'compile-cache')), [VERSION]);
  t.deepEqual(readdirSync(state).toSorted(), ['compile-cache', 'secrets']);
});

test('nothing is removed behind a link', (t) => {
  const state = ownDirectory(t);
  mkdirSync(join(state, 'elsewhere/precious'), {recursive: true});
  chownSync(join(state, 'elsewhere'), uid, uid);
  chownSync(join(state, 'elsewhere/precious'), uid, uid);
  symlinkSync('elsewhere', join(state, 'compile-cache'));
  t.is(
    cacheOf([], {ORGKEY_STATE_DIR: state}, `dropCodeOfEarlierVersions(${JSON.stringify(state)})`),
    undefined,
  );
  t.true(existsSync(join(state, 'elsewhere/precious')));
});

test('a program without a directory for its code runs', (t) => {
  t.is(cacheOf([], {ORGKEY_STATE_DIR: '/dev/null/none'}), undefined);
  t.false(existsSync('/dev/null/none'));
});
