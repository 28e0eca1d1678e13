import test from 'ava';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {connectControl} from '../../src/control/control-client.ts';
import {startDaemon, type TestDaemon} from '../helpers/daemon.ts';
import {getFor} from '../helpers/requests.ts';
import {Person, patConfiguration} from '../helpers/command-line.ts';
import type {ExecutionContext} from 'ava';
import {inMountNamespace, whyNotContained} from '../helpers/run-contained.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

async function withDaemon(t: ExecutionContext): Promise<{daemon: TestDaemon; person: Person}> {
  const daemon = await startDaemon({configuration: patConfiguration});
  t.teardown(() => daemon.close());
  const person = new Person(t, {...daemon.environment, ORGKEY_CONFIG: daemon.configFile});
  return {daemon, person};
}

test.serial('status tells what is served, in 80 columns and without color in a pipe', async (t) => {
  const {daemon, person} = await withDaemon(t);
  await daemon.get({protocol: 'https', host: 'dev.azure.com', path: 'contoso/p/_git/r'});
  const {code, stdout, stderr} = await person.run('status');
  t.is(code, 0, stderr);
  t.is(stderr, '');
  t.regex(stdout, /^ORGANIZATION +IDENTITY +TOKEN +REQUESTS +LAST ERROR\n/);
  t.regex(stdout, /\ncontoso +personal access token +ok +1\n/);
  t.regex(stdout, /\nazure\.example\.org\/Defaul\S* +personal access token/);
  t.regex(stdout, /1 served, 0 passed on, 0 failed, median/);
  t.regex(stdout, /socket team-a: contoso/);
  t.true(stdout.split('\n').every((line) => line.length <= 80 || line.startsWith('socket ')));
  t.false(stdout.includes('\u001b'));
  t.false(stdout.includes('canary'));
});

test.serial('what is wrong is told with its repair', async (t) => {
  const {daemon, person} = await withDaemon(t);
  daemon.configure('integrations: {azure: [{credentials: [{clientId: nonsense}]}]}\n');
  const control = await connectControl(join(daemon.runtime, 'control/control.sock'));
  await control.call('reload', undefined);
  control.close();
  const {code, stdout} = await person.run('status');
  t.is(code, 0);
  t.regex(stdout, /^yellow: .*$/m);
});

test.serial('every reading command has JSON with its version', async (t) => {
  const {person} = await withDaemon(t);
  const shapes: readonly [string, readonly string[]][] = [
    [
      'status',
      [
        'configuration',
        'environment',
        'health',
        'memory',
        'notices',
        'organizations',
        'pid',
        'requests',
        'sockets',
        'startedAt',
        'version',
      ],
    ],
    ['org list', ['organizations']],
    ['config check', ['problems', 'source', 'valid', 'warnings']],
    ['config show', ['credentials', 'orgkey', 'source']],
    [
      'which contoso',
      ['answer', 'configuration', 'host', 'identity', 'kind', 'organization', 'rule', 'sockets', 'url'],
    ],
    [
      'which git@ssh.dev.azure.com:v3/contoso/p/r',
      ['asSubmodule', 'atTheTop', 'configuration', 'host', 'organization', 'overHttps', 'url'],
    ],
    ['ssh-key list', ['keys']],
    ['token contoso', ['form', 'token', 'username']],
  ];
  for (const [command, keys] of shapes) {
    const {stdout, stderr} = await person.run(command, ['--json']);
    const {schemaVersion, ...rest} = JSON.parse(stdout || '{}') as Record<string, unknown>;
    t.is(schemaVersion, 1, `${command}: ${stderr}`);
    t.deepEqual(Object.keys(rest).toSorted(), keys, command);
    t.is(stdout.includes('canary'), command.startsWith('token'), command);
  }
});

test.serial('token prints the token and nothing else, in each of its forms', async (t) => {
  const {person} = await withDaemon(t);
  t.deepEqual(await person.run('token contoso'), {code: 0, stdout: 'canary-pat-0123456789\n', stderr: ''});
  t.is((await person.run('token CONTOSO')).stdout, 'canary-pat-0123456789\n');
  t.is((await person.run('token azure.example.org/DefaultCollection')).stdout, 'canary-server-pat\n');
  const header = await person.run('token contoso --header');
  t.is(header.stdout, `Authorization: Basic ${btoa('orgkey:canary-pat-0123456789')}\n`);
});

test.serial('an organization that nobody configured is no token', async (t) => {
  const {person} = await withDaemon(t);
  const {code, stdout, stderr} = await person.run('token nobody');
  t.is(code, 1);
  t.is(stdout, '');
  t.regex(stderr, /^orgkey: error: nobody: no credential covers .*\(ERR_NOT_CONFIGURED\)\norgkey: hint: /);
});

test.serial('exec gives a command the variables that tools read, and takes its exit code', async (t) => {
  const {person} = await withDaemon(t);
  const feeds = ['--feed', 'packages', '--feed', 'Project X/My.Feed'];
  const printed = await person.run('exec contoso', [...feeds, '--', 'env', '-0']);
  t.is(printed.code, 0, printed.stderr);
  const variables = Object.fromEntries(
    printed.stdout.split('\0').map((line) => line.split(/=(.*)/s) as [string, string]),
  );
  const pat = 'canary-pat-0123456789';
  t.is(variables['SYSTEM_ACCESSTOKEN'], pat);
  t.is(variables['AZURE_DEVOPS_EXT_PAT'], pat);
  t.is(variables['npm_config_//pkgs.dev.azure.com/contoso/:_auth'], btoa(`orgkey:${pat}`));
  t.deepEqual(JSON.parse(variables['VSS_NUGET_EXTERNAL_FEED_ENDPOINTS'] ?? ''), {
    endpointCredentials: [
      {
        endpoint: 'https://pkgs.dev.azure.com/contoso/_packaging/packages/nuget/v3/index.json',
        username: 'orgkey',
        password: pat,
      },
      {
        endpoint: 'https://pkgs.dev.azure.com/contoso/Project%20X/_packaging/My.Feed/nuget/v3/index.json',
        username: 'orgkey',
        password: pat,
      },
    ],
  });
  t.is(
    variables['PIP_INDEX_URL'],
    `https://orgkey:${pat}@pkgs.dev.azure.com/contoso/_packaging/packages/pypi/simple/`,
  );
  t.is(variables['UV_INDEX_MY_FEED_PASSWORD'], pat);
  t.is(variables['MAVEN_FEED_PASSWORD'], pat);
  t.is(variables['CARGO_REGISTRIES_MY_FEED_TOKEN'], `Basic ${btoa(`orgkey:${pat}`)}`);
  t.is(variables['HOME'], person.home, 'the rest of the environment stays');

  t.is((await person.run('exec contoso', ['--', 'sh', '-c', 'exit 7'])).code, 7);
  t.is((await person.run('exec contoso', ['--', 'sh', '-c', 'kill -TERM $$'])).code, 143);
  t.is((await person.run('exec contoso', ['--', 'no-such-program'])).code, 2);
  t.is((await person.run('exec contoso', ['--', 'printf', '%s', '--json'])).stdout, '--json');
  t.is((await person.run('exec contoso', ['--feed', 'a/b/c', '--', 'true'])).code, 2);
});

for (const [title, argv, isThere] of [
  ['status --watch', ['status', '--watch'], true],
  ['status --watch, of a daemon that is gone', ['status', '--watch'], false],
  ['logs --follow', ['logs', '--follow'], true],
  ['logs --audit --follow', ['logs', '--audit', '--follow'], true],
] as const) {
  test.serial(`who goes on ends when nobody reads any more: ${title}`, async (t) => {
    const {daemon, person} = await withDaemon(t);
    const request = getFor('contoso');
    await daemon.ask(request);
    if (!isThere) await daemon.close();
    const command = [process.execPath, main, ...argv];
    // whoever reads takes one line; then something is told again
    const script =
      '("$@"; echo "ended with $?" >&3) 3>&2 2>&1 | (head -n 1; exec < /dev/null; echo gone >&2)';
    const {stdout, stderr} = await person.spawn('/bin/sh', ['-c', script, 'sh', ...command], {
      onStderr: (text) => {
        if (text === 'gone\n' && isThere)
          void daemon.call('reload', undefined).then(() => daemon.ask(request));
      },
    });
    t.not(stdout, '');
    t.is(stderr, 'gone\nended with 0\n');
  });
}

const toFull = testUnless(existsSync('/dev/full') ? undefined : 'there is no /dev/full', test.serial);

for (const argv of [['status'], ['status', '--watch'], ['config', 'schema']]) {
  toFull(`what cannot be written is told: orgkey ${argv.join(' ')}`, async (t) => {
    const {person} = await withDaemon(t);
    const command = ['-c', 'exec "$@" > /dev/full', 'sh', process.execPath, main, ...argv];
    const {code, stderr} = await person.spawn('/bin/sh', command);
    t.is(code, 1);
    t.regex(
      stderr,
      /^orgkey: error: the output cannot be written: ENOSPC: no space left on device, write\n$/,
    );
  });
}

const servers = `integrations:
  azure:
    - {host: azure.example.org, credentials: [{organizations: [DefaultCollection], personalAccessToken: canary-server-pat}]}
    - {host: intranet, credentials: [{personalAccessToken: canary-server-pat}]}
`;

for (const [organization, base] of [
  ['azure.example.org/DefaultCollection', 'azure.example.org/DefaultCollection'],
  ['Azure.Example.org/tfs/DefaultCollection', 'azure.example.org/tfs/DefaultCollection'],
  ['intranet/Any one', 'intranet/Any%20one'],
] as const) {
  test.serial(`exec shows the token of a server to that server alone: ${organization}`, async (t) => {
    const daemon = await startDaemon({configuration: servers});
    t.teardown(() => daemon.close());
    const person = new Person(t, daemon.environment);
    const feeds = ['--feed', 'packages', '--feed', 'Project X/My.Feed'];
    const {code, stdout, stderr} = await person.run('exec', [organization, ...feeds, '--', 'env', '-0']);
    t.is(code, 0, stderr);
    const pat = 'canary-server-pat';
    const variables = stdout
      .split('\0')
      .filter((line) => line.includes(pat) || line.includes('/_packaging/'));
    t.true(
      variables.includes(`PIP_INDEX_URL=https://orgkey:${pat}@${base}/_packaging/packages/pypi/simple/`),
    );
    t.true(variables.some((line) => line.startsWith(`MAVEN_FEED_URL=https://${base}/_packaging/packages/`)));
    t.true(stdout.includes(`npm_config_//${base}/:_auth=${btoa(`orgkey:${pat}`)}`));
    t.true(stdout.includes(`sparse+https://${base}/Project%20X/_packaging/My.Feed/Cargo/index/`));
    const hosts = stdout
      .split('\0')
      .flatMap((line) => [...line.matchAll(/\/\/(?:[^/@\s"]*@)?([^/:\s"]+)/g)].map(([, host]) => host));
    t.deepEqual([...new Set(hosts)], [base.slice(0, base.indexOf('/'))]);
  });
}

test.serial('exec wants to know which collection of a server is meant', async (t) => {
  const daemon = await startDaemon({configuration: servers});
  t.teardown(() => daemon.close());
  const person = new Person(t, daemon.environment);
  for (const organization of ['intranet', 'intranet/']) {
    const {code, stdout, stderr} = await person.run('exec', [organization, '--', 'env']);
    t.is(code, 2);
    t.is(stdout, '');
    t.regex(stderr, /error: which collection of intranet is meant\?\n.*orgkey exec intranet\/Default/);
  }
});

test.serial('a personal access token, which has no scopes, is printed for no other resource', async (t) => {
  const {daemon, person} = await withDaemon(t);
  const {code, stdout, stderr} = await person.run('token contoso --resource https://vault.azure.net');
  t.is(code, 1);
  t.is(stdout, '');
  t.regex(stderr, /a personal access token is for Azure DevOps only .*\norgkey: hint: leave out --resource/);
  const devOps = '499b84ac-1321-427f-aa17-267ca6975798';
  t.is((await person.run('token contoso --resource', [devOps])).stdout, 'canary-pat-0123456789\n');
  t.is((await daemon.status()).health, 'green', 'it is no failure of the identity');
});

const questions: readonly [url: string, facts: Readonly<Record<string, unknown>>][] = [
  [
    'https://dev.azure.com/Contoso/p/_git/r',
    {organization: 'contoso', host: 'dev.azure.com', sockets: ['git.sock', 'scoped/team-a/git.sock']},
  ],
  ['https://fabrikam@dev.azure.com/fabrikam/p/_git/r', {organization: 'fabrikam', sockets: ['git.sock']}],
  ['https://contoso.visualstudio.com/p/_git/r', {organization: 'contoso'}],
  ['fabrikam', {organization: 'fabrikam'}],
  [
    'https://azure.example.org/tfs/DefaultCollection/p/_git/r',
    {organization: 'azure.example.org/defaultcollection'},
  ],
  [
    'https://dev.azure.com/nobody/p/_git/r',
    {answer: 'nothing, git asks its next helper: no credential covers the organization'},
  ],
  ['https://github.com/a/b', {answer: 'nothing, git asks its next helper: not an Azure DevOps host'}],
  [
    'https://dev.azure.com.evil.example/contoso',
    {answer: 'nothing, git asks its next helper: not an Azure DevOps host', identity: undefined},
  ],
  [
    'http://dev.azure.com/contoso/p',
    {answer: 'nothing, git asks its next helper: only https is answered', identity: undefined},
  ],
  [
    'git@ssh.dev.azure.com:v3/contoso/p/r',
    {overHttps: 'git clone https://dev.azure.com/contoso/p/_git/r', sockets: undefined},
  ],
  [
    'ssh://azure.example.org:2222/tfs/DefaultCollection/A%20B/_git/r',
    {
      organization: 'defaultcollection',
      overHttps: 'git clone https://azure.example.org/tfs/DefaultCollection/A%20B/_git/r',
    },
  ],
  ['git@github.com:contoso/_git/r', {organization: undefined, overHttps: undefined}],
];

for (const [url, facts] of questions) {
  test.serial(`which explains without a daemon: ${url}`, async (t) => {
    const person = new Person(t);
    person.configure();
    const {code, stdout, stderr} = await person.run('which', [url, '--json']);
    t.is(code, 0, stderr);
    const told = JSON.parse(stdout) as Record<string, unknown>;
    for (const [name, value] of Object.entries(facts)) t.deepEqual(told[name], value, name);
    const people = await person.run('which', [url]);
    t.is(people.code, 0);
    t.true(people.stdout.startsWith('url '));
  });
}

test.serial('which names the sockets on which a submodule over ssh is granted', async (t) => {
  const person = new Person(t);
  const key = person.write('key', 'key');
  const rules = `[{organizations: [contoso, fabrikam], privateKey: {$file: ${key}}}, {organizations: [main], host: tfs.example.org, privateKey: {$file: ${key}}}]`;
  person.configure(`${patConfiguration}  submodules: ${rules}\n`);
  const about = async (url: string) =>
    JSON.parse((await person.run('which', [url, '--json'])).stdout) as Record<string, unknown>;
  t.deepEqual((await about('git@ssh.dev.azure.com:v3/contoso/p/r'))['sockets'], [
    'git.sock',
    'scoped/team-a/git.sock',
  ]);
  t.deepEqual((await about('git@ssh.dev.azure.com:v3/fabrikam/p/r'))['sockets'], ['git.sock']);
  t.like(await about('tfs.example.org:Main/p/_git/r'), {
    sockets: ['git.sock'],
    overHttps: 'git clone https://tfs.example.org/Main/p/_git/r',
  });
});

test.serial('which names file, line and column of the rule', async (t) => {
  const person = new Person(t);
  const file = person.configure();
  const {stdout} = await person.run('which contoso --json');
  t.deepEqual(JSON.parse(stdout).rule, {place: `${file}:5:11`, by: 'name'});
});

test.serial('logs, metrics and the cache', async (t) => {
  const {person} = await withDaemon(t);
  t.regex((await person.run('logs')).stdout, /^\d\d:\d\d:\d\d info +\S.*$/m);
  t.notThrows(async () => JSON.parse((await person.run('logs --json')).stdout.split('\n')[0] ?? ''));
  t.regex((await person.run('metrics')).stdout, /^orgkey_build_info\{version="[^"]+"\} 1$/m);
  await person.run('token contoso');
  t.regex((await person.run('cache clear')).stderr, /^dropped \d+ tokens?;/);
  const audit = await person.run('logs --audit');
  t.is(audit.code, 0, audit.stderr);
  const entries = audit.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.true(entries.some(({organization}) => organization === 'contoso'));
  t.false(audit.stdout.includes('canary'));
});

function at(second: number): string {
  return `{"time":"2026-11-21T00:00:0${second}.000Z","outcome":"${second}"}\n`;
}

testUnless(whyNotContained(), test.serial)('the audit of the machine’s daemon is its own', async (t) => {
  const person = new Person(t);
  const line = '{"time":"2026-11-21T00:00:00.000Z","event":"get"}';
  const listen = "net.createServer().listen('/run/orgkey/git.sock', () => process.exit())";
  const script = `set -e
    mount -n -t tmpfs none /run; mount -n -t tmpfs none /var/lib; mkdir -m 711 /run/orgkey; mkdir -m 700 /var/lib/orgkey
    '${process.execPath}' -e "${listen}"
    orgkey() { '${process.execPath}' '${main}' logs --audit "$@"; }
    orgkey && exit 1
    echo '${line}' > /var/lib/orgkey/audit.jsonl
    orgkey
    orgkey --state-dir "$HOME" && exit 1
    chmod 755 "$HOME"
    setpriv --reuid 12345 --regid 12345 --clear-groups '${process.execPath}' '${main}' logs --audit && exit 1
    exit 0`;
  const {code, stdout, stderr} = await person.spawn(...inMountNamespace(script));
  t.is(code, 0, stderr);
  t.is(stdout, `${line}\n`);
  t.regex(stderr, /nothing was handed out yet\n.*it will be told in \/var\/lib\/orgkey\/audit.jsonl/);
  t.regex(stderr, /is not yours to read\n.*sudo orgkey logs --audit/);
});

test.serial('the audit of all sockets is shown in order of time', async (t) => {
  const person = new Person(t);
  const state = '.local/state/orgkey';
  person.write(`${state}/audit.jsonl`, at(1) + at(4));
  person.write(`${state}/audit.jsonl.1`, at(0));
  person.write(`${state}/audit.team-a.jsonl`, at(3) + at(2) + at(4).slice(0, -1));
  person.write(`${state}/audit.team-b.jsonl`, at(5));
  const {stdout} = await person.run('logs --audit');
  t.is(stdout, [1, 2, 3, 4, 5].map(at).join(''), 'without what is full, or half written');
});

test.serial('org test asks the daemon for each', async (t) => {
  const {person} = await withDaemon(t);
  const all = await person.run('org test');
  t.is(all.code, 0, all.stderr);
  t.is(all.stderr.match(/✓/g)?.length, 3);
  t.is((await person.run('org test fabrikam')).stderr.match(/✓/g)?.length, 1);
  t.is((await person.run('org test nobody')).code, 2);
});

for (const command of [
  'status',
  'token contoso',
  'exec contoso -- true',
  'logs',
  'metrics',
  'cache clear',
  'login contoso',
  'logout contoso',
  'org test',
]) {
  test.serial(`without a daemon, the exit code is 3 and the hint starts it: orgkey ${command}`, async (t) => {
    const person = new Person(t);
    person.configure();
    const {code, stdout, stderr} = await person.run(command);
    t.is(code, 3, stderr);
    t.is(stdout, '');
    t.regex(
      stderr,
      /^orgkey: error: the daemon is not running.*\norgkey: hint: start it: orgkey service start\n$/,
    );
  });
}

test.serial('a socket that nobody listens on is no daemon', async (t) => {
  const {daemon, person} = await withDaemon(t);
  await daemon.stop('SIGKILL');
  const {code, stderr} = await person.run('status');
  t.is(code, 3);
  t.regex(stderr, /start it: orgkey service start/);
});

test.serial('the configuration is checked, shown and explained without its secrets', async (t) => {
  const person = new Person(t);
  const file = person.configure();
  t.is((await person.run('config path')).stdout, `${file}\n`);
  t.is((await person.run('config check')).stdout, `${file}: sound, 2 credentials for 3 organizations\n`);
  const shown = await person.run('config show');
  t.regex(shown.stdout, /personalAccessToken: \[redacted\]/);
  t.false(shown.stdout.includes('canary'));
  const schema = JSON.parse((await person.run('config schema')).stdout) as Record<string, unknown>;
  t.is(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema');

  person.configure('integrations:\n  azure:\n    - hots: dev.azure.com\n');
  const wrong = await person.run('config check');
  t.is(wrong.code, 5);
  t.regex(wrong.stderr, /config\.yaml:3:\d+: error: unknown key/);
  const told = JSON.parse((await person.run('config check --json')).stdout) as {
    valid: boolean;
    problems: unknown[];
  };
  t.false(told.valid);
  t.is(told.problems.length, 1);
  t.is((await person.run('config show')).code, 5);
});

test.serial('without a configuration', async (t) => {
  const person = new Person(t);
  for (const command of ['config path', 'config check', 'config check --json']) {
    const {code, stdout, stderr} = await person.run(command);
    t.is(code, 5);
    t.is(stdout, '');
    t.regex(stderr, /there is no configuration\norgkey: hint: make one: orgkey setup/);
  }
});

test.serial('init writes a configuration, never over another', async (t) => {
  const person = new Person(t);
  const argv = ['--organization', 'contoso', '--managed-identity', 'system-assigned'];
  t.is((await person.run('config init', argv)).code, 0);
  t.is((await person.run('config check')).code, 0);
  const before = person.read('.config/orgkey/config.yaml');
  t.is((await person.run('config init', argv)).code, 2);
  t.is(person.read('.config/orgkey/config.yaml'), before);
});

/** What somebody does in his editor. */
function editorOf(person: Person): (script: string) => {readonly environment: {readonly EDITOR: string}} {
  return (script) => {
    writeFileSync(person.path('edit'), `#!/bin/sh\n${script}\n`, {mode: 0o755});
    return {environment: {EDITOR: `'${person.path('edit')}'`}};
  };
}

test.serial('edit keeps a configuration only if it is sound', async (t) => {
  const person = new Person(t);
  const file = person.configure();
  const editor = editorOf(person);
  const sound = await person.run('config edit', [], editor('sed -i s/fabrikam/tailspin/ "$1"'));
  t.is(sound.code, 0, sound.stderr);
  t.true(person.read('.config/orgkey/config.yaml')?.includes('tailspin'));

  const kept = person.read('.config/orgkey/config.yaml');
  t.is((await person.run('config edit', [], editor('echo nonsense: [ >> "$1"'))).code, 5);
  t.is(person.read('.config/orgkey/config.yaml'), kept);
  t.is((await person.run('config edit', [], editor('exit 1'))).code, 1);
  t.is(person.read('.config/orgkey/config.yaml'), kept);
  t.regex((await person.run('config edit', [], editor('true'))).stderr, /nothing was changed/);
  const left = await person.spawn('ls', ['-A', join(file, '..')]);
  t.is(left.stdout, 'config.yaml\n');
});

test.serial('a configuration that is a link into a folder of dotfiles is edited there', async (t) => {
  const person = new Person(t);
  const target = person.write('dotfiles/orgkey.yaml', patConfiguration, 0o640);
  mkdirSync(person.path('.config/orgkey'), {recursive: true});
  const link = person.path('.config/orgkey/config.yaml');
  symlinkSync(target, link);
  const {code, stderr} = await person.run(
    'config edit',
    [],
    editorOf(person)('sed -i s/fabrikam/tailspin/ "$1"'),
  );
  t.is(code, 0, stderr);
  t.is(readlinkSync(link), target);
  t.is(person.read('dotfiles/orgkey.yaml'), patConfiguration.replaceAll('fabrikam', 'tailspin'));
  t.is(statSync(target).mode & 0o777, 0o640);
});

test.serial(
  'what somebody else wrote while the editor was open stays, and so does what was edited',
  async (t) => {
    const person = new Person(t);
    const file = person.configure();
    const editor = editorOf(person);
    const meanwhile = `sed -i s/fabrikam/tailspin/ "$1"; echo '# theirs' >> '${file}'`;
    const {code, stderr} = await person.run('config edit', [], editor(meanwhile));
    t.is(code, 1, stderr);
    const draft = person.path('.config/orgkey/.config.yaml.edit');
    t.is(
      stderr,
      `what you wrote is in ${draft}\norgkey: error: ${file} was changed in the meantime\norgkey: hint: look at the file, then run the command again\n`,
    );
    t.is(person.read('.config/orgkey/config.yaml'), `${patConfiguration}# theirs\n`);
    t.is(
      person.read('.config/orgkey/.config.yaml.edit'),
      patConfiguration.replaceAll('fabrikam', 'tailspin'),
    );

    const again = await person.run('config edit', [], editor('true'));
    t.is(again.code, 2);
    t.true(again.stderr.endsWith(`, then: rm ${draft}\n`), again.stderr);
    rmSync(draft);
    t.is((await person.run('config edit', [], editor('echo "# mine" >> "$1"'))).code, 0);
    t.is(person.read('.config/orgkey/config.yaml'), `${patConfiguration}# theirs\n# mine\n`);
  },
);

test.serial(
  'a configuration that only the daemon can read whole is edited, checked and explained',
  async (t) => {
    const person = new Person(t);
    const path = person.configure(
      patConfiguration.replace('canary-pat-0123456789', '{$credential: contoso}'),
    );
    const warning = `${path}:6:32: warning: systemd passes its credentials to the service only: only a daemon can read this one\n`;
    const checked = await person.run('config check');
    t.deepEqual(checked, {
      code: 0,
      stdout: `${path}: sound, 2 credentials for 3 organizations\n`,
      stderr: warning,
    });
    const edited = await person.run('config edit', [], editorOf(person)('sed -i s/fabrikam/tailspin/ "$1"'));
    t.is(edited.code, 0, edited.stderr);
    t.regex((await person.run('org list')).stdout, /^tailspin +dev\.azure\.com +personal access token/m);
    t.regex((await person.run('which contoso')).stdout, /^identity +personal access token$/m);
    // who sets it up acts by it
    t.is((await person.run('setup', ['--service', 'none'])).code, 5);
  },
);

test.serial(
  'what the daemon says against a configuration is said to whoever edits or checks it',
  async (t) => {
    const {daemon, person} = await withDaemon(t);
    const editor = editorOf(person)(`sed -i 's/canary-pat-0123456789/"\${FOO}"/' "$1"`);
    const environment = {...editor.environment, FOO: 'canary-foo'};
    const refused = `${daemon.configFile}:6:32: error: the variable FOO is not set\n`;
    const edited = await person.run('config edit', [], {environment});
    t.is(edited.code, 5, edited.stderr);
    t.true(edited.stderr.startsWith(`wrote ${daemon.configFile}\n${refused}`), edited.stderr);
    t.regex(edited.stderr, /error: the daemon does not take the configuration\n/);

    const checked = await person.run('config check', [], {environment});
    t.is(checked.code, 5);
    t.true(checked.stderr.startsWith(refused), checked.stderr);
    const told = JSON.parse((await person.run('config check --json', [], {environment})).stdout) as {
      valid: boolean;
      problems: unknown[];
    };
    t.false(told.valid);
    t.is(told.problems.length, 1);

    // another file is not what the daemon goes by
    const other = person.write('other.yaml', patConfiguration);
    t.is((await person.run('config check --config', [other], {environment})).code, 0);
  },
);

const asRoot = testUnless(whyNotRoot, test.serial);

asRoot('a configuration keeps its owner and its group, or stays as it is', async (t) => {
  const person = new Person(t);
  const file = person.configure();
  const [nobody, readers] = [65_534, 12_345];
  chownSync(file, 0, readers);
  chmodSync(file, 0o640);
  const facts = () => {
    const {uid, gid, mode} = statSync(file);
    return [uid, gid, mode & 0o777];
  };
  const edited = await person.run('config edit', [], editorOf(person)('sed -i s/fabrikam/tailspin/ "$1"'));
  t.is(edited.code, 0, edited.stderr);
  t.deepEqual(facts(), [0, readers, 0o640]);
  t.is((await person.run('ssh-key new contoso')).code, 0);
  t.deepEqual(facts(), [0, readers, 0o640]);
  t.is((await person.run('ssh-key remove contoso')).code, 0);
  t.deepEqual(facts(), [0, readers, 0o640]);

  await person.spawn('chown', ['-R', String(nobody), person.home]);
  const before = person.read('.config/orgkey/config.yaml');
  const editor = editorOf(person)('echo "# mine" >> "$1"');
  const {code, stderr} = await person.run('config edit', [], {...editor, uid: nobody});
  t.is(code, 1, stderr);
  t.regex(stderr, /config\.yaml would not keep its owner and group\norgkey: hint: run the command as root/);
  t.is(person.read('.config/orgkey/config.yaml'), before);
  t.deepEqual(facts(), [nobody, readers, 0o640]);
});

test.serial('the completion knows commands, options, their words, and organizations', async (t) => {
  const person = new Person(t);
  person.configure();
  const words = async (...typed: string[]) =>
    (await person.run('', ['--complete', ...typed])).stdout.trim().split('\n');
  t.deepEqual(await words('to'), ['token']);
  t.deepEqual(await words('token', ''), ['contoso', 'fabrikam', 'azure.example.org/DefaultCollection']);
  t.deepEqual(await words('doctor', ''), ['contoso', 'fabrikam']);
  t.deepEqual(await words('which', 'f'), ['fabrikam']);
  t.deepEqual(await words('token', 'con'), ['contoso']);
  t.deepEqual(await words('config', 's'), ['show', 'schema']);
  t.deepEqual(await words('setup', '--service', 'p'), ['plain']);
  t.deepEqual(await words('status', '--w'), ['--watch']);
  t.deepEqual(await words('completion', ''), ['bash', 'zsh', 'fish']);
  for (const shell of ['bash', 'zsh', 'fish'])
    t.true((await person.run('completion', [shell])).stdout.includes('orgkey --complete'));
});

test.serial('bash completes with it', async (t) => {
  const person = new Person(t);
  person.configure();
  const {stdout: script} = await person.run('completion bash');
  const bash = await person.spawn('bash', [
    '--norc',
    '-c',
    `orgkey() { "${process.execPath}" "${join(import.meta.dirname, '../../src/main.ts')}" "$@"; }
${script}
COMP_WORDS=(orgkey token fab); COMP_CWORD=2; _orgkey; printf '%s\n' "\${COMPREPLY[@]}"`,
  ]);
  t.is(bash.stdout, 'fabrikam\n', bash.stderr);
});
