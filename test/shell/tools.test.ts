import test, {type ExecutionContext} from 'ava';
import {chmodSync, copyFileSync, existsSync, readFileSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {shellScript} from '../../scripts/shell-script.ts';
import {CLIENT_SCRIPTS, type ClientScript} from '../../src/places/client-scripts.ts';
import {leaveDeadSocket} from '../helpers/leave-dead-socket.ts';
import type {GitHome, Ran} from '../helpers/git-home.ts';
import {scriptedSocket} from '../helpers/scripted-socket.ts';
import {shells} from '../helpers/shells.ts';
import {testUnless} from '../helpers/test-unless.ts';

const FEED = 'https://pkgs.dev.azure.com/contoso/web/_packaging/tools';
const UNTIL = 1_900_000_000;
const TIME = '2030-03-17T17:46:40Z';

/** Answers as the daemon does: by the organization in the address. */
function answerTo(lines: readonly string[]): string {
  const address = lines.find((line) => line.startsWith('address='))?.slice('address='.length) ?? '';
  const expiry = `password_expiry_utc=${UNTIL}\nexpires=${TIME}\n`;
  if (address.includes('/broken/'))
    return 'orgkey=1\norgkey-error=broken: the "secret" has \\expired (ERR_X)\norgkey-hint=run: it\nquit=1\n';
  if (address.includes('/unknown/')) return 'orgkey=1\norgkey-uncovered=unknown\n';
  if (address.includes('/odd/')) return 'orgkey=1\nauthtype=Bearer\ncredential=a"b\\c\n';
  if (address.includes('/endless/')) return 'orgkey=1\nauthtype=Basic\ncredential=YTpi\n';
  if (!/\/\/(?:\w+\.)?dev\.azure\.com\/|\/tfs\//.test(address)) return 'orgkey=1\n';
  return lines.includes('capability[]=authtype')
    ? `orgkey=1\ncapability[]=authtype\nephemeral=1\n${expiry}authtype=Bearer\ncredential=canary-token\n`
    : `orgkey=1\nusername=orgkey\npassword=canary-token\n${expiry}`;
}

interface Tool {
  readonly home: GitHome;
  readonly asked: string[][];
  /** Runs a script with these arguments and this input. */
  readonly run: (script: ClientScript, args: readonly string[], input?: string) => Promise<Ran>;
}

interface Surroundings {
  /** The shell that reads the scripts. */
  readonly program?: string;
  readonly first?: readonly string[];
  /** Whether a daemon answers. */
  readonly isUp?: boolean;
}

async function tools(
  t: ExecutionContext,
  {program = 'sh', first = [], isUp = true}: Surroundings = {},
): Promise<Tool> {
  const {home, asked} = await scriptedSocket(t, answerTo);
  for (const script of CLIENT_SCRIPTS) home.write(`orgkey/${script}`, shellScript(script), 0o755);
  home.write('orgkey/orgkey', '#!/bin/sh\necho "$*" >> "$HOME/started"\n', 0o755);
  home.write('next/keyring', '#!/bin/sh\necho next "$@"\n', 0o755);
  // what a program is given as arguments, all users see
  for (const name of ['printf', 'echo', 'cat'])
    home.write(
      `bin/${name}`,
      `#!/bin/sh\necho "$*" >> "$HOME/arguments"\nexec /usr/bin/${name} "$@"\n`,
      0o755,
    );
  const folder = (name: string) => join(home.directory, name);
  const runtime = isUp ? home.directory : leaveDeadSocket(home.directory);
  return {
    home,
    asked,
    run: (script, args, input = '') =>
      home.run(program, [...first, folder(`orgkey/${script}`), ...args], {
        input,
        environment: {
          PATH: [folder('bin'), folder('orgkey/keyring'), folder('next'), home.environment['PATH']].join(':'),
          ORGKEY_RUNTIME_DIR: runtime,
        },
      }),
  };
}

function cargoAsks(address: string, more: object = {}): string {
  const registry = {
    'index-url': `sparse+${address}`,
    name: 'tools',
    headers: ['WWW-Authenticate: Basic realm="x"'],
  };
  return `${JSON.stringify({v: 1, registry, kind: 'get', operation: 'read', args: [], ...more})}\n`;
}

const asks = (at: string) => FEED.replace('/contoso/', at);

for (const shell of shells) {
  const withShell = testUnless(shell.whyNot);

  withShell(`through ${shell.name}, each tool gets a credential in its own form`, async (t) => {
    const {home, run} = await tools(t, shell);
    const {stdout} = await run(
      'cargo-credential-orgkey',
      ['--cargo-plugin'],
      cargoAsks(`${FEED}/Cargo/index/`),
    );
    t.is(
      stdout,
      `{"v":[1]}\n{"Ok":{"kind":"get","token":"Bearer canary-token","cache":"expires","expiration":${UNTIL},"operation_independent":true}}\n`,
    );
    const bazel = await run('orgkey-bazel-helper', ['get'], `{"uri":"${FEED}/x"}`);
    t.is(bazel.stdout, `{"headers":{"Authorization":["Bearer canary-token"]},"expires":"${TIME}"}\n`);
    const page = 'https://dev.azure.com/contoso/web/_git/lib?go-get=1';
    t.is(
      (await run('orgkey-goauth', [page], 'HTTP/1.1 401 Unauthorized\nX: y\n\n')).stdout,
      `${page}\nhttps://dev.azure.com/contoso\n\nAuthorization: Bearer canary-token\n\n`,
    );
    t.is((await run('orgkey-token', ['contoso'])).stdout, 'Bearer canary-token\n');
    const index = `${FEED}/pypi/simple/`;
    t.is((await run('keyring/keyring', ['get', index, 'VssSessionToken'])).stdout, 'canary-token\n');
    t.is((await run('keyring/keyring', ['get', index, '--mode', 'creds'])).stdout, 'orgkey\ncanary-token\n');
    t.notRegex(readIn(home, 'arguments'), /canary-token/);
  });

  withShell(`through ${shell.name}, tools are declined, or told why`, async (t) => {
    const {run} = await tools(t, shell);
    const provider = ['--cargo-plugin'];
    const cargo = await run(
      'cargo-credential-orgkey',
      provider,
      ['/broken/', '/unknown/', '/odd/', '/endless/'].map((at) => cargoAsks(asks(at))).join(''),
    );
    t.deepEqual(
      cargo.stdout
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((line) => JSON.parse(line)),
      [
        {
          Err: {
            kind: 'other',
            message: 'orgkey: broken: the "secret" has \\expired (ERR_X)',
            'caused-by': ['hint: run: it'],
          },
        },
        {Err: {kind: 'url-not-supported'}},
        {Err: {kind: 'other', message: 'orgkey: the credential cannot be sent in a header', 'caused-by': []}},
        {Ok: {kind: 'get', token: 'Basic YTpi', cache: 'session', operation_independent: true}},
      ],
    );
    const failed = /^orgkey: error: broken: the "secret" has \\expired \(ERR_X\)\norgkey: hint: run: it$/m;
    const uncovered =
      /^orgkey: error: unknown is not configured.*\norgkey: hint: run: orgkey org add unknown$/m;
    t.regex(cargo.stderr, uncovered);
    for (const [script, args, input] of [
      ['orgkey-bazel-helper', () => ['get'], (address: string) => JSON.stringify({uri: address})],
      ['orgkey-goauth', (address: string) => [address], () => ''],
      ['orgkey-token', (address: string) => [address], () => ''],
      ['keyring/keyring', (address: string) => ['get', address, 'me'], () => ''],
    ] as const) {
      const broken = await run(script, args(asks('/broken/')), input(asks('/broken/')));
      t.is(broken.code, 1, script);
      t.is(broken.stdout, '', script);
      t.regex(broken.stderr, failed, script);
      const unknown = await run(script, args(asks('/unknown/')), input(asks('/unknown/')));
      t.regex(unknown.stderr, uncovered, script);
      t.notRegex(unknown.stdout, /Bearer|Basic/, script);
    }
  });
}

/** How each tool hears that an address is foreign. */
const declined: readonly (readonly [ClientScript, (address: string) => readonly string[], string])[] = [
  ['cargo-credential-orgkey', () => ['--cargo-plugin'], '{"v":[1]}\n{"Err":{"kind":"url-not-supported"}}\n'],
  ['orgkey-bazel-helper', () => ['get'], '{"headers":{}}\n'],
  ['orgkey-goauth', (address) => [address], ''],
  ['keyring/keyring', (address) => ['get', address, 'me'], 'next get ADDRESS me\n'],
];

for (const [address, isAsked] of [
  ['https://github.com/contoso-labs/x', true],
  ['https://pkgs.example.org/', true],
  ['https://contoso.blob.core.windows.net.example/', true],
  ['https://pkgs.dev.azure.com', false],
  ['https://pkgs.dev.azure.com/', false],
  ['https://contoso@dev.azure.com/', false],
  ['http://pkgs.dev.azure.com/contoso/x', false],
  ['ssh://dev.azure.com/contoso', false],
  ['pkgs.dev.azure.com', false],
] as const)
  for (const isUp of [true, false])
    test(`${address} is declined in silence, the daemon is ${isUp ? 'up' : 'down'}`, async (t) => {
      const {home, asked, run} = await tools(t, {isUp});
      for (const [script, args, stdout] of declined) {
        const input = script.startsWith('cargo') ? cargoAsks(address) : JSON.stringify({uri: address});
        const ran = await run(script, args(address), input);
        t.deepEqual(ran, {code: 0, stdout: stdout.replace('ADDRESS', address), stderr: ''}, script);
      }
      t.is(readIn(home, 'started'), '');
      t.is(asked.length, isUp && isAsked ? declined.length : 0);
    });

test('for Azure DevOps a daemon that is down is started, and its absence is explained', async (t) => {
  const {home, run} = await tools(t, {isUp: false});
  const absent =
    /^orgkey: error: the orgkey daemon does not answer\norgkey: hint: start it: orgkey service start$/m;
  const {stdout} = await run(
    'cargo-credential-orgkey',
    ['--cargo-plugin'],
    cargoAsks(`${FEED}/Cargo/index/`),
  );
  t.like(JSON.parse(stdout.split('\n')[1] ?? ''), {
    Err: {kind: 'other', message: 'orgkey: the orgkey daemon does not answer'},
  });
  for (const [script, args] of [
    ['orgkey-bazel-helper', ['get']],
    ['orgkey-goauth', [FEED]],
    ['orgkey-goauth', [FEED.replace('pkgs.dev.azure.com', 'PKGS.Dev.Azure.COM')]],
    ['orgkey-token', ['contoso']],
    ['keyring/keyring', ['get', 'https://contoso.pkgs.visualstudio.com/_packaging/tools/pypi/simple/', 'me']],
  ] as const) {
    const ran = await run(script, args, JSON.stringify({uri: FEED}));
    t.like(ran, {code: 1, stdout: ''}, script);
    t.regex(ran.stderr, absent, script);
  }
  t.is(readIn(home, 'started'), 'service start\n'.repeat(6));
});

test('the daemon is asked with the name of the tool and a plain address', async (t) => {
  const {asked, run} = await tools(t);
  const challenge =
    'Bearer authorization_uri=https://login.microsoftonline.com/9f000000-0000-0000-0000-000000000000';
  const registry = {
    'index-url': `sparse+${FEED}/Cargo/index/`,
    headers: [`WWW-Authenticate: ${challenge}`, 'X: "y"'],
  };
  await run('cargo-credential-orgkey', ['--cargo-plugin'], cargoAsks(FEED, {registry}));
  await run('keyring/keyring', ['get', `https://me:canary@pkgs.dev.azure.com/contoso/x/`, 'me']);
  await run(
    'orgkey-bazel-helper',
    ['get'],
    '{"uri":"https://pkgs.dev.azure.com/contoso/x?sig\\u003dcanary"}',
  );
  await run('orgkey-goauth', ['https://dev.azure.com/contoso/web/_git/lib?go-get=1']);
  await run('orgkey-token', ['azure.example.org/tfs/Main']);
  const header = ['explain=1', 'capability[]=authtype'];
  t.deepEqual(asked, [
    [
      'tool=cargo',
      `address=${FEED}/Cargo/index/`,
      'explain=1',
      `wwwauth[]=${challenge}`,
      'capability[]=authtype',
    ],
    ['tool=keyring', 'address=https://pkgs.dev.azure.com/contoso/x/', 'explain=1'],
    ['tool=bazel', 'address=https://pkgs.dev.azure.com/contoso/x', ...header],
    ['tool=go', 'address=https://dev.azure.com/contoso/web/_git/lib', ...header],
    ['tool=pnpm', 'address=https://azure.example.org/tfs/Main', ...header],
  ]);
});

test('Cargo gets an answer for every line, until it ends', async (t) => {
  const {run} = await tools(t);
  const get = cargoAsks(`${FEED}/Cargo/index/`);
  const lines = [
    [get, 'Ok'],
    [cargoAsks(`${FEED}/Cargo/index/`, {operation: 'publish', name: 'a', vers: '1.0.0', cksum: 'x'}), 'Ok'],
    [cargoAsks(`${FEED}/Cargo/index/`, {operation: 'unheard-of'}), 'Ok'],
    [JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(get)).toReversed())), 'Ok'],
    [cargoAsks(FEED, {kind: 'login', token: 'canary'}), 'operation-not-supported'],
    [cargoAsks(FEED, {kind: 'logout'}), 'operation-not-supported'],
    [cargoAsks(FEED, {v: 2}), 'other'],
    [cargoAsks(FEED, {registry: {name: 'tools'}}), 'other'],
    ['', 'other'],
    ['null', 'other'],
    ['{"v":1}', 'operation-not-supported'],
    // a text may look like a key
    [
      cargoAsks('https://github.com/x', {
        registry: {headers: ['"index-url":"https://pkgs.dev.azure.com/contoso/x"']},
      }),
      'other',
    ],
    [
      cargoAsks('https://github.com/x', {args: ['"kind":"get"', `"index-url":"sparse+${FEED}"`]}),
      'url-not-supported',
    ],
    // an address with an escape could be read in two ways
    [get.replace('/contoso/', String.raw`/con\u0074oso/`), 'other'],
  ] as const;
  const {code, stdout} = await run(
    'cargo-credential-orgkey',
    ['--cargo-plugin'],
    `${lines.map(([line]) => line.trimEnd()).join('\n')}\n{"v":1,"half`,
  );
  t.is(code, 0);
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  t.deepEqual(answers[0], {v: [1]});
  t.deepEqual(
    answers.slice(1).map(kindOf),
    lines.map(([, kind]) => kind),
  );
  t.is((await run('cargo-credential-orgkey', [])).code, 2);
});

for (const [request, organization] of [
  [`{"uri":"${FEED}"}`, 'contoso'],
  [`{\n  "other": [1, {"uri2": ""}],\n  "uri" : "${FEED}"\n}\n`, 'contoso'],
  [String.raw`{"uri":"https://pkgs.dev.azure.com/contoso/it\u0027s"}`, 'contoso'],
  [String.raw`{"uri":"https://pkgs.dev.azure.com/contos\u006f/x"}`, 'none'],
  [String.raw`{"note":"\"uri\":\"${FEED}\"","uri":"https://github.com/x"}`, 'none'],
  ['{"uri":"grpcs://example.com/x"}', 'none'],
  [`{"url":"${FEED}"}`, 'invalid'],
  ['', 'invalid'],
] as const)
  test(`Bazel's request ${request || 'of nothing'}: ${organization}`, async (t) => {
    const {run} = await tools(t);
    const {code, stdout} = await run('orgkey-bazel-helper', ['get'], request);
    t.is(code, organization === 'invalid' ? 1 : 0);
    t.is(/canary-token/.test(stdout), organization === 'contoso');
    if (organization === 'none') t.is(stdout, '{"headers":{}}\n');
  });

test('a link names the organization of a token', async (t) => {
  const {home, run} = await tools(t);
  symlinkSync('orgkey-token', join(home.directory, 'orgkey/orgkey-token-contoso'));
  const ran = await home.run(join(home.directory, 'orgkey/orgkey-token-contoso'), [], {
    environment: {ORGKEY_RUNTIME_DIR: home.directory},
  });
  t.deepEqual(ran, {code: 0, stdout: 'Bearer canary-token\n', stderr: ''});
  t.like(await run('orgkey-token', []), {code: 2, stdout: ''});
  const foreign = await run('orgkey-token', ['https://github.com/x']);
  t.like(foreign, {code: 1, stdout: ''});
  t.regex(foreign.stderr, /^orgkey: error: orgkey has no credential for https:\/\/github\.com\/x$/m);
});

for (const words of [
  ['--help'],
  ['--list-backends'],
  ['set', `${FEED}/pypi/simple/`, 'me'],
  ['del', `${FEED}/pypi/simple/`, 'me'],
  ['get', 'pkgs.dev.azure.com', 'VssSessionToken'],
  ['get', `${FEED}/pypi/simple/`, 'me', 'more'],
  ['--keyring-backend', 'x', 'get', FEED, 'me'],
  ['get', FEED, 'me', '--mode', 'other'],
  ['get', FEED, 'me', '--mode'],
  [],
])
  test(`keyring ${words.join(' ')}: the next keyring runs with the same words`, async (t) => {
    const {asked, run} = await tools(t);
    const {stdout} = await run('keyring/keyring', words);
    t.is(stdout.trimEnd(), ['next', ...words].join(' '));
    t.deepEqual(asked, []);
  });

test('two of our keyrings on the PATH, and no other, come to an end', async (t) => {
  const {home, run} = await tools(t);
  home.write('next/keyring', shellScript('keyring/keyring'), 0o755);
  t.deepEqual(await run('keyring/keyring', ['get', 'https://pypi.org/simple/', 'me']), {
    code: 1,
    stdout: '',
    stderr: '',
  });
});

test('beside a socket, a script asks that socket', async (t) => {
  const {home, asked} = await tools(t);
  for (const [script, ...args] of [
    ['orgkey-token', 'contoso'],
    ['keyring', 'get', FEED, 'me'],
  ] as const) {
    const path = home.write(script, shellScript(script === 'keyring' ? 'keyring/keyring' : script), 0o755);
    t.regex((await home.run(path, args)).stdout, /canary-token/);
  }
  t.is(asked.length, 2);
});

test('the audit trail learns that uv asks, by the name of its process', async (t) => {
  const {home, asked} = await tools(t);
  copyFileSync('/bin/sh', join(home.directory, 'bin/uv'));
  chmodSync(join(home.directory, 'bin/uv'), 0o755);
  const command = '"$0" get "$1" --mode creds; exit $?';
  const ran = await home.run(
    join(home.directory, 'bin/uv'),
    ['-c', command, join(home.directory, 'orgkey/keyring/keyring'), `${FEED}/pypi/simple/`],
    {environment: {ORGKEY_RUNTIME_DIR: home.directory}},
  );
  t.is(ran.stdout, 'orgkey\ncanary-token\n');
  t.is(asked[0]?.[0], process.platform === 'linux' ? 'tool=uv' : 'tool=keyring');
});

function kindOf(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null) return 'none';
  if ('Ok' in answer) return 'Ok';
  return 'Err' in answer && typeof answer.Err === 'object' && answer.Err !== null && 'kind' in answer.Err
    ? String(answer.Err.kind)
    : 'none';
}

function readIn({directory}: GitHome, name: string): string {
  const path = join(directory, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
