import {execFileSync, spawnSync} from 'node:child_process';
import {chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {Loaded} from '../../src/config/configuration.ts';
import {whyUnsafe} from '../../src/files/read-protected-file.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {inMountNamespace, ownEtc, whyNotContained} from '../helpers/run-contained.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';
import {problemsOf} from '../helpers/load-text.ts';

/** A user without rights, who is not root. */
const UID = 65_534;
const OTHER = 12_345;

const child = join(import.meta.dirname, '../helpers/load-as.ts');

interface FileOf {
  readonly owner: number;
  readonly mode: number;
  readonly group?: number;
}

function make(path: string, text: string, {owner, mode, group = owner}: FileOf): void {
  writeFileSync(path, text);
  chownSync(path, owner, group);
  chmodSync(path, mode);
}

/** What a user without rights makes of it: `loaded`, or the problems, or the warnings behind a `!`. */
function loadAsNobody(
  t: ExecutionContext,
  configuration: FileOf,
  secret: FileOf | undefined,
): readonly string[] {
  const directory = scratchDirectory(t);
  chmodSync(directory, 0o755);
  const file = join(directory, 'config.yaml');
  const source = secret === undefined ? 'literal' : '{$file: secret}';
  make(file, `integrations: {azure: [{credentials: [{personalAccessToken: ${source}}]}]}\n`, configuration);
  if (secret !== undefined) make(join(directory, 'secret'), 'x\n', secret);
  // this machine's file system checks what root would be let through
  const output = execFileSync(process.execPath, [child, file], {
    uid: UID,
    gid: UID,
    encoding: 'utf8',
    env: {PATH: process.env['PATH'], NODE_NO_WARNINGS: '1'},
  });
  const loaded: Loaded = JSON.parse(output);
  const problems = problemsOf(loaded);
  if (loaded.kind === 'invalid' || problems.length > 0)
    return problems.map(({message}) => message.replaceAll(directory, '.'));
  const warnings = loaded.configuration.warnings.map(
    ({message}) => `! ${message.replaceAll(directory, '.')}`,
  );
  return warnings.length === 0 ? ['loaded'] : warnings;
}

const ours = {owner: UID, mode: 0o600};
const asRoot = testUnless(whyNotRoot);

const rows: readonly (readonly [
  title: string,
  configuration: FileOf,
  secret: FileOf | undefined,
  result: readonly string[],
])[] = [
  ['all ours alone', ours, ours, ['loaded']],
  ['a read-only secret', ours, {owner: UID, mode: 0o400}, ['loaded']],
  [
    'a configuration that others can read, without a secret in it',
    {owner: UID, mode: 0o644},
    ours,
    ['loaded'],
  ],
  [
    'a configuration that others can read, with a secret in it',
    {owner: UID, mode: 0o644},
    undefined,
    ['the configuration holds a secret and can be read by others; here is one'],
  ],
  [
    'a configuration that a group can read, with a secret in it',
    {owner: UID, mode: 0o640},
    undefined,
    ['the configuration holds a secret and can be read by others; here is one'],
  ],
  ['root’s configuration', {owner: 0, mode: 0o644}, ours, ['loaded']],
  [
    'root’s configuration for our group, with a secret in it',
    {owner: 0, mode: 0o640, group: UID},
    undefined,
    ['loaded'],
  ],
  [
    'a configuration that a group can write',
    {owner: UID, mode: 0o660},
    ours,
    ['the configuration can be written by others'],
  ],
  [
    'a configuration that others can write',
    {owner: UID, mode: 0o602},
    ours,
    ['the configuration can be written by others'],
  ],
  [
    'root’s configuration that others can write',
    {owner: 0, mode: 0o666},
    ours,
    ['the configuration can be written by others'],
  ],
  [
    'another user’s configuration',
    {owner: OTHER, mode: 0o644},
    ours,
    [`the configuration belongs to another user (uid ${OTHER})`],
  ],
  [
    'a configuration that we may not read',
    {owner: 0, mode: 0o600},
    ours,
    ['the configuration cannot be read by us'],
  ],
  [
    'a secret that others can read',
    ours,
    {owner: UID, mode: 0o604},
    ['the file ./secret holds a secret and can be read by others'],
  ],
  [
    'a secret that a group can read',
    ours,
    {owner: UID, mode: 0o640},
    ['the file ./secret holds a secret and can be read by others'],
  ],
  [
    'a secret that others can write',
    ours,
    {owner: UID, mode: 0o602},
    ['the file ./secret can be written by others'],
  ],
  [
    'a secret that a group can write',
    ours,
    {owner: UID, mode: 0o620},
    ['the file ./secret can be written by others'],
  ],
  ['root’s secret for our group', ours, {owner: 0, mode: 0o440, group: UID}, ['loaded']],
  [
    'root’s secret for everybody',
    ours,
    {owner: 0, mode: 0o444},
    ['the file ./secret holds a secret and can be read by others'],
  ],
  [
    'root’s secret that we may not read',
    ours,
    {owner: 0, mode: 0o400},
    ['the file ./secret cannot be read by us'],
  ],
  [
    'another user’s secret',
    ours,
    {owner: OTHER, mode: 0o444},
    [`the file ./secret belongs to another user (uid ${OTHER})`],
  ],
];

for (const [title, configuration, secret, result] of rows) {
  asRoot(`as a user without rights: ${title}`, (t) => {
    t.deepEqual(loadAsNobody(t, configuration, secret), result);
  });
}

asRoot('a link is followed: its target decides', (t) => {
  const directory = scratchDirectory(t);
  chmodSync(directory, 0o755);
  make(join(directory, 'target'), 'x', {owner: UID, mode: 0o644});
  symlinkSync('target', join(directory, 'secret'));
  const file = join(directory, 'config.yaml');
  make(file, 'integrations: {azure: [{credentials: [{personalAccessToken: {$file: secret}}]}]}\n', ours);
  const load = () =>
    JSON.parse(
      execFileSync(process.execPath, [child, file], {
        uid: UID,
        gid: UID,
        encoding: 'utf8',
        env: {NODE_NO_WARNINGS: '1'},
      }),
    );
  t.is(problemsOf(load()).length, 1);
  chmodSync(join(directory, 'target'), 0o600);
  t.is(problemsOf(load()).length, 0);
});

asRoot('a pipe in place of a secret does not keep us waiting', (t) => {
  const directory = scratchDirectory(t);
  chmodSync(directory, 0o755);
  execFileSync('mkfifo', ['-m', '600', join(directory, 'secret')]);
  chownSync(join(directory, 'secret'), UID, UID);
  mkdirSync(join(directory, 'sub'));
  const file = join(directory, 'config.yaml');
  make(file, 'integrations: {azure: [{credentials: [{personalAccessToken: {$file: secret}}]}]}\n', ours);
  const output = execFileSync(process.execPath, [child, file], {
    uid: UID,
    gid: UID,
    encoding: 'utf8',
    env: {NODE_NO_WARNINGS: '1'},
  });
  t.regex(output, /secret is not a regular file/);
});

/** Below /run, where systemd, Docker and Kubernetes put root's secrets: too much of the machine for a test to write. */
const below: readonly (readonly [
  path: string,
  owner: number,
  mode: number,
  severity: 'error' | 'warning' | undefined,
])[] = [
  ['/run/secrets/pat', 0, 0o444, 'warning'],
  ['/var/run/secrets/pat', 0, 0o644, 'warning'],
  ['/run/credentials/orgkey.service/pat', 0, 0o400, undefined],
  ['/run/secrets/pat', 0, 0o440, undefined],
  ['/run/secrets/pat', 0, 0o664, 'error'],
  ['/run/secrets/pat', 1000, 0o444, 'error'],
  ['/run/secrets/pat', 1001, 0o400, 'error'],
  ['/run/../etc/pat', 0, 0o444, 'error'],
  ['/running/pat', 0, 0o444, 'error'],
  ['/etc/pat', 0, 0o444, 'error'],
];

for (const [path, owner, mode, severity] of below) {
  test(`${path} of ${owner} with mode ${mode.toString(8)}: ${severity ?? 'fine'}`, (t) => {
    t.is(whyUnsafe({path, owner, mode}, {uid: 1000, holdsSecret: true})?.severity, severity);
  });
}

test('for root, what lies below /run is root’s as well', (t) => {
  t.is(
    whyUnsafe({path: '/run/secrets/pat', owner: 0, mode: 0o444}, {uid: 0, holdsSecret: true})?.severity,
    'warning',
  );
  t.is(whyUnsafe({path: '/etc/pat', owner: 0, mode: 0o444}, {uid: 0, holdsSecret: true})?.severity, 'error');
});

const asUser = ['setpriv', '--reuid', `${OTHER}`, '--regid', `${OTHER}`, '--clear-groups'];
const unshared = [...asUser, 'unshare', '--user'];
const asHidden = [...unshared, `--map-user=${OTHER}`];
const namespaces = spawnSync('unshare', ['--mount', ...asHidden, 'true'], {encoding: 'utf8'});
const whyNotHidden = namespaces.status === 0 ? undefined : namespaces.stderr?.trim() || 'there is no unshare';
const inNamespace = testUnless(whyNotContained() ?? whyNotHidden);

/** What a service with PrivateUsers=yes of an unprivileged user makes of a file, with an /etc of its own. */
function loadHidden(preparation: string, file: string, as = asHidden): readonly string[] {
  const configuration = 'integrations: {azure: [{credentials: [{clientId: system-assigned}]}]}';
  const make = `mkdir -p -m 755 /etc/orgkey; echo '${configuration}' > /etc/orgkey/config.yaml; ${preparation}`;
  const script = `set -e; umask 022; ${ownEtc}; ${make}; exec ${as.join(' ')} '${process.execPath}' '${child}' '${file}'`;
  const output = execFileSync(...inMountNamespace(script), {
    encoding: 'utf8',
    env: {PATH: process.env['PATH'], NODE_NO_WARNINGS: '1'},
  });
  const loaded: Loaded = JSON.parse(output);
  const problems = problemsOf(loaded);
  if (problems.length === 0) return ['loaded'];
  return problems.map(({message, hint}) => `${message}${hint === undefined ? '' : ` (${hint})`}`);
}

const machine = '/etc/orgkey/config.yaml';
const hidden = (path: string) => [
  `the configuration belongs to a user who is hidden from us (with PrivateUsers=yes, files of root are recognized in /etc/orgkey only: put it there, or make it yours: ${path})`,
];
const hiddenRows: readonly (readonly [string, string, string, readonly string[]])[] = [
  ['root’s, in /etc/orgkey', 'true', machine, ['loaded']],
  ['root’s, elsewhere', 'cp /etc/orgkey/config.yaml /etc', '/etc/config.yaml', hidden('/etc/config.yaml')],
  [
    'that others can write',
    'chmod 666 /etc/orgkey/config.yaml',
    machine,
    ['the configuration can be written by others (chmod go-w /etc/orgkey/config.yaml)'],
  ],
  ['in a directory that others can write', 'chmod 777 /etc/orgkey', machine, hidden(machine)],
  ['in a directory that is ours', `chown ${OTHER} /etc/orgkey`, machine, hidden(machine)],
  ['where others can write /etc', 'chmod 777 /etc', machine, hidden(machine)],
  [
    'behind a link',
    'mv /etc/orgkey/config.yaml /etc; ln -s ../config.yaml /etc/orgkey',
    machine,
    hidden(machine),
  ],
  [
    'behind a link to the directory',
    'mv /etc/orgkey /etc/other; ln -s other /etc/orgkey',
    machine,
    hidden(machine),
  ],
];
for (const [title, preparation, file, result] of hiddenRows) {
  inNamespace(`where root is hidden: a configuration ${title}`, (t) => {
    t.deepEqual(loadHidden(preparation, file), result);
  });
}

const READERS = 5200;
const asService = ['setpriv', '--reuid', `${OTHER}`, '--regid', `${OTHER}`, '--groups', `${READERS}`];

/** What is said to repair it, done each time as root until the service reads the configuration. */
function repairForService(preparation: string, file: string): readonly string[] {
  const configuration =
    'integrations: {azure: [{credentials: [{personalAccessToken: {$file: /etc/orgkey/a b/secret}}]}]}';
  const make = `echo orgkey-config:x:${READERS}: >> /etc/group; umask 077; mkdir -p '/etc/orgkey/a b'; chmod 755 /etc/orgkey
    echo '${configuration}' > /etc/orgkey/config.yaml; echo canary > '/etc/orgkey/a b/secret'; ${preparation}`;
  const hint = `${asService.join(' ')} '${process.execPath}' '${child}' '${file}' |
    '${process.execPath}' -p '(({problems, configuration}) => (problems ?? configuration.problems)[0]?.hint ?? "loaded")(JSON.parse(fs.readFileSync(0)))'`;
  const script = `set -e; umask 022; ${ownEtc}; ${make}
    for each in 1 2 3 4 5; do
      hint=$(${hint}); echo "$hint"
      case $hint in loaded | put*) exit;; esac
      sh -c "$hint"
    done`;
  const output = execFileSync(...inMountNamespace(script), {
    encoding: 'utf8',
    env: {PATH: process.env['PATH'], NODE_NO_WARNINGS: '1'},
  });
  return output.trim().split('\n');
}

inNamespace(`what the machine’s service may not read, it reads when that was done`, (t) => {
  t.deepEqual(repairForService('true', machine), [
    'chgrp orgkey-config /etc/orgkey/config.yaml && chmod 640 /etc/orgkey/config.yaml',
    "chmod go+x '/etc/orgkey/a b'",
    "chgrp orgkey-config '/etc/orgkey/a b/secret' && chmod 640 '/etc/orgkey/a b/secret'",
    'loaded',
  ]);
  t.deepEqual(
    repairForService('mkdir /etc/closed; mv /etc/orgkey/config.yaml /etc/closed', '/etc/closed/config.yaml'),
    ['put the file somewhere else: we cannot enter /etc/closed'],
  );
  t.deepEqual(repairForService('mv /etc/orgkey/config.yaml /etc', '/etc/config.yaml').slice(0, 2), [
    `chown ${OTHER} /etc/config.yaml`,
    "chmod go+x '/etc/orgkey/a b'",
  ]);
});

inNamespace(`where there is a root, he is not the one who is hidden`, (t) => {
  t.deepEqual(loadHidden('true', machine, [...unshared, '--map-root-user']), hidden(machine));
});
