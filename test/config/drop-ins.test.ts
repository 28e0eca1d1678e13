import {chmodSync, mkdirSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {decodeKept} from '../../src/config/keep-configuration.ts';
import {loadConfiguration, loadKept} from '../../src/config/load-configuration.ts';
import {daemonFor} from '../helpers/daemon.ts';
import {getFor, passwordIn} from '../helpers/requests.ts';
import {loadText, problemsIn, soundIn, type LoadedText} from '../helpers/load-text.ts';

const BASE = `integrations:
  azure:
    - credentials: [{organizations: [base], clientId: system-assigned}]
orgkey:
  prefetch: false
  sockets: [{name: base, organizations: [base]}]
`;

const credential = (organization: string, more = 'clientId: system-assigned') =>
  `integrations:\n  azure:\n    - credentials:\n        - {organizations: [${organization}], ${more}}\n`;

function organizationsIn({loaded}: LoadedText): string[] {
  return loaded.kind === 'loaded'
    ? loaded.configuration.bindings.flatMap(({organizations}) => organizations)
    : [];
}

test('files in config.d add credentials, sockets, gateways and submodule keys, by name', async (t) => {
  const found = await loadText(t, BASE, {
    files: {
      'config.d/20-b.yaml': credential('b'),
      'config.d/10-a.yaml': `${credential('a')}orgkey:
  sockets: [{name: a, organizations: [a]}]
  gateways: [{name: a, repositories: [a/*/*]}]
`,
      'config.d/empty.yaml': '',
      // not of this kind
      'config.d/.30-c.yaml.swp': credential('c'),
      'config.d/.30-c.yaml': credential('c'),
      'config.d/30-c.yml': credential('c'),
      'config.d/30-c.yaml~': credential('c'),
    },
  });
  const {bindings, settings, source, files} = soundIn(t, found);
  t.deepEqual(
    bindings.map(({organizations, place}) => [...organizations, place.replace(found.directory, '')]),
    [
      ['base', '/config.yaml:3:21'],
      ['a', '/config.d/10-a.yaml:4:11'],
      ['b', '/config.d/20-b.yaml:4:11'],
    ],
  );
  t.deepEqual(
    settings.sockets.map(({name}) => name),
    ['base', 'a'],
  );
  t.deepEqual(
    settings.gateways.map(({name}) => name),
    ['a'],
  );
  t.false(settings.prefetch);
  t.is(source, found.file);
  t.deepEqual(
    files.map((path) => path.replace(found.directory, '')),
    [
      '/config.yaml',
      '/config.d/10-a.yaml',
      '/config.d/20-b.yaml',
      '/config.d/empty.yaml',
      '/config.d/*.yaml',
    ],
  );
});

const wrong: readonly (readonly [title: string, text: string, problems: readonly string[]])[] = [
  ['invalid YAML', 'integrations: [', ['./config.d/b.yaml:1:16 ']],
  ['a text', 'words', ['./config.d/b.yaml:1:1 the file must be a mapping']],
  ['a wrong credential', credential('b', 'clientIdd: x'), ['./config.d/b.yaml:']],
  ['an organization of config.yaml', credential('base'), ['./config.d/b.yaml:4:28 the organization ']],
  ['an organization of another team', credential('a'), ['./config.d/b.yaml:4:28 the organization ']],
  [
    'a setting of the whole daemon',
    'orgkey: {onFailure: ask, audit: {files: 1}}',
    [
      './config.d/b.yaml:1:10 onFailure is for config.yaml',
      './config.d/b.yaml:1:26 audit is for config.yaml',
    ],
  ],
  [
    'a mapping in place of a list',
    'orgkey: {sockets: {name: b}}',
    ['./config.d/b.yaml:1:19 a file in config.d adds'],
  ],
  ['null, which removes in other files', 'orgkey: {sockets: null}\nintegrations: {azure: null}', []],
  [
    'a socket of another team',
    'orgkey: {sockets: [{name: base, organizations: [a]}]}',
    ['./config.d/b.yaml:1:27 a second socket'],
  ],
  [
    'a socket without organizations',
    'orgkey: {sockets: [{name: b, organizations: []}]}',
    ['./config.d/b.yaml:1:45 '],
  ],
];

for (const [title, text, problems] of wrong) {
  test(`in config.d, ${title} concerns that file only`, async (t) => {
    const found = await loadText(t, BASE, {
      files: {
        'config.d/a.yaml': credential('a'),
        'config.d/b.yaml': text,
        'config.d/c.yaml': credential('c'),
      },
    });
    const all = organizationsIn(found);
    for (const organization of ['base', 'a', 'c'])
      t.is(all.filter((one) => one === organization).length, 1, organization);
    t.is(found.loaded.kind === 'loaded' && found.loaded.configuration.settings.onFailure, 'quit');
    const reported = problemsIn(found);
    t.is(reported.length, problems.length, reported.join('\n'));
    for (const [at, problem] of problems.entries()) t.true(reported[at]?.startsWith(problem), reported[at]);
  });
}

test('a file in config.d that others can write, or that holds an open secret, is left out', async (t) => {
  const {directory, file} = await loadText(t, BASE, {files: {'config.d/a.yaml': credential('a')}});
  const team = join(directory, 'config.d/b.yaml');
  const load = async (text: string, mode: number) => {
    writeFileSync(team, text);
    chmodSync(team, mode);
    return {
      directory,
      file,
      loaded: await loadConfiguration({file, environment: {}, key: new Uint8Array(32)}),
    };
  };
  const writable = await load(credential('b'), 0o666);
  t.deepEqual(organizationsIn(writable), ['base', 'a']);
  t.regex(problemsIn(writable).join(), /config\.d\/b\.yaml:1:1 the configuration can be written by others$/);
  const open = await load(credential('b', 'personalAccessToken: abcdefgh'), 0o644);
  t.regex(problemsIn(open).join(), /config\.d\/b\.yaml:4:\d+ the configuration holds a secret/);
  t.deepEqual(problemsIn(await load(credential('b', 'personalAccessToken: abcdefgh'), 0o600)), []);
  rmSync(team);
  mkdirSync(team);
  const odd = {
    directory,
    file,
    loaded: await loadConfiguration({file, environment: {}, key: new Uint8Array(32)}),
  };
  t.deepEqual(organizationsIn(odd), ['base', 'a']);
  t.regex(problemsIn(odd).join(), /is not a regular file$/);
});

test('only config.yaml alone has a config.d', async (t) => {
  const {directory} = await loadText(t, BASE, {
    files: {'config.d/a.yaml': credential('a'), 'app-config.yaml': BASE},
  });
  const load = async (file: string) => {
    const loaded = await loadConfiguration({file, environment: {}, key: new Uint8Array(32)});
    return organizationsIn({directory, file, loaded});
  };
  t.deepEqual(await load(join(directory, 'config.yaml')), ['base', 'a']);
  t.deepEqual(await load(join(directory, 'app-config.yaml')), ['base']);
  t.deepEqual(await load(`${join(directory, 'config.yaml')}:${join(directory, 'app-config.yaml')}`), [
    'base',
  ]);
});

test('what files in config.d add is kept for the next start', async (t) => {
  const found = await loadText(t, BASE, {files: {'config.d/a.yaml': credential('a')}});
  const kept = decodeKept(soundIn(t, found).kept ?? '');
  if (kept === undefined) throw new Error('nothing was kept');
  const again = await loadKept({file: found.file, environment: {}, key: new Uint8Array(32)}, kept);
  t.deepEqual(organizationsIn({...found, loaded: again}), ['base', 'a']);
});

const pat = (organization: string, value: string) =>
  credential(organization, `personalAccessToken: ${value}`);

test('a running daemon takes files that come, change and go', async (t) => {
  const daemon = await daemonFor(t, {configuration: pat('base', 'base-token')});
  const directory = join(daemon.directory, 'config.d');
  const reloaded = async (act: () => void) => {
    const before = daemon.stderr.length;
    act();
    while (!daemon.stderr.slice(before).includes('"configuration:'))
      await new Promise((resolve) => daemon.process.stderr?.once('data', resolve));
  };
  const passwordOf = async (organization: string) => passwordIn(await daemon.ask(getFor(organization)));
  const place = (name: string, text: string) => {
    writeFileSync(join(directory, '.new'), text, {mode: 0o600});
    renameSync(join(directory, '.new'), join(directory, name));
  };
  await reloaded(() => {
    mkdirSync(directory);
    place('a.yaml', pat('a', 'first-token'));
  });
  t.is(await passwordOf('a'), 'first-token');
  await reloaded(() => place('a.yaml', pat('a', 'second-token')));
  t.is(await passwordOf('a'), 'second-token');
  await reloaded(() => place('b.yaml', pat('b', 'b-token')));
  t.is(await passwordOf('b'), 'b-token');
  t.is(await passwordOf('base'), 'base-token');
  await reloaded(() => rmSync(join(directory, 'a.yaml')));
  t.is(await passwordOf('b'), 'b-token');
  t.notRegex(await daemon.ask(getFor('a')), /password=/);
});
