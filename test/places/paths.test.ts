import test from 'ava';
import {
  configurationFile,
  runtimeDirectoryOfDaemon,
  runtimeDirectoryToMake,
  stateDirectory,
  type FileFacts,
  type PathFacts,
} from '../../src/places/paths.ts';

const UID = 1000;

/** Files by path: `d` a directory, `f` a file, `s` a socket, `l` a link, then the owner's uid. */
function filesOf(paths: Readonly<Record<string, string>>): FileFacts {
  const kinds = {d: 'directory', f: 'file', s: 'socket', l: 'link'} as const;
  return {
    factsOf(path): PathFacts | undefined {
      const facts = paths[path];
      if (facts === undefined) return undefined;
      const kind = Object.entries(kinds).find(([letter]) => facts.startsWith(letter))?.[1] ?? 'other';
      return {kind, owner: Number(facts.slice(1))};
    },
    linesOf: (path) => paths[path]?.split('\n') ?? [],
  };
}

type Environment = Readonly<Record<string, string>>;

const configurations: readonly (readonly [
  string,
  Environment,
  Readonly<Record<string, string>>,
  string | undefined,
])[] = [
  ['nothing anywhere', {}, {}, undefined],
  [
    'the user’s',
    {},
    {'/home/u/.config/orgkey/config.yaml': 'f1000', '/etc/orgkey/config.yaml': 'f0'},
    '/home/u/.config/orgkey/config.yaml',
  ],
  ['the machine’s', {}, {'/etc/orgkey/config.yaml': 'f0'}, '/etc/orgkey/config.yaml'],
  ['a link counts, it is followed later', {}, {'/etc/orgkey/config.yaml': 'l0'}, '/etc/orgkey/config.yaml'],
  [
    'XDG_CONFIG_HOME',
    {XDG_CONFIG_HOME: '/x'},
    {'/x/orgkey/config.yaml': 'f1000', '/home/u/.config/orgkey/config.yaml': 'f1000'},
    '/x/orgkey/config.yaml',
  ],
  [
    'a relative XDG_CONFIG_HOME does not count',
    {XDG_CONFIG_HOME: 'x'},
    {'/home/u/.config/orgkey/config.yaml': 'f1000'},
    '/home/u/.config/orgkey/config.yaml',
  ],
  ['ORGKEY_CONFIG, though nothing is there', {ORGKEY_CONFIG: '/y'}, {'/etc/orgkey/config.yaml': 'f0'}, '/y'],
  [
    'an empty ORGKEY_CONFIG does not count',
    {ORGKEY_CONFIG: ''},
    {'/etc/orgkey/config.yaml': 'f0'},
    '/etc/orgkey/config.yaml',
  ],
];

for (const [title, environment, paths, expected] of configurations) {
  test(`the configuration: ${title}`, (t) => {
    const files = filesOf(paths);
    t.is(configurationFile({environment, uid: UID, home: '/home/u'}, {flag: undefined, files}), expected);
    t.is(configurationFile({environment, uid: UID, home: '/home/u'}, {flag: '/flag', files}), '/flag');
  });
}

const [own, machine] = ['/home/u/.config/orgkey/config.yaml', '/etc/orgkey/config.yaml'];

const reloads: readonly (readonly [there: readonly string[], inForce: string, taken: string | undefined])[] =
  [
    [[], own, own],
    [[machine], own, own],
    [[], machine, machine],
    [[own], machine, own],
    [[machine], 'none', machine],
    [[], 'none', undefined],
  ];

for (const [there, inForce, taken] of reloads)
  test(`in force is ${inForce}, there is ${there.join() || 'nothing'}: taken is ${taken}`, (t) => {
    const files = filesOf(Object.fromEntries(there.map((path) => [path, 'f0'])));
    const surrounding = {environment: {}, uid: UID, home: '/home/u'};
    t.is(configurationFile(surrounding, {flag: undefined, files, inForce}), taken);
  });

test('without a home the machine’s configuration is found', (t) => {
  const files = filesOf({'/etc/orgkey/config.yaml': 'f0'});
  t.is(
    configurationFile({environment: {}, uid: 0, home: undefined}, {flag: undefined, files}),
    '/etc/orgkey/config.yaml',
  );
});

const made: readonly (readonly [string, Environment, Readonly<Record<string, string>>, string])[] = [
  ['named', {ORGKEY_RUNTIME_DIR: '/n', XDG_RUNTIME_DIR: '/x'}, {'/x': 'd1000'}, '/n'],
  ['the session’s', {XDG_RUNTIME_DIR: '/x'}, {'/x': 'd1000', '/run/user/1000': 'd1000'}, '/x/orgkey'],
  [
    'the session’s is not there',
    {XDG_RUNTIME_DIR: '/x'},
    {'/run/user/1000': 'd1000'},
    '/run/user/1000/orgkey',
  ],
  [
    'the session’s belongs to another user',
    {XDG_RUNTIME_DIR: '/run/user/0'},
    {'/run/user/0': 'd0', '/run/user/1000': 'd1000'},
    '/run/user/1000/orgkey',
  ],
  ['no session', {}, {}, '/tmp/orgkey-1000'],
  ['TMPDIR', {TMPDIR: '/var/tmp'}, {}, '/var/tmp/orgkey-1000'],
  ['a relative TMPDIR does not count', {TMPDIR: 'tmp'}, {}, '/tmp/orgkey-1000'],
];

for (const [title, environment, paths, expected] of made) {
  test(`where a daemon makes its sockets: ${title}`, (t) => {
    const files = filesOf(paths);
    t.is(
      runtimeDirectoryToMake({environment, uid: UID, home: '/home/u'}, {flag: undefined, files}),
      expected,
    );
    t.is(runtimeDirectoryToMake({environment, uid: UID, home: '/home/u'}, {flag: '/flag', files}), '/flag');
  });
}

const all = {
  '/n': 'd2000',
  '/n/git.sock': 's2000',
  '/x/orgkey': 'd1000',
  '/x/orgkey/git.sock': 's1000',
  '/run/user/1000/orgkey': 'd1000',
  '/run/user/1000/orgkey/git.sock': 's1000',
  '/run/orgkey': 'd0',
  '/run/orgkey/git.sock': 's999',
  '/tmp/orgkey-1000': 'd1000',
  '/tmp/orgkey-1000/git.sock': 's1000',
};

function without(...paths: readonly (keyof typeof all)[]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(all).filter(([path]) => !paths.some((gone) => gone === path)));
}

const named = {ORGKEY_RUNTIME_DIR: '/n', XDG_RUNTIME_DIR: '/x'};

const found: readonly (readonly [
  string,
  Environment,
  Readonly<Record<string, string>>,
  string | undefined,
])[] = [
  ['the one that is named, with any owner', named, all, '/n'],
  ['the named one may be a link', named, {...all, '/n': 'l2000'}, '/n'],
  ['the named one has no socket', named, without('/n/git.sock'), '/x/orgkey'],
  ['the session’s', {XDG_RUNTIME_DIR: '/x'}, all, '/x/orgkey'],
  [
    'the session’s is a link',
    {XDG_RUNTIME_DIR: '/x'},
    {...all, '/x/orgkey': 'l1000'},
    '/run/user/1000/orgkey',
  ],
  ['the user’s', {}, all, '/run/user/1000/orgkey'],
  ['the machine’s', {}, without('/run/user/1000/orgkey'), '/run/orgkey'],
  [
    'the machine’s belongs to another user',
    {},
    {...without('/run/user/1000/orgkey/git.sock'), '/run/orgkey': 'd2000'},
    '/tmp/orgkey-1000',
  ],
  [
    'the temporary one belongs to another user',
    {},
    {'/tmp/orgkey-1000': 'd2000', '/tmp/orgkey-1000/git.sock': 's2000'},
    undefined,
  ],
  [
    'the temporary one is a link',
    {},
    {'/tmp/orgkey-1000': 'l1000', '/tmp/orgkey-1000/git.sock': 's1000'},
    undefined,
  ],
  [
    'a git.sock that is a file',
    {},
    {'/tmp/orgkey-1000': 'd1000', '/tmp/orgkey-1000/git.sock': 'f1000'},
    undefined,
  ],
  [
    'with another TMPDIR',
    {TMPDIR: '/other'},
    {'/tmp/orgkey-1000': 'd1000', '/tmp/orgkey-1000/git.sock': 's1000'},
    '/tmp/orgkey-1000',
  ],
  [
    'what services noted, if it is still there and ours',
    {},
    {
      ...Object.fromEntries(Object.entries(all).filter(([path]) => path.startsWith('/x'))),
      '/n': 'd2000',
      '/n/git.sock': 's2000',
      '/home/u/.local/state/orgkey/runtime-directory': '/gone\n/n\n/x/orgkey\n',
    },
    '/x/orgkey',
  ],
  [
    'a noted path that is relative does not count',
    {},
    {x: 'd1000', 'x/git.sock': 's1000', '/home/u/.local/state/orgkey/runtime-directory': 'x\n'},
    undefined,
  ],
  ['nothing', {}, {}, undefined],
];

for (const [title, environment, paths, expected] of found) {
  test(`where a daemon listens: ${title}`, (t) => {
    t.is(runtimeDirectoryOfDaemon({environment, uid: UID, home: '/home/u'}, filesOf(paths)), expected);
  });
}

const states: readonly (readonly [string, Environment, string | undefined, string])[] = [
  ['of a person', {}, '/home/u', '/home/u/.local/state/orgkey'],
  ['XDG_STATE_HOME', {XDG_STATE_HOME: '/s'}, '/home/u', '/s/orgkey'],
  ['named', {ORGKEY_STATE_DIR: '/n', XDG_STATE_HOME: '/s'}, '/home/u', '/n'],
  ['of a system user', {}, undefined, '/var/lib/orgkey'],
  ['of a system user without a real home', {}, '/nonexistent', '/var/lib/orgkey'],
];

for (const [title, environment, home, expected] of states) {
  test(`the state directory: ${title}`, (t) => {
    t.is(stateDirectory({environment, uid: UID, home}, undefined), expected);
    t.is(stateDirectory({environment, uid: UID, home}, '/flag'), '/flag');
  });
}
