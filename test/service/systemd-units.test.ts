import {execFileSync, spawnSync} from 'node:child_process';
import {CLIENT_SCRIPTS, nameBesideSocket} from '../../src/places/client-scripts.ts';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {STOP_SECONDS} from '../../src/service/stop-limits.ts';
import {
  systemUnits,
  sysusersFile,
  type UnitFile,
  userUnits,
  whyUnservable,
} from '../../src/service/systemd-units.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless} from '../helpers/test-unless.ts';

const plainSocket = {name: 'team-a', organizations: ['contoso'], mode: 0o660, group: undefined};
const daemon = {
  node: '/usr/bin/env',
  main: '/opt/orgkey/dist/main.js',
  configFile: undefined,
  runtimeDirectory: '/unused',
  stateDirectory: '/home/ann/.local/state/orgkey',
  sockets: [plainSocket],
};
/** Paths with every character that is special to systemd. */
const awkward = {
  ...daemon,
  main: '/opt/100%h of $HOME/"quoted" \\ back/main.js',
  configFile: "/etc/it's; here/%t.yaml",
  stateDirectory: '/home/ann b/50%',
};

function textOf(units: readonly UnitFile[], wanted: string): string {
  return units.find(({name}) => name === wanted)?.text ?? `no unit ${wanted}`;
}

function lines(text: string, key: string): readonly string[] {
  return text.split('\n').filter((line) => line.startsWith(`${key}=`));
}

test('every socket has a unit', (t) => {
  const sockets = [plainSocket, {...plainSocket, name: 'b', mode: 0o600}];
  const names = ['orgkey.socket', 'orgkey-team-a.socket', 'orgkey-b.socket', 'orgkey.service'];
  t.deepEqual(
    userUnits({...daemon, sockets}).map(({name}) => name),
    names,
  );
  t.deepEqual(
    systemUnits({...daemon, sockets}).map(({name}) => name),
    names,
  );
});

test('the socket of a gateway is in its own directory', (t) => {
  const gateway = {name: 'gateway-agents', mode: 0o600, group: undefined, gateway: 'agents'};
  const [user, system] = [userUnits, systemUnits].map((make) => make({...daemon, sockets: [gateway]}));
  const unit = 'orgkey-gateway-agents.socket';
  t.deepEqual(lines(textOf(user ?? [], unit), 'ListenStream'), [
    'ListenStream=%t/orgkey/gateways/agents/gateway.sock',
  ]);
  t.deepEqual(lines(textOf(system ?? [], unit), 'FileDescriptorName'), ['FileDescriptorName=gateway-agents']);
  t.deepEqual(lines(textOf(system ?? [], unit), 'ExecStartPost'), [
    'ExecStartPost=install -o orgkey -g orgkey -m 0644 /dev/null /run/orgkey/gateways/agents/gitconfig',
  ]);
  t.regex(textOf(system ?? [], 'orgkey.service'), /ReadWritePaths=.*gateways\/agents\/gitconfig/);
});

test('the sockets of a user have private modes', (t) => {
  const units = userUnits(daemon);
  const git = textOf(units, 'orgkey.socket');
  t.deepEqual(lines(git, 'ListenStream'), ['ListenStream=%t/orgkey/git.sock']);
  t.deepEqual(lines(git, 'FileDescriptorName'), ['FileDescriptorName=git']);
  t.deepEqual(lines(git, 'SocketMode'), ['SocketMode=0600']);
  const scoped = textOf(units, 'orgkey-team-a.socket');
  t.deepEqual(lines(scoped, 'ListenStream'), ['ListenStream=%t/orgkey/scoped/team-a/git.sock']);
  t.deepEqual(lines(scoped, 'FileDescriptorName'), ['FileDescriptorName=team-a']);
  t.deepEqual(lines(scoped, 'SocketMode'), ['SocketMode=0660']);
  for (const text of [git, scoped]) {
    // git's own cache daemon does not start in a directory that others may enter
    t.deepEqual(lines(text, 'DirectoryMode'), ['DirectoryMode=0711']);
    t.deepEqual(lines(text, 'Backlog'), ['Backlog=4096']);
    t.deepEqual(lines(text, 'TriggerLimitIntervalSec'), ['TriggerLimitIntervalSec=0']);
    t.deepEqual(lines(text, 'Service'), ['Service=orgkey.service']);
  }
});

const modeOf = (path: string) => (path.endsWith('gitconfig') ? '0644' : '0755');

test('groups reach the system sockets, whose directories belong to root', (t) => {
  const units = systemUnits({...daemon, sockets: [{...plainSocket, group: 'builders'}]});
  const git = textOf(units, 'orgkey.socket');
  t.deepEqual(lines(git, 'SocketMode'), ['SocketMode=0660']);
  t.deepEqual(lines(git, 'SocketGroup'), ['SocketGroup=orgkey']);
  const scoped = textOf(units, 'orgkey-team-a.socket');
  t.deepEqual(lines(scoped, 'SocketUser'), ['SocketUser=orgkey']);
  t.deepEqual(lines(scoped, 'SocketGroup'), ['SocketGroup=builders']);
  t.deepEqual(lines(scoped, 'DirectoryMode'), ['DirectoryMode=0755']);
  const service = textOf(units, 'orgkey.service');
  t.deepEqual(lines(service, 'RuntimeDirectory'), ['RuntimeDirectory=orgkey/control orgkey/ssh']);
  const files = ['gitconfig', 'submodules.gitconfig', ...CLIENT_SCRIPTS.map(nameBesideSocket)].map(
    (name) => `/run/orgkey/scoped/team-a/${name}`,
  );
  // the directory of grants passes its group on
  t.deepEqual(lines(scoped, 'ExecStartPost'), [
    'ExecStartPost=install -d -o orgkey -g builders -m 2711 /run/orgkey/scoped/team-a/ssh',
    ...files.map((path) => `ExecStartPost=install -o orgkey -g orgkey -m ${modeOf(path)} /dev/null ${path}`),
  ]);
  t.deepEqual(lines(git, 'ExecStartPost'), [
    'ExecStartPost=install -d -o orgkey -g orgkey -m 2711 /run/orgkey/grants',
  ]);
  t.deepEqual(lines(service, 'ReadWritePaths'), [
    `ReadWritePaths=-/run/orgkey/grants -/run/orgkey/scoped/team-a/ssh ${files.map((path) => `-${path}`).join(' ')}`,
  ]);
});

test('members of the group orgkey may not read the configuration', (t) => {
  const service = textOf(systemUnits(daemon), 'orgkey.service');
  t.deepEqual(lines(service, 'SupplementaryGroups'), ['SupplementaryGroups=orgkey-config']);
  t.regex(sysusersFile, /^u orgkey - .*\ng orgkey-config -\n$/);
});

for (const [scope, units] of [
  ['user', userUnits(daemon)],
  ['system', systemUnits(daemon)],
] as const) {
  const service = textOf(units, 'orgkey.service');

  test(`${scope}: the unit does not break Node or delete the sockets`, (t) => {
    t.notRegex(service, /^MemoryDenyWriteExecute/m);
    // systemd would delete git.sock at each stop
    t.notRegex(service, /^RuntimeDirectory=(?:.* )?orgkey(?: |$)/m);
  });

  test(`${scope}: the unit lets the daemon stop without a failed request`, (t) => {
    t.deepEqual(lines(service, 'Type'), ['Type=exec']);
    t.deepEqual(lines(service, 'KillMode'), ['KillMode=mixed']);
    t.deepEqual(lines(service, 'TimeoutStopSec'), [`TimeoutStopSec=${STOP_SECONDS}`]);
    t.deepEqual(lines(service, 'Restart'), ['Restart=on-failure']);
    t.deepEqual(lines(service, 'StartLimitIntervalSec'), ['StartLimitIntervalSec=60']);
    t.deepEqual(lines(service, 'StartLimitBurst'), ['StartLimitBurst=30']);
    t.deepEqual(lines(service, 'Requires'), ['Requires=orgkey.socket']);
    t.deepEqual(lines(service, 'Sockets'), ['Sockets=orgkey.socket orgkey-team-a.socket']);
  });

  test(`${scope}: the unit keeps foreign code, core dumps and swap away`, (t) => {
    t.deepEqual(lines(service, 'UnsetEnvironment'), ['UnsetEnvironment=NODE_OPTIONS NODE_PATH LD_PRELOAD']);
    for (const line of ['LimitCORE=0', 'UMask=0077', 'MemorySwapMax=0'])
      t.true(service.includes(`\n${line}\n`), line);
    for (const flag of ['--disable-sigusr1', '--disable-proto=delete', '--report-exclude-env']) {
      t.true(lines(service, 'ExecStart')[0]?.includes(` ${flag} `), flag);
    }
  });
}

test('without user namespaces only the directives that need one are left out', (t) => {
  const full = textOf(userUnits(daemon), 'orgkey.service').split('\n');
  const reduced = textOf(userUnits(daemon, 'without-namespaces'), 'orgkey.service').split('\n');
  const lost = full.filter((line) => line.includes('=') && !reduced.includes(line));
  t.true(lost.length > 0);
  for (const line of lost) t.regex(line, /^(?:Protect|Private|ReadWritePaths|CapabilityBoundingSet)/);
  for (const kept of ['NoNewPrivileges=yes', 'SystemCallFilter=@system-service', 'UMask=0077']) {
    t.true(reduced.includes(kept), kept);
  }
});

const cases = [
  [[plainSocket], 'user', undefined],
  [[{...plainSocket, group: 'builders'}], 'system', undefined],
  [[{...plainSocket, group: 'builders'}], 'user', /builders.*team-a.*no group may enter/],
] as const;
for (const [sockets, scope, expected] of cases) {
  const what = sockets
    .map(({name, group}) => `${name} of ${group === undefined ? 'no group' : `group ${group}`}`)
    .join();
  test(`${scope}: the socket ${what} is ${expected === undefined ? 'accepted' : 'rejected'}`, (t) => {
    const reason = whyUnservable(sockets, scope);
    if (expected === undefined) t.is(reason, undefined);
    else t.regex(reason ?? '', expected);
  });
}

const analyze = spawnSync('systemd-analyze', ['--version']);
const onSystemd = testUnless(analyze.status === 0 ? undefined : 'there is no systemd-analyze');

function write(t: ExecutionContext, units: readonly UnitFile[]): string {
  const directory = scratchDirectory(t);
  for (const {name, text} of units) writeFileSync(join(directory, name), text);
  return directory;
}

for (const [title, units, flags] of [
  ["a user's units", userUnits(daemon), ['--user']],
  ["a user's units with awkward paths", userUnits(awkward), ['--user']],
  ["a user's units without namespaces", userUnits(daemon, 'without-namespaces'), ['--user']],
  ['the system units', systemUnits(daemon), []],
  ['the system units with awkward paths', systemUnits(awkward), []],
] as const) {
  onSystemd(`systemd accepts ${title} without a warning`, (t) => {
    const directory = write(t, units);
    const runtime = join(directory, 'run');
    mkdirSync(runtime, {mode: 0o700});
    const files = units.map(({name}) => join(directory, name));
    const verified = spawnSync('systemd-analyze', [...flags, 'verify', '--man=no', ...files], {
      env: {...process.env, XDG_RUNTIME_DIR: runtime, HOME: directory},
      encoding: 'utf8',
    });
    t.is(verified.stderr, '');
    t.is(verified.status, 0);
  });
}

for (const [scope, units, limit] of [
  ['user', userUnits(daemon), 1.9],
  ['system', systemUnits(daemon), 1.3],
] as const) {
  onSystemd(`${scope}: the exposure is at most ${limit}`, (t) => {
    const file = join(write(t, units), 'orgkey.service');
    const report = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', file], {
      encoding: 'utf8',
    });
    const exposure = Number(/exposure level for orgkey\.service: ([\d.]+)/.exec(report)?.[1]);
    t.log(`exposure ${exposure}`);
    t.true(exposure <= limit, report);
  });
}
