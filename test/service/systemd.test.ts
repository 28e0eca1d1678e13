import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SocketSettings} from '../../src/config/configuration.ts';
import type {ServiceResult} from '../../src/service/service-result.ts';
import {systemUnits} from '../../src/service/systemd-units.ts';
import {SystemdService} from '../../src/service/systemd.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const scoped = {
  name: 'team-a',
  organizations: ['contoso'],
  mode: 0o660,
  group: undefined,
  gateway: undefined,
};

/** A fake systemctl that keeps states and records its calls. */
class Systemctl {
  readonly calls: string[] = [];
  active = new Set<string>();
  enabled = new Set<string>();
  /** The unit whose start fails with this status, if its file matches. */
  failing: {readonly unit: string; readonly status: number; readonly where?: RegExp} | undefined;
  failed = new Set<string>();
  /** The error of every call: no manager runs. */
  silence: string | undefined;
  /** The directories in which the manager reads units. */
  unitPath = '';
  /** The administrator's units, then a package's. */
  readonly #directories: readonly string[];

  constructor(directories: readonly string[]) {
    this.#directories = directories;
  }

  #find(unit: string): string | undefined {
    return this.#directories.map((directory) => join(directory, unit)).find((path) => existsSync(path));
  }

  readonly run = async (
    command: readonly string[],
    environment: Readonly<Record<string, string | undefined>>,
  ) => {
    if (this.silence !== undefined) return finished(1, '', this.silence);
    if (command[0] !== 'systemctl') {
      this.calls.push(command.join(' '));
      return finished(0);
    }
    const [verb = '', ...units] = command.slice(1).filter((word) => !word.startsWith('--'));
    if (command.includes('--property=UnitPath')) return finished(0, `UnitPath=${this.unitPath}\n`);
    if (verb === 'show') return finished(0, this.#show(units[0] ?? ''));
    if (verb === 'is-enabled') {
      return finished(0, units.map((unit) => (this.enabled.has(unit) ? 'enabled' : 'disabled')).join('\n'));
    }
    this.calls.push([verb, ...units].join(' '));
    if (command[1] === '--user' && environment['XDG_RUNTIME_DIR'] === undefined) return finished(1);
    for (const unit of units) this.#do(verb, unit);
    return finished(
      this.failed.size > 0 && /^(?:re)?start$/.test(verb) ? 1 : 0,
      '',
      'Job failed. See the log.\n',
    );
  };

  #do(verb: string, unit: string): void {
    if (verb === 'enable') this.enabled.add(unit);
    if (verb === 'disable') this.enabled.delete(unit);
    if (verb === 'stop' || verb === 'disable') this.active.delete(unit);
    if (verb === 'reset-failed') this.failed.delete(unit);
    if (verb !== 'start' && verb !== 'restart') return;
    const text = readFileSync(this.#find(unit) ?? unit, 'utf8');
    const isFailing = this.failing?.unit === unit && (this.failing.where?.test(text) ?? true);
    if (isFailing) this.failed.add(unit);
    else this.active.add(unit);
  }

  #show(unit: string): string {
    const properties = {
      LoadState: this.#find(unit) === undefined ? 'not-found' : 'loaded',
      ActiveState: this.failed.has(unit) ? 'failed' : this.active.has(unit) ? 'active' : 'inactive',
      SubState: 'any',
      Result: this.failed.has(unit) ? 'exit-code' : 'success',
      MainPID: this.active.has(unit) ? '4711' : '0',
      ExecMainStatus: String(this.failed.has(unit) ? this.failing?.status : 0),
    };
    return Object.entries(properties)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n');
  }
}

function finished(code: number, stdout = '', stderr = '') {
  return {code, stdout, stderr};
}

function make(
  t: ExecutionContext,
  scope: 'user' | 'system' = 'user',
  environment: Readonly<Record<string, string>> = {},
) {
  const directory = scratchDirectory(t);
  const units = join(directory, scope === 'user' ? 'home/.config/systemd/user' : 'etc/systemd/system');
  const systemctl = new Systemctl([units, join(directory, 'lib/systemd/system')]);
  const machine = {
    platform: 'linux',
    uid: 1000,
    homeDirectory: join(directory, 'home'),
    environment,
    run: systemctl.run,
    wait: async () => {},
  } as const;
  const daemonWith = (sockets: readonly SocketSettings[], main: string, configFile?: string) => ({
    node: '/usr/bin/node',
    main,
    configFile,
    runtimeDirectory: '/unused',
    stateDirectory: join(directory, 'home/state'),
    sockets,
  });
  const serviceWith = (
    sockets: readonly SocketSettings[],
    main = '/opt/orgkey/main.js',
    configFile?: string,
  ) =>
    new SystemdService(scope, machine, daemonWith(sockets, main, configFile), {
      administrator: join(directory, 'etc'),
      packages: join(directory, 'lib'),
    });
  /** Puts the units there that a package with this program brings. */
  const installPackage = (main = '/opt/orgkey/main.js') => {
    mkdirSync(join(directory, 'lib/systemd/system'), {recursive: true});
    for (const {name, text} of systemUnits(daemonWith([], main)))
      writeFileSync(join(directory, 'lib/systemd/system', name), text);
  };
  return {directory, units, systemctl, serviceWith, installPackage, service: serviceWith([])};
}

test('install writes the units, enables the sockets and starts', async (t) => {
  const {service, systemctl, units, directory} = make(t);
  const outcome = await service.install();
  t.is(outcome.kind, 'done', JSON.stringify(outcome));
  t.deepEqual(systemctl.calls, [
    'daemon-reload',
    'enable orgkey.socket',
    'reset-failed orgkey.socket orgkey.service',
    'start orgkey.socket',
    'start orgkey.service',
  ]);
  t.deepEqual(readdirSync(units).toSorted(), ['orgkey.service', 'orgkey.socket']);
  t.is(statSync(join(units, 'orgkey.service')).mode & 0o777, 0o644);
  t.is(statSync(join(directory, 'home/state')).mode & 0o777, 0o700);
  t.is(service.runtimeDirectory, '/run/user/1000/orgkey');
});

test('a second install changes nothing, and plan says so', async (t) => {
  const {service, systemctl} = make(t);
  await service.install();
  systemctl.calls.length = 0;
  t.deepEqual(await service.plan(), {kind: 'done', changes: []});
  t.deepEqual(await service.install(), {kind: 'done', changes: []});
  t.deepEqual(systemctl.calls, []);
});

test('plan changes nothing', async (t) => {
  const {service, systemctl, directory} = make(t);
  const outcome = await service.plan();
  t.is(outcome.kind === 'done' && outcome.changes.length, 8);
  t.deepEqual(systemctl.calls, []);
  t.deepEqual(readdirSync(directory), []);
});

test('a new scoped socket is added without a restart of the main socket', async (t) => {
  const {service, serviceWith, systemctl} = make(t);
  await service.install();
  systemctl.calls.length = 0;
  await serviceWith([scoped]).install();
  t.deepEqual(systemctl.calls, [
    'daemon-reload',
    'enable orgkey.socket orgkey-team-a.socket',
    'restart orgkey-team-a.socket orgkey.service',
    'start orgkey.socket orgkey-team-a.socket orgkey.service',
  ]);
});

test('a scoped socket that is no longer configured is removed', async (t) => {
  const {serviceWith, systemctl, units} = make(t);
  await serviceWith([scoped]).install();
  writeFileSync(join(units, 'orgkey.service.d'), 'not ours');
  systemctl.calls.length = 0;
  await serviceWith([]).install();
  t.deepEqual(systemctl.calls, ['disable orgkey-team-a.socket', 'daemon-reload', 'restart orgkey.service']);
  t.deepEqual(readdirSync(units).toSorted(), ['orgkey.service', 'orgkey.service.d', 'orgkey.socket']);
});

test('a new version restarts the daemon only', async (t) => {
  const {service, serviceWith, systemctl, units} = make(t);
  await service.install();
  systemctl.calls.length = 0;
  await serviceWith([], '/opt/newer/main.js').install();
  t.deepEqual(systemctl.calls, ['daemon-reload', 'restart orgkey.service']);
  t.regex(readFileSync(join(units, 'orgkey.service'), 'utf8'), /ExecStart=.*\/opt\/newer\/main\.js/);
});

for (const status of [217, 218, 226]) {
  test(`status ${status}: a reduced unit is installed, and stays reduced`, async (t) => {
    const {service, serviceWith, systemctl, units} = make(t);
    systemctl.failing = {unit: 'orgkey.service', status, where: /^PrivateUsers=yes$/m};
    const outcome = await service.install();
    t.is(outcome.kind, 'done', JSON.stringify(outcome));
    const isReduced = () => !/^PrivateUsers/m.test(readFileSync(join(units, 'orgkey.service'), 'utf8'));
    t.true(isReduced());
    t.is((await service.status()).state, 'running');
    t.deepEqual(await service.plan(), {kind: 'done', changes: []});
    await serviceWith([], '/opt/newer/main.js').install();
    t.true(isReduced());
  });
}

test('another failure of the daemon is reported with the command for its log', async (t) => {
  const {service, systemctl} = make(t);
  systemctl.failing = {unit: 'orgkey.service', status: 1};
  const outcome = await service.install();
  t.deepEqual(outcome, {
    kind: 'failed',
    message: 'systemctl --user start orgkey.service failed with status 1: Job failed. See the log.',
    hint: 'run: journalctl --user -u orgkey.service -n 20',
  });
  t.like(await service.status(), {state: 'failed', reason: 'it ended with status 1'});
});

test('start resets a crash loop, and stop stops the sockets too', async (t) => {
  const {service, systemctl} = make(t);
  await service.install();
  systemctl.active.clear();
  systemctl.calls.length = 0;
  await service.start();
  t.deepEqual(systemctl.calls, [
    'reset-failed orgkey.socket orgkey.service',
    'start orgkey.socket',
    'start orgkey.service',
  ]);
  systemctl.calls.length = 0;
  await service.stop();
  t.deepEqual(systemctl.calls, ['stop orgkey.socket orgkey.service']);
  t.is((await service.status()).state, 'stopped');
  t.deepEqual(await service.stop(), {kind: 'done', changes: []});
});

test('restart leaves the sockets open', async (t) => {
  const {service, systemctl} = make(t);
  await service.install();
  systemctl.calls.length = 0;
  await service.restart();
  t.deepEqual(systemctl.calls, ['restart orgkey.service']);
});

test('a service that waits for its first request is listening', async (t) => {
  const {service, systemctl} = make(t);
  await service.install();
  systemctl.active.delete('orgkey.service');
  t.deepEqual(await service.status(), {
    installed: true,
    state: 'listening',
  });
});

test('uninstall removes only our units', async (t) => {
  const {serviceWith, systemctl, units} = make(t);
  const service = serviceWith([scoped]);
  await service.install();
  writeFileSync(join(units, 'other.service'), '');
  systemctl.calls.length = 0;
  t.is((await service.uninstall()).kind, 'done');
  t.deepEqual(readdirSync(units), ['other.service']);
  t.regex(systemctl.calls[0] ?? '', /^disable .*orgkey-team-a\.socket.*orgkey\.socket/);
  t.deepEqual(await service.uninstall(), {kind: 'done', changes: []});
});

for (const scope of ['user', 'system'] as const) {
  test(`${scope}: without a manager install writes nothing and uninstall removes all`, async (t) => {
    const {service, systemctl, units, directory} = make(t, scope);
    systemctl.silence = 'System has not been booted.\nFailed to connect to bus: Host is down\n';
    for (const outcome of [await service.plan(), await service.install()]) {
      if (outcome.kind === 'done') return t.fail();
      t.regex(outcome.message, /^systemd.* does not answer: Failed to connect to bus: Host is down$/);
      t.regex(outcome.hint ?? '', /orgkey/);
    }
    t.deepEqual(readdirSync(directory), []);

    systemctl.silence = undefined;
    await service.install();
    for (const [link, unit] of [
      ['sockets.target.wants', 'orgkey.socket'],
      [scope === 'user' ? 'default.target.wants' : 'multi-user.target.wants', 'orgkey.service'],
    ] as const) {
      mkdirSync(join(units, link));
      symlinkSync(join(units, unit), join(units, link, unit));
    }
    systemctl.silence = 'Failed to connect to bus: Host is down\n';
    const removed = await service.uninstall();
    if (removed.kind === 'failed') return t.fail(removed.message);
    t.regex(removed.warning ?? '', /systemctl.* disable --now .*Failed to connect to bus: Host is down$/);
    const left = readdirSync(directory, {recursive: true, withFileTypes: true});
    t.deepEqual(
      left.filter((entry) => !entry.isDirectory()).map(({name}) => name),
      [],
    );
    t.deepEqual(await service.uninstall(), {kind: 'done', changes: []});
  });
}

function pathsOf(outcome: ServiceResult): readonly string[] {
  return outcome.kind === 'done'
    ? outcome.changes.flatMap((one) => (one.kind === 'write' ? one.path : []))
    : [];
}

for (const [title, config] of [
  ['is somewhere else', '/elsewhere'],
  ['is empty', ''],
  ['is relative', 'relative'],
] as const) {
  test(`units go where the manager reads them if XDG_CONFIG_HOME ${title}`, async (t) => {
    const environment = {XDG_CONFIG_HOME: config, XDG_RUNTIME_DIR: config === '/elsewhere' ? '/r' : config};
    const {service, systemctl, directory} = make(t, 'user', environment);
    const files = ['orgkey.socket', 'orgkey.service'];
    t.deepEqual(
      pathsOf(await service.plan()),
      files.map((name) => join(directory, 'home/.config/systemd/user', name)),
    );
    systemctl.unitPath = '/h/user.control /r/systemd/user.control "/h o/me/systemd/user" /etc/systemd/user';
    t.deepEqual(
      pathsOf(await service.plan()),
      files.map((name) => `/h o/me/systemd/user/${name}`),
    );
    t.is(service.runtimeDirectory, config === '/elsewhere' ? '/r/orgkey' : '/run/user/1000/orgkey');
  });
}

for (const order of ['start', 'restart'] as const) {
  test(`${order} fails if the service is not installed`, async (t) => {
    const {service} = make(t);
    t.like(await service[order](), {kind: 'failed', message: 'the service is not installed'});
  });
}

test('a group that cannot reach its socket is rejected before any write', async (t) => {
  const {serviceWith, directory, systemctl} = make(t);
  const outcome = await serviceWith([{...scoped, group: 'builders', gateway: undefined}]).install();
  t.is(outcome.kind, 'failed');
  t.deepEqual(readdirSync(directory), []);
  t.deepEqual(systemctl.calls, []);
});

test('a path that would add lines to a unit is rejected', async (t) => {
  const {serviceWith, directory} = make(t);
  const outcome = await serviceWith([], '/opt/x\nExecStartPre=/bin/evil').install();
  t.like(outcome, {kind: 'failed', message: 'a unit cannot hold a path with control characters'});
  t.deepEqual(readdirSync(directory), []);
});

test('the system service makes its user and starts at boot', async (t) => {
  const {service, systemctl, directory} = make(t, 'system');
  t.is((await service.install()).kind, 'done');
  t.deepEqual(
    systemctl.calls.map((call) => call.replace(directory, '')),
    [
      'systemd-sysusers /etc/sysusers.d/orgkey.conf',
      'daemon-reload',
      'enable orgkey.socket orgkey.service',
      'reset-failed orgkey.socket orgkey.service',
      'start orgkey.socket',
      'start orgkey.service',
    ],
  );
  t.is(service.runtimeDirectory, '/run/orgkey');
  await service.uninstall();
  t.false(existsSync(join(directory, 'etc/sysusers.d/orgkey.conf')));
});

/** Returns the files that an administrator sees, without directories. */
function filesIn(directory: string): readonly string[] {
  return readdirSync(directory, {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile())
    .map(({parentPath, name}) => join(parentPath, name).slice(directory.length + 1))
    .toSorted();
}

test('the units of the package that runs are used as they are', async (t) => {
  const {service, installPackage, systemctl, directory} = make(t, 'system');
  installPackage();
  t.is((await service.install()).kind, 'done');
  t.deepEqual(
    filesIn(directory).filter((path) => path.startsWith('etc')),
    [],
  );
  t.deepEqual(systemctl.calls.slice(0, 2), [
    'enable orgkey.socket orgkey.service',
    'reset-failed orgkey.socket orgkey.service',
  ]);
  t.deepEqual(await service.plan(), {kind: 'done', changes: []});
  t.is((await service.uninstall()).kind, 'done');
  t.is(filesIn(directory).length, 2);
  t.deepEqual([...systemctl.enabled], []);
  t.deepEqual(await service.uninstall(), {kind: 'done', changes: []});
});

test('a drop-in only adds to the lists of a packaged unit', async (t) => {
  const {serviceWith, installPackage, systemctl, units} = make(t, 'system');
  installPackage();
  await serviceWith([]).install();
  systemctl.calls.length = 0;
  await serviceWith([scoped], undefined, '/srv/50% off/orgkey.yaml').install();
  t.deepEqual(filesIn(units), ['orgkey-team-a.socket', 'orgkey.service.d/50-setup.conf']);
  const text = readFileSync(join(units, 'orgkey.service.d/50-setup.conf'), 'utf8');
  t.deepEqual(
    text.split('\n').flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? []),
    ['Wants', 'After', 'Environment', 'Sockets', 'ReadWritePaths'],
  );
  t.true(text.includes('Environment="ORGKEY_CONFIG=/srv/50%% off/orgkey.yaml"\n'));
  t.deepEqual(systemctl.calls.slice(0, 3), [
    'daemon-reload',
    'enable orgkey.socket orgkey-team-a.socket orgkey.service',
    'restart orgkey-team-a.socket orgkey.service',
  ]);
  systemctl.calls.length = 0;
  await serviceWith([]).install();
  t.deepEqual(filesIn(units), []);
  t.deepEqual(systemctl.calls, [
    'disable orgkey-team-a.socket',
    'rmdir ' + join(units, 'orgkey.service.d'),
    'daemon-reload',
    'restart orgkey.service',
  ]);
});

test("copies that setup wrote before make way for the package's units", async (t) => {
  const {service, installPackage, systemctl, directory} = make(t, 'system');
  await service.install();
  installPackage();
  systemctl.calls.length = 0;
  t.is((await service.install()).kind, 'done');
  t.deepEqual(filesIn(join(directory, 'etc')), []);
  // nothing changes for the socket, which stays open
  t.deepEqual(systemctl.calls.slice(0, 2), ['daemon-reload', 'reenable orgkey.socket orgkey.service']);
  t.false(systemctl.calls.some((call) => /^(?:re)?start .*socket/.test(call)));
});

test("the administrator's own unit stays beside a package, also after uninstall", async (t) => {
  const {service, installPackage, units} = make(t, 'system');
  installPackage();
  await service.install();
  mkdirSync(units, {recursive: true});
  writeFileSync(join(units, 'orgkey.service'), '[Service]\nExecStart=/bin/true\n');
  await service.install();
  t.deepEqual(filesIn(units), ['orgkey.service']);
  await service.uninstall();
  t.deepEqual(filesIn(units), ['orgkey.service']);
});

test('a program that is not the one of the package writes whole units', async (t) => {
  const {service, installPackage, units} = make(t, 'system');
  installPackage('/usr/lib/orgkey/dist/main.js');
  await service.install();
  t.deepEqual(filesIn(units), ['orgkey.service', 'orgkey.socket']);
});
