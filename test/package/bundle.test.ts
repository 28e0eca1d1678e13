import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {bundledPackages} from '../../scripts/bundled-packages.ts';
import {pack, type Packed} from '../helpers/packed.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));

interface Reviewed {
  readonly version: string;
  readonly license: string;
  readonly integrity: string;
  /** Why it is in the bundle. */
  readonly reason: string;
}
const reviewed: Readonly<Record<string, Reviewed>> = read('scripts/runtime-packages.json');
const locked: Readonly<Record<string, Partial<Reviewed> & {dependencies?: Record<string, string>}>> =
  read('package-lock.json').packages;

let packed: Packed;
test.before(() => {
  packed = pack();
});
test.after.always(() => packed.remove());

test('the bundle holds only reviewed packages in reviewed versions', (t) => {
  for (const {path, version, license} of bundledPackages(packed.metafile, root)) {
    const {integrity, reason = '', ...known} = reviewed[path.replace('node_modules/', '')] ?? {};
    t.regex(reason, /^\w/, path);
    t.deepEqual(known, {version, license}, path);
    t.regex(integrity ?? '', /^sha512-/);
  }
});

test('the lock file has the reviewed hashes', (t) => {
  for (const [path, {version, integrity}] of Object.entries(reviewed)) {
    t.like(locked[`node_modules/${path}`], {version, integrity}, path);
  }
});

test('node-ipc brings five packages, all reviewed', (t) => {
  const found = new Set<string>();
  const follow = (name: string): void => {
    for (const dependency of Object.keys(locked[`node_modules/${name}`]?.dependencies ?? {})) {
      found.add(dependency);
      follow(dependency);
    }
  };
  follow('node-ipc');
  t.deepEqual([...found].toSorted(), ['easy-stack', 'event-pubsub', 'js-message', 'js-queue', 'strong-type']);
  for (const name of [...found, 'node-ipc']) t.truthy(reviewed[name], name);
});

test('every reviewed package is used', (t) => {
  const used = new Set(
    bundledPackages(packed.metafile, root).map(({path}) => path.replace('node_modules/', '')),
  );
  const unused = Object.keys(reviewed).filter((name) => !used.has(name));
  // dependencies of node-ipc that its chosen profile does not load
  t.deepEqual(unused, ['easy-stack', 'js-message', 'js-queue']);
});

test('every package has a permissive license, and its text is included', (t) => {
  const licenses = new Set(Object.values(reviewed).map(({license}) => license));
  const permissive = ['Apache-2.0', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT', 'Unlicense'];
  t.deepEqual(
    [...licenses].filter((license) => !permissive.includes(license)),
    [],
  );
  const text = readFileSync(join(packed.installed, 'dist/THIRD-PARTY-LICENSES'), 'utf8');
  for (const {name, version} of bundledPackages(packed.metafile, root)) {
    t.true(text.includes(`${name} ${version} (`), name);
  }
});

/** Returns the packages that an entry loads statically. */
function loadedWith(entry: string): ReadonlySet<string> {
  const {outputs} = packed.metafile;
  const names = new Set<string>();
  const seen = new Set<string>();
  const follow = (output: string): void => {
    if (seen.has(output)) return;
    seen.add(output);
    const {inputs = {}, imports = []} = outputs[output] ?? {};
    for (const input of Object.keys(inputs)) {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1];
      if (name !== undefined) names.add(name);
    }
    for (const {path, kind, external} of imports)
      if (kind === 'import-statement' && external !== true) follow(path);
  };
  for (const [output, {entryPoint}] of Object.entries(outputs)) if (entryPoint === entry) follow(output);
  if (seen.size === 0) throw new Error(`no entry ${entry}`);
  return names;
}
test('the daemon loads only lru-cache at its start', (t) => {
  t.deepEqual([...loadedWith('src/daemon/main.ts')], ['lru-cache']);
});

test('only the acquirer loads @azure/identity', (t) => {
  for (const entry of ['src/main.ts', 'src/cli/main.ts', 'src/daemon/main.ts']) {
    t.false(loadedWith(entry).has('@azure/identity'), entry);
  }
  t.true(loadedWith('src/entra/token-credential.ts').has('@azure/identity'));
});

test('the bundles do not mention the machine that built them', (t) => {
  const entries = readdirSync(join(packed.installed, 'dist'), {recursive: true, withFileTypes: true});
  t.deepEqual(
    entries
      .filter((entry) => entry.isDirectory())
      .map(({name}) => name)
      .toSorted(),
    ['keyring', 'man', 'orgkey_keyring.dist-info', 'python'],
  );
  for (const entry of entries.filter((one) => one.isFile())) {
    const file = join(entry.parentPath, entry.name);
    const text = readFileSync(file, 'utf8');
    t.false(text.includes(root), file);
    t.false(text.includes('sourceMappingURL'), file);
  }
});
