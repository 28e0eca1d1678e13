// usage, as root on a disposable machine: node inside-debian.ts THINGS SCENARIO
// THINGS holds two packages, `older.deb` and `newer.deb`. Prints its findings as one line of JSON.
import {copyFileSync, existsSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {askForCredential} from '../helpers/ask-for-credential.ts';
import {startCloud} from '../cloud/cloud.ts';
import {
  difference as differenceFrom,
  directory,
  git,
  mainPid,
  modes,
  type Name,
  play,
  prepareMachine,
  type Ran,
  read,
  run,
  setUpWithPat,
  tree,
  underRequests,
} from '../helpers/inside-machine.ts';

const [things = '', scenario = ''] = process.argv.slice(2);
await prepareMachine('/nowhere');
rmSync('/etc/orgkey', {recursive: true});
// the package has its own Node
for (const node of ['/usr/bin/node', '/usr/local/bin/node', '/usr/bin/nodejs']) rmSync(node, {force: true});
const before = await tree();
await play({person, machine, units, bare}, scenario);

/** A user without rights and with nothing but a home. */
async function person() {
  const cloud = await startCloud({directory: directory('/srv/cloud')});
  const contoso = cloud.addOrganization('contoso');
  const {url} = contoso.addRepository('web/site', {files: {'read.me': 'hello'}});
  const environment = cloud.environment();
  const installed = await dpkg('--install', 'older.deb');
  const node = await run('alone', ['sh', '-c', 'command -v node || echo none']);
  const version = await orgkey('alone', ['--version']);
  await run('alone', ['sh', '-c', 'umask 077; cat > pat'], {input: contoso.addPat().value});
  const homeBefore = new Set(readdirSync('/home/alone'));
  const setup = await orgkey(
    'alone',
    ['setup', '--organization', 'contoso', '--pat-file', 'pat'],
    environment,
  );
  const cloned = await git('alone', ['clone', '--quiet', url, 'site'], environment);
  const upgraded = await dpkg('--install', 'newer.deb');
  const after = {
    version: (await orgkey('alone', ['--version'])).stdout.trim(),
    restarted: (await orgkey('alone', ['service', 'restart'], environment)).code,
    cloned: (await git('alone', ['clone', '--quiet', url, 'again'], environment)).code,
  };
  const gone = await orgkey('alone', ['uninstall', '--purge', '--yes'], environment);
  const home = readdirSync('/home/alone').filter((name) => !homeBefore.has(name));
  const found = {
    installed: installed.code,
    node: node.stdout.trim(),
    version: version.stdout.trim(),
    man: (await run('alone', ['man', 'orgkey'])).stdout.includes('orgkey setup'),
    completion: (
      await run('alone', [
        'bash',
        '-c',
        '. /usr/share/bash-completion/completions/orgkey; complete -p orgkey',
      ])
    ).code,
    setup,
    cloned: {...cloned, file: read('/home/alone/site/read.me')},
    upgraded: upgraded.code,
    after,
    gone: gone.code,
    home: home.toSorted(),
    configuration: read('/home/alone/.gitconfig'),
  };
  const purged = await dpkg('--purge', 'orgkey');
  await cloud.close();
  return {...found, purged: purged.code, ...(await difference())};
}

/** The machine's service, which keeps running while the package is upgraded. */
async function machine() {
  await dpkg('--install', 'older.deb');
  const enabled = await states();
  const setup = await setUpWithPat((args) => orgkey('root', args));
  const {counts, result} = await underRequests(1, async () => {
    const first = await mainPid();
    const upgraded = await dpkg('--install', 'newer.deb');
    const second = await mainPid();
    const again = await dpkg('--install', 'newer.deb');
    const config = '/etc/orgkey/config.yaml';
    const sound = read(config);
    writeFileSync(config, `${sound}broken: [\n`);
    const broken = await dpkg('--install', 'newer.deb');
    // a key of a later version, under an older one
    writeFileSync(config, `${sound}orgkey: {futureKey: 1}\n`);
    const rolledBack = await dpkg('--install', 'older.deb');
    const warned = await orgkey('root', ['status', '--json']);
    const checked = await orgkey('root', ['config', 'check', '--config', config]);
    writeFileSync(config, sound);
    await dpkg('--install', 'newer.deb');
    return {
      upgraded: upgraded.code,
      restarted: first !== second && second !== '0',
      again: again.code,
      said: [upgraded, again].map(({stderr}) => stderr),
      broken: {code: broken.code, stderr: broken.stderr},
      rolledBack: {
        code: rolledBack.code,
        inForce: JSON.parse(warned.stdout).configuration.inForce,
        warnings: JSON.parse(warned.stdout).configuration.warnings.map(
          ({message}: {message: string}) => message,
        ),
        check: checked.code,
      },
    };
  });
  const {stdout} = await orgkey('root', ['status', '--json']);
  const removed = await dpkg('--remove', 'orgkey');
  const remaining = {
    running: (await run('root', ['systemctl', 'is-active', 'orgkey.socket', 'orgkey.service'])).stdout
      .trim()
      .split('\n'),
    git: read('/etc/gitconfig'),
    configuration: existsSync('/etc/orgkey/config.yaml'),
  };
  const purged = await dpkg('--purge', 'orgkey');
  return {
    units: enabled,
    setup,
    ...result,
    answers: Object.keys(counts),
    status: JSON.parse(stdout).version,
    removed: removed.code,
    remaining,
    purged: purged.code,
    ...(await difference()),
  };
}

/** What `setup --system` adds to the units of the package. */
async function units() {
  const own = '/etc/systemd/system/orgkey.service';
  await dpkg('--install', 'older.deb');
  await setUpWithPat((args) => orgkey('root', args));
  const plain = await unitsNow();
  const config = '/etc/orgkey/other.yaml';
  writeFileSync(
    config,
    `${read('/etc/orgkey/config.yaml')}\norgkey: {sockets: [{name: team-a, organizations: [contoso], mode: '0660'}]}\n`,
  );
  const again = await orgkey('root', ['setup', '--system', '--config', config]);
  if (again.code !== 0) throw new Error(again.stderr);
  const scoped = await unitsNow();
  const {stdout} = await orgkey('root', ['status', '--json']);
  const answers = await answersOfBoth();
  const helper = read('/run/orgkey/scoped/team-a/gitconfig').includes('credential');
  await dpkg('--install', 'newer.deb');
  const newer = await unitsNow();
  const answersAgain = await answersOfBoth();
  for (const name of ['orgkey.service', 'orgkey.socket'])
    copyFileSync(`/usr/lib/systemd/system/${name}`, `/etc/systemd/system/${name}`);
  await run('root', ['systemctl', 'reenable', 'orgkey.service', 'orgkey.socket']);
  const {delta: copied} = await unitsNow();
  await dpkg('--install', 'older.deb');
  const without = await unitsNow();
  const enabled = await states();
  writeFileSync(own, read(`/usr/lib/systemd/system/orgkey.service`).replace('=16384', '=123'));
  await run('root', ['systemctl', 'daemon-reload']);
  await orgkey('root', ['setup', '--system', '--config', config]);
  const {delta: _, ...kept} = await unitsNow();
  const doctor = await orgkey('root', ['doctor', '--json', '--config', config]);
  const gone = await orgkey('root', ['uninstall', '--system']);
  const {files} = await unitsNow();
  const disabled = await states();
  rmSync(own, {force: true});
  const purged = await dpkg('--purge', 'orgkey');
  return {
    plain,
    scoped,
    configuration: stdout.includes(config),
    answers,
    helper,
    newer,
    answersAgain,
    copied,
    without,
    enabled,
    own: kept,
    replaced: JSON.parse(doctor.stdout).diagnostics.filter(({title}: {title: string}) => title === 'unit'),
    uninstalled: {code: gone.code, files},
    disabled,
    purged: purged.code,
    ...(await difference()),
  };
}

/** The administrator's files for our units, what systemd says of them, and a limit of the unit in force. */
async function unitsNow() {
  const found = await run('root', [
    'find',
    '/etc/systemd/system',
    '/etc/sysusers.d',
    '-type',
    'f',
    '-name',
    'orgkey*',
    '-o',
    '-path',
    '*/orgkey*/*',
    '-type',
    'f',
  ]);
  const delta = await run('root', ['systemd-delta', '--no-pager', '--diff=no', 'systemd/system']);
  const limit = await run('root', ['systemctl', 'show', '-P', 'LimitNOFILE', 'orgkey.service']);
  return {
    files: found.stdout
      .split('\n')
      .filter((line) => line !== '')
      .toSorted(),
    delta: [...delta.stdout.matchAll(/^\[(\w+)\] +\S+\/(orgkey\S*) ->/gm)].map(
      ([, how, name]) => `${how} ${name}`,
    ),
    limit: limit.stdout.trim(),
  };
}

async function answersOfBoth() {
  const [main, scoped] = ['git.sock', 'scoped/team-a/git.sock'].map((path) =>
    askForCredential(`/run/orgkey/${path}`, 'contoso'),
  );
  return {main: await main, scoped: await scoped};
}

async function states(): Promise<readonly string[]> {
  const {stdout} = await run('root', ['systemctl', 'is-enabled', 'orgkey.socket', 'orgkey.service']);
  return stdout.trim().split('\n');
}

/** A machine without systemd, and even without its programs, such as a container. */
async function bare() {
  rmSync('/run/systemd/system', {recursive: true, force: true});
  for (const program of ['systemctl', 'systemd-sysusers']) rmSync(`/usr/bin/${program}`, {force: true});
  const installed = await dpkg('--install', 'older.deb');
  const again = await dpkg('--install', 'older.deb');
  const files = (await run('root', ['dpkg', '--listfiles', 'orgkey'])).stdout.trim().split('\n');
  const wrong = (await run('root', ['dpkg', '--verify', 'orgkey'])).stdout;
  const odd = (await modes(files.filter((file) => file !== '/.'))).filter(
    (line) => !/ (?:drwxr-xr-x|-rw-r--r--|-rwxr-xr-x|lrwxrwxrwx) root:root$/.test(line),
  );
  const conffiles = (await run('root', ['dpkg-query', '--show', '--showformat', '${Conffiles}', 'orgkey']))
    .stdout;
  writeFileSync('/etc/orgkey-not-ours', '');
  const removed = await dpkg('--remove', 'orgkey');
  const left = await difference();
  const purged = await dpkg('--purge', 'orgkey');
  rmSync('/etc/orgkey-not-ours');
  return {
    installed,
    again: again.code,
    hasFiles: files.length > 20,
    elsewhere: files.filter((file) => !/^\/\.$|^\/usr(?:$|\/(?:bin|lib|share)(?:$|\/))/.test(file)),
    wrong,
    odd,
    conffiles,
    removed: removed.code,
    left: left.left,
    purged: purged.code,
    finally: (await difference()).left,
  };
}

function dpkg(operation: string, what: string): Promise<Ran> {
  return run('root', [
    'dpkg',
    '--force-depends',
    operation,
    what.endsWith('.deb') ? join(things, what) : what,
  ]);
}

function orgkey(
  who: Name,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return run(who, ['orgkey', ...args], {environment});
}

function difference() {
  return differenceFrom(before, /^\/var\/lib\/dpkg\/|^\/(?:home|root)(?:\/| )/);
}
