// usage, as root on a machine that can be spoiled: node inside-debian.ts THINGS SCENARIO
// THINGS has two packages, `older.deb` and `newer.deb`. Prints what it found as one line of JSON.
import {existsSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {startCloud} from '../cloud/cloud.ts';
import {askForCredential as ask} from '../helpers/ask-for-credential.ts';
import {
  directory,
  git,
  modes,
  type Name,
  prepareMachine,
  type Ran,
  read,
  run,
  tree,
} from '../helpers/inside-machine.ts';

const [things = '', scenario = ''] = process.argv.slice(2);
const scenarios: Readonly<Record<string, () => Promise<unknown>>> = {
  person: () => person(),
  machine: () => machine(),
  bare: () => bare(),
};
const chosen = scenarios[scenario];
if (chosen === undefined) throw new Error('no such scenario');
await prepareMachine('/nowhere');
rmSync('/etc/orgkey', {recursive: true});
// It has its own
for (const node of ['/usr/bin/node', '/usr/local/bin/node', '/usr/bin/nodejs']) rmSync(node, {force: true});
const before = await tree();
console.log(JSON.stringify(await chosen()));
process.exit(0);

/** Somebody without rights and with nothing but a home. */
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
  const gone = await orgkey('alone', ['uninstall', '--purge'], environment);
  const home = readdirSync('/home/alone').filter((name) => !homeBefore.has(name));
  const found = {
    installed: installed.code,
    node: node.stdout.trim(),
    version: version.stdout.trim(),
    man: (await run('alone', ['man', 'git-credential-orgkey'])).stdout.includes('orgkey setup'),
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

/** The machine's service, which goes on while the package is upgraded. */
async function machine() {
  await dpkg('--install', 'older.deb');
  const units = await run('root', ['systemctl', 'is-enabled', 'orgkey.socket', 'orgkey.service']);
  await run('root', ['sh', '-c', 'mkdir /etc/orgkey; umask 077; cat > /etc/orgkey/pat'], {
    input: 'p'.repeat(52),
  });
  const setup = await orgkey('root', [
    'setup',
    '--system',
    '--organization',
    'contoso',
    '--pat-file',
    '/etc/orgkey/pat',
  ]);
  if (setup.code !== 0) throw new Error(setup.stderr);
  const over = new AbortController();
  const answers = new Set<string>();
  const client = (async () => {
    while (!over.signal.aborted) {
      answers.add(await ask('/run/orgkey/git.sock', 'contoso'));
      await wait(20);
    }
  })();
  const first = await mainPid();
  const upgraded = await dpkg('--install', 'newer.deb');
  const second = await mainPid();
  const again = await dpkg('--install', 'newer.deb');
  over.abort();
  await client;
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
    units: units.stdout.trim().split('\n'),
    setup,
    upgraded: upgraded.code,
    restarted: first !== second && second !== '0',
    again: again.code,
    answers: [...answers],
    status: JSON.parse(stdout).version,
    removed: removed.code,
    remaining,
    purged: purged.code,
    ...(await difference()),
  };
}

async function mainPid(): Promise<string> {
  return (await run('root', ['systemctl', 'show', '-P', 'MainPID', 'orgkey.service'])).stdout.trim();
}

/** Where no systemd runs, as in containers, and even without its programs. */
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

async function difference() {
  const dpkgs = /^\/var\/lib\/dpkg\/|^\/(?:home|root)(?:\/| )/;
  const now = await tree();
  return {
    left: [...now].filter((path) => !before.has(path) && !dpkgs.test(path)),
    lost: [...before].filter((path) => !now.has(path) && !dpkgs.test(path)),
  };
}
