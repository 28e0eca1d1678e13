import {chmodSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {decodeKept} from '../../src/config/keep-configuration.ts';
import {loadConfiguration, loadKept, type LoadOptions} from '../../src/config/load-configuration.ts';
import {CLIENT, TENANT, shown} from '../helpers/configurations.ts';
import {loadText, namedFiles, problemsIn, problemsOf, soundIn} from '../helpers/load-text.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const key = new Uint8Array(32);

/** Loads the files that are named `app-config…`, in the order in which they are given. */
async function loadAll(
  t: Parameters<typeof scratchDirectory>[0],
  files: Readonly<Record<string, string>>,
  options: Partial<LoadOptions> = {},
) {
  const directory = scratchDirectory(t);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text, {mode: 0o600});
  const names = Object.keys(files).filter((name) => name.startsWith('app-config'));
  const file = names.map((name) => join(directory, name)).join(':');
  const loaded = await loadConfiguration({file, environment: {}, key, ...options});
  return {directory, file, loaded};
}

function organizationsIn(t: Parameters<typeof soundIn>[0], found: Parameters<typeof soundIn>[1]) {
  return soundIn(t, found).bindings.map(({host, organizations}) => [host, ...organizations].join(' '));
}

const BASE = `integrations:
  azure:
    - host: dev.azure.com
      credentials: [{organizations: [a], clientId: system-assigned}]
orgkey:
  prefetch: false
  audit: {files: 7, maxSize: 1MiB}
`;

const layers: readonly (readonly [title: string, later: string, organizations: string[], audit: number])[] = [
  ['mappings are merged', 'orgkey: {audit: {files: 9}}', ['dev.azure.com a'], 9],
  ['an empty file changes nothing', '', ['dev.azure.com a'], 7],
  [
    'a list replaces the earlier list',
    'integrations: {azure: [{credentials: [{organizations: [b], azureCli: true}]}]}',
    ['dev.azure.com b'],
    7,
  ],
  ['null removes a setting', 'orgkey: {audit: {files: null}}', ['dev.azure.com a'], 5],
  ['null removes a list', 'integrations: {azure: null}', [], 7],
  ['another part of integrations changes nothing', 'integrations: {github: []}', ['dev.azure.com a'], 7],
];

for (const [title, later, organizations, audit] of layers) {
  test(`a later file overrides an earlier one: ${title}`, async (t) => {
    const found = await loadAll(t, {'app-config.yaml': BASE, 'app-config.production.yaml': later});
    t.deepEqual(organizationsIn(t, found), organizations);
    const {settings, files, source} = soundIn(t, found);
    t.deepEqual([settings.audit.files, settings.audit.maxSize, settings.prefetch], [audit, 1024 ** 2, false]);
    t.is(source, found.file);
    t.deepEqual(files, found.file.split(':'));
  });
}

test('each problem is placed in the file that has it', async (t) => {
  const {loaded, directory} = await loadAll(t, {
    'app-config.yaml': 'orgkey:\n  onFailure: wrong\n',
    'app-config.local.yaml': 'orgkey:\n\n  audit: {files: 0}\n',
  });
  t.deepEqual(
    problemsOf(loaded).map(({place}) => place),
    [join(directory, 'app-config.yaml:2:14'), join(directory, 'app-config.local.yaml:3:18')],
  );
});

test('a secret is only allowed in a file that others cannot read', async (t) => {
  const secret =
    'integrations: {azure: [{credentials: [{organizations: [a], personalAccessToken: abcdef}]}]}';
  const {directory, file} = await loadAll(t, {'app-config.yaml': BASE, 'app-config.local.yaml': secret});
  const open = async (name: string) => {
    chmodSync(join(directory, name), 0o644);
    const loaded = await loadConfiguration({file, environment: {}, key});
    return problemsOf(loaded).map(({place}) => place);
  };
  t.deepEqual(await open('app-config.yaml'), []);
  t.deepEqual(await open('app-config.local.yaml'), [join(directory, 'app-config.local.yaml:1:81')]);
});

test('a file that is missing makes the configuration invalid, and is watched', async (t) => {
  const {loaded, directory, file} = await loadAll(t, {'app-config.yaml': BASE});
  t.is(loaded.kind, 'loaded');
  const missing = join(directory, 'app-config.production.yaml');
  const both = await loadConfiguration({file: `${file}:${missing}`, environment: {}, key});
  t.is(both.kind, 'invalid');
  t.deepEqual(both.kind === 'invalid' && both.problems.map(({place}) => place), [missing]);
  t.deepEqual(both.kind === 'invalid' && both.files, [file, missing]);
});

const CREDENTIALS =
  '- {organizations: [x], clientId: system-assigned}\n- {organizations: [y], azureCli: true}\n';
const HOSTS = `- host: dev.azure.com\n  credentials:\n${CREDENTIALS.replaceAll(/^/gm, '    ').trimEnd()}\n`;

const includes: readonly (readonly [title: string, text: string, files: Record<string, string>])[] = [
  [
    'the whole file',
    '$include: all.yaml',
    {'all.yaml': `integrations:\n  azure:\n${HOSTS.replaceAll(/^/gm, '    ')}`},
  ],
  [
    'all integrations',
    'integrations: {$include: all.yaml}',
    {'all.yaml': `azure:\n${HOSTS.replaceAll(/^/gm, '  ')}`},
  ],
  ['the list of hosts', 'integrations: {azure: {$include: hosts.yaml}}', {'hosts.yaml': HOSTS}],
  [
    'a host by its keys',
    'integrations: {azure: [{$include: "parts.yml#azure.services"}]}',
    {'parts.yml': `azure:\n  services:\n    credentials:\n${CREDENTIALS.replaceAll(/^/gm, '      ')}`},
  ],
  [
    'the credentials from JSON',
    'integrations: {azure: [{credentials: {$include: credentials.json}}]}',
    {
      'credentials.json':
        '[{"organizations": ["x"], "clientId": "system-assigned"},\n{"organizations": ["y"], "azureCli": true}]',
    },
  ],
  [
    'files that include files, each from its own directory',
    'integrations: {azure: {$include: deep/hosts.yaml}}',
    {
      'deep/hosts.yaml': '- credentials: {$include: more/credentials.yaml}\n',
      'deep/more/credentials.yaml': CREDENTIALS,
    },
  ],
  [
    'a single value, with a variable in the path',
    'integrations: {azure: [{credentials: [{organizations: [x, y], personalAccessToken: {$include: "${STAGE}.yaml#pat"}}]}]}',
    {'production.yaml': 'pat: {$env: PAT}\n'},
  ],
];

for (const [title, text, files] of includes) {
  test(`$include brings ${title}`, async (t) => {
    const found = await loadText(t, text, {files, environment: {STAGE: 'production', PAT: 'pat'}});
    const {bindings, files: watched} = soundIn(t, found);
    t.deepEqual(
      bindings.flatMap(({organizations}) => organizations),
      ['x', 'y'],
    );
    t.deepEqual(
      namedFiles(watched).map((path) => path.slice(found.directory.length + 1)),
      ['config.yaml', ...Object.keys(files)],
    );
  });
}

test('paths in an included file begin at that file', async (t) => {
  const found = await loadText(t, 'integrations: {azure: [{credentials: {$include: deep/some.yaml}}]}', {
    files: {
      'deep/some.yaml': `- {organizations: [a], personalAccessToken: {$file: pat}}
- {organizations: [b], clientId: ${CLIENT}, tenantId: ${TENANT}, federatedTokenFile: token}
- {organizations: [c], personalAccessToken: {$command: [./show]}}
`,
      'deep/pat': 'of the included file\n',
    },
  });
  const at = (name: string) => join(found.directory, 'deep', name);
  t.deepEqual(
    soundIn(t, found).bindings.map(({identity}) => shown(identity)),
    [
      {kind: 'pat', personalAccessToken: 'of the included file'},
      {kind: 'federated-token-file', clientId: CLIENT, tenantId: TENANT, federatedTokenFile: at('token')},
      {kind: 'pat', personalAccessToken: {from: 'command', argv: [at('show')]}},
    ],
  );
});

const mistakes: readonly (readonly [title: string, value: string, problem: string])[] = [
  ['a file that does not exist', 'nowhere.yaml', 'the file ./nowhere.yaml does not exist'],
  [
    'a value that does not exist',
    '"some.yaml#no.such"',
    'the file ./some.yaml has no value with the keys after #',
  ],
  ['another kind of file', 'some.toml', '$include must name a file: NAME.yaml, NAME.yml or NAME.json'],
  ['no file at all', '""', '$include must name a file: NAME.yaml, NAME.yml or NAME.json'],
  ['a list', '[some.yaml]', '$include must name a file: NAME.yaml, NAME.yml or NAME.json'],
  ['a variable that is not set', '"${STAGE}.yaml"', 'the variable STAGE is not set'],
  ['itself', '"config.yaml#integrations.azure"', 'files include each other more than 10 levels deep'],
];

test('includes that multiply are given up', async (t) => {
  const many = Array.from({length: 500}, () => '{$include: a.yaml}').join();
  const found = await loadText(t, `integrations: {azure: [${many}]}\n`, {
    files: {'a.yaml': `[${'x,'.repeat(2000)}{$include: b.yaml}]\n`, 'b.yaml': 'x: 1\n'},
  });
  t.true(
    JSON.stringify(found).includes('files include each other more often than 300000 values allow'),
    JSON.stringify(found).slice(0, 2000),
  );
});

for (const [title, value, problem] of mistakes) {
  test(`$include is refused for ${title}`, async (t) => {
    const text = `integrations:\n  azure:\n    $include: ${value}\n`;
    const found = await loadText(t, text, {files: {'some.yaml': 'a: 1\n'}});
    t.is(found.loaded.kind, 'invalid');
    t.deepEqual(problemsIn(found), [`3:15 ${problem}`]);
  });
}

test('$include must be the only key of its mapping', async (t) => {
  const text = 'integrations:\n  azure:\n    - {host: dev.azure.com, $include: some.yaml}\n';
  const found = await loadText(t, text, {files: {'some.yaml': 'a: 1\n'}});
  t.deepEqual(problemsIn(found), ['3:39 $include must be the only key of its mapping']);
});

test('an included file that others may write is refused', async (t) => {
  const found = await loadText(t, 'integrations: {azure: {$include: hosts.yaml}}', {
    files: {'hosts.yaml': HOSTS},
  });
  t.is(found.loaded.kind, 'loaded');
  chmodSync(join(found.directory, 'hosts.yaml'), 0o666);
  const again = await loadConfiguration({file: found.file, environment: {}, key});
  const [first] = problemsOf(again);
  t.regex(first?.message ?? '', /can be written by others/);
  t.is(first?.hint, `chmod go-w ${join(found.directory, 'hosts.yaml')}`);
});

test('invalid YAML of an included file is placed in that file', async (t) => {
  const found = await loadText(t, 'integrations: {azure: {$include: hosts.yaml}}', {
    files: {'hosts.yaml': 'a: 1\n  b: 2\n'},
  });
  const places = problemsOf(found.loaded).map(({place}) => place.slice(found.directory.length + 1));
  t.true(places.includes('hosts.yaml:1:4'), String(places));
});

test('other programs may include what they like', async (t) => {
  const text = `techdocs: {$include: nowhere.yaml}\n${BASE}`;
  t.deepEqual(organizationsIn(t, await loadText(t, text)), ['dev.azure.com a']);
});

test('what is kept of several files is used again with their places and directories', async (t) => {
  const {loaded, directory} = await loadAll(t, {
    'app-config.yaml': 'integrations: {azure: {$include: hosts.yaml}}',
    'app-config.local.yaml': 'orgkey: {prefetch: false}',
    'hosts.yaml': '- credentials: [{organizations: [a], personalAccessToken: {$file: pat}}]\n',
    pat: 'first\n',
  });
  const kept = decodeKept((loaded.kind === 'loaded' && loaded.configuration.kept) || '');
  if (kept === undefined) return t.fail('nothing was kept');
  writeFileSync(join(directory, 'pat'), 'second\n');
  const again = await loadKept({file: undefined, environment: {}, key}, kept);
  const {bindings, settings} = soundIn(t, {loaded: again});
  t.deepEqual(
    bindings.map(({identity, place}) => [shown(identity), place]),
    [[{kind: 'pat', personalAccessToken: 'second'}, join(directory, 'hosts.yaml:1:17')]],
  );
  t.false(settings.prefetch);
});

test('a changed include is a changed configuration', async (t) => {
  const found = await loadText(t, 'integrations: {azure: {$include: hosts.yaml}}', {
    files: {'hosts.yaml': HOSTS},
  });
  const {hash} = soundIn(t, found);
  const load = async () =>
    soundIn(t, {loaded: await loadConfiguration({file: found.file, environment: {}, key})});
  t.is((await load()).hash, hash);
  writeFileSync(join(found.directory, 'hosts.yaml'), `# changed\n${HOSTS}`);
  t.not((await load()).hash, hash);
});
