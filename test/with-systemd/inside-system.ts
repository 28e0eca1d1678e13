// usage, as root on a disposable machine with its own systemd: node inside-system.ts APP SCENARIO
// Prints its findings as one line of JSON.
import {appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {makePrivateKey} from '../../src/ssh/key/private-key.ts';
import {startCloud} from '../cloud/cloud.ts';
import {
  difference,
  directory,
  git,
  mainPid,
  modes,
  type Name,
  PAT,
  PAT_FILE,
  play,
  prepareMachine,
  type Ran,
  read,
  run,
  setUpWithPat,
  type Surroundings,
  systemctl,
  tree,
  underRequests,
  until,
} from '../helpers/inside-machine.ts';
import {askForCredential as ask} from '../helpers/ask-for-credential.ts';
import {askPath} from '../helpers/daemon.ts';

const [app = '', scenario = ''] = process.argv.slice(2);
const gitSocket = '/run/orgkey/git.sock';
const config = '/etc/orgkey/config.yaml';

await prepareMachine(join(app, 'dist'));
await play({setup, scoped, life, logs, wrong, credential}, scenario);

/** From nothing to a clone, and back. */
async function setup() {
  const cloud = await startCloud({directory: directory('/srv/cloud')});
  const tenant = cloud.addTenant();
  const application = tenant.addApplication();
  const contoso = cloud.addOrganization('contoso', {tenant, members: [application]});
  const {url} = contoso.addRepository('web/site', {files: {'read.me': 'hello'}});
  const environment = cloud.environment();
  const before = await tree();
  writeEnvironment(environment);

  writeFileSync('/root/secret', application.secret, {mode: 0o600});
  const setUp = ['setup', '--system', '--organization', 'contoso', '--client-id', application.clientId];
  const tenantAndSecret = (file: string) => ['--tenant-id', tenant.id, '--client-secret-file', file];
  const outOfReach = await orgkey([...setUp, ...tenantAndSecret('/root/secret')], {environment});
  const untouched = !existsSync(config) && !existsSync('/etc/systemd/system/orgkey.socket');
  writeFileSync('/etc/orgkey/secret', application.secret, {mode: 0o600});
  const planned = await orgkey([...setUp, ...tenantAndSecret('/etc/orgkey/secret'), '--dry-run'], {
    environment,
  });
  const stillUntouched = !existsSync(config);
  const done = await orgkey([...setUp, ...tenantAndSecret('/etc/orgkey/secret')], {environment});
  const again = await orgkey([...setUp, ...tenantAndSecret('/etc/orgkey/secret')], {environment});

  await run('root', ['usermod', '--append', '--groups', 'orgkey', 'member']);
  const clone = (who: Name) => git(who, ['clone', '--quiet', url, `/home/${who}/site`], environment);
  const [member, alone] = [await clone('member'), await clone('alone')];
  const readable: Record<string, string[]> = {};
  for (const who of ['member', 'alone'] as const) {
    const files = [
      config,
      '/etc/orgkey/secret',
      '/var/lib/orgkey',
      '/run/orgkey/control',
      '/run/orgkey/ssh',
      '/run/orgkey/grants',
      '/var/lib/orgkey-setup',
    ];
    readable[who] = [];
    for (const file of files)
      if ((await run(who, ['ls', `${file}/`])).code === 0 || (await run(who, ['cat', file])).code === 0)
        readable[who].push(file);
  }
  const found = {
    outOfReach,
    untouched: untouched && stillUntouched,
    planned: planned.stdout,
    saidAgain: again.stderr,
    saidToOther: alone.stderr,
    done,
    again,
    member: {...member, file: read('/home/member/site/read.me')},
    alone,
    readable,
    modes: await modes([
      '/run/orgkey',
      gitSocket,
      '/run/orgkey/control',
      '/run/orgkey/ssh',
      '/var/lib/orgkey',
      '/etc/orgkey',
      config,
      '/etc/orgkey/secret',
    ]),
    state: readdirSync('/var/lib/orgkey').toSorted(),
    user: (await run('root', ['id', 'orgkey'])).stdout.replaceAll(/\d+/g, 'N').trim(),
    status: JSON.parse((await orgkey(['status', '--json'])).stdout).health,
    service: (await orgkey(['service', 'status', '--system'])).stdout.replace(/\d+/, 'N').trim(),
    doctor: await orgkey(['doctor', 'contoso'], {environment}),
    exposure: Number(
      /: (\d+\.\d+)/.exec(
        (await run('root', ['systemd-analyze', 'security', '--no-pager', 'orgkey.service'])).stdout,
      )?.[1],
    ),
  };
  const taken = await orgkey(['uninstall', '--system', '--purge', '--yes']);
  await run('root', [
    'rm',
    '-rf',
    '/root/secret',
    '/root/.local',
    '/home/member/site',
    '/home/member/.local',
    '/home/alone/.local',
  ]);
  const changed = await difference(before);
  await cloud.close();
  return {...found, taken, ...changed};
}

function writeEnvironment(environment: Readonly<Record<string, string>>): void {
  const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync('/etc/orgkey/env', lines.join(''), {mode: 0o600});
}

/** Scoped sockets for groups, over HTTPS and over SSH. */
async function scoped() {
  const cloud = await startCloud({directory: directory('/srv/cloud')});
  const contoso = cloud.addOrganization('contoso');
  const fabrikam = cloud.addOrganization('fabrikam');
  const {key, secret} = await makePrivateKey();
  contoso.addSshKey(key.publicLine('test'));
  contoso.addRepository('Web/lib', {files: {'lib.txt': 'lib'}});
  const site = contoso.addRepository('Web/site', {
    files: {'read.me': 'hello'},
    submodules: [{path: 'lib', url: 'git@ssh.dev.azure.com:v3/contoso/Web/lib'}],
  });
  const environment = cloud.environment();
  writeEnvironment(environment);
  writeFileSync('/etc/orgkey/key', secret.revealText(), {mode: 0o600});
  writeFileSync(
    config,
    `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], personalAccessToken: ${contoso.addPat().value}}
        - {organizations: [fabrikam], personalAccessToken: ${fabrikam.addPat().value}}
orgkey:
  sockets:
    - {name: team-a, organizations: [contoso], mode: "0660", group: builders}
    - {name: team-b, organizations: [fabrikam]}
  submodules:
    - organizations: [contoso]
      privateKey: {$file: key}
      knownHosts: ${JSON.stringify(cloud.knownHosts())}
`,
    {mode: 0o600},
  );
  const unread = await orgkey(['setup', '--system'], {environment});
  await run('root', ['chgrp', 'orgkey-config', config, '/etc/orgkey/key']);
  await run('root', ['chmod', '640', config, '/etc/orgkey/key']);
  const done = await orgkey(['setup', '--system'], {environment});
  const scope = '/run/orgkey/scoped/team-a';
  const answers: Record<string, string> = {};
  for (const who of ['builder', 'alone'] as const)
    for (const [socket, organization] of [
      [`${scope}/git.sock`, 'contoso'],
      [`${scope}/git.sock`, 'fabrikam'],
      ['/run/orgkey/scoped/team-b/git.sock', 'fabrikam'],
      [gitSocket, 'contoso'],
    ] as const)
      answers[`${who} ${socket.replace('/run/orgkey/', '')} ${organization}`] = await fill(
        who,
        socket,
        organization,
      );
  const found = {
    unread,
    saidUnread: unread.stderr,
    done,
    answers,
    modes: await modes([
      '/run/orgkey/scoped',
      scope,
      `${scope}/git.sock`,
      `${scope}/ssh`,
      '/run/orgkey/scoped/team-b/git.sock',
      '/run/orgkey/grants',
      `${scope}/gitconfig`,
    ]),
    clientFiles: Object.fromEntries(
      ['gitconfig', 'submodules.gitconfig', 'git-credential-orgkey', 'orgkey-ssh'].map((file) => [
        file,
        read(join(scope, file)).split('\n')[0],
      ]),
    ),
  };

  // in a submodule git's ssh asks on the same socket, and its grant is next to it, for the same group
  const clone = ['clone', '--quiet', '--recurse-submodules', site.url, '/home/builder/site'];
  const cloned = await git('builder', clone, {...environment, ORGKEY_RUNTIME_DIR: scope});
  const refused = await git('alone', [...clone.slice(0, -1), '/home/alone/site'], {
    ...environment,
    ORGKEY_RUNTIME_DIR: scope,
  });
  // the same on the main socket, for the group of that socket
  await run('root', ['usermod', '--append', '--groups', 'orgkey', 'member']);
  const ofMember = await git('member', [...clone.slice(0, -1), '/home/member/site'], environment);
  return {
    ...found,
    ofMember: {...ofMember, file: read('/home/member/site/lib/lib.txt')},
    cloned: {...cloned, file: read('/home/builder/site/lib/lib.txt')},
    refused,
    granted: await grants(),
    left: [...readdirSync(`${scope}/ssh`), ...readdirSync('/run/orgkey/grants')],
    restarted: await restarted(`${scope}/git.sock`),
    late: await late(),
    taken: (await orgkey(['uninstall', '--system'])).code,
    run: existsSync('/run/orgkey'),
  };
}

/** A scoped socket that is added later: the daemon's notice has the command that makes systemd open it. */
async function late() {
  writeFileSync(
    config,
    read(config).replace(
      '  submodules:',
      '    - {name: late, organizations: [contoso], mode: "0666"}\n  submodules:',
    ),
  );
  await until(async () => health(await orgkey(['status', '--json'])) === 'error');
  const {notices} = JSON.parse((await orgkey(['status', '--json'])).stdout);
  const installed = await orgkey(['service', 'install']);
  return {
    hint: notices[0].hint,
    installed: installed.code,
    answer: await fill('alone', '/run/orgkey/scoped/late/git.sock', 'contoso'),
  };
}

/** Returns the answer of a scoped socket after a restart of the daemon. */
async function restarted(socket: string): Promise<string> {
  await orgkey(['service', 'restart', '--system']);
  return ask(socket, 'contoso');
}

/** Started by the first request; restarted under requests; killed. */
async function life() {
  await setUpPat();
  await systemctl('stop', 'orgkey.service');
  const before = (await orgkey(['service', 'status', '--system'])).stdout.trim();
  const first = await fill('member', gitSocket, 'contoso');
  const started = await mainPid();

  const {counts, result: processes} = await underRequests(4, async (soFar) => {
    const pids = new Set<string>();
    for (let restart = 0; restart < 5; restart++) {
      const target = (soFar['secret'] ?? 0) + 50;
      await orgkey(['service', 'restart', '--system']);
      await until(async () => (soFar['secret'] ?? 0) >= target || Object.keys(soFar).length > 1);
      pids.add(await mainPid());
    }
    return pids;
  });

  const killed = await mainPid();
  process.kill(Number(killed), 'SIGKILL');
  const afterKill = await fill('member', gitSocket, 'contoso');
  await until(async () => (await mainPid()) !== '0');
  const status = await orgkey(['status', '--json']);
  return {
    before,
    first,
    started: started !== '0',
    answers: Object.keys(counts),
    processes: processes.size,
    afterKill,
    isAnother: (await mainPid()) !== killed,
    health: JSON.parse(status.stdout).health,
    failed: (await run('root', ['systemctl', '--failed', '--plain', '--no-legend'])).stdout,
  };
}

/** An invalid configuration: while the daemon runs, and at its start. The last valid one serves. */
async function wrong() {
  await setUpPat();
  const right = read(config);
  writeFileSync(config, `${right}orgkey: {idleExit: soon}\n`);
  await until(async () => health(await orgkey(['status', '--json'])) !== 'ok');
  const kept = await fill('member', gitSocket, 'contoso');
  await systemctl('restart', 'orgkey.service');
  const restarted = await fill('member', gitSocket, 'contoso');
  await until(async () => (await orgkey(['status', '--json'])).stdout !== '');
  const found = {
    kept,
    restarted,
    active: (await systemctl('is-active', 'orgkey.service')).stdout.trim(),
    status: health(await orgkey(['status', '--json'])),
    restarts: (await systemctl('show', '-P', 'NRestarts', 'orgkey.service')).stdout.trim(),
  };
  writeFileSync(config, right);
  await until(async () => health(await orgkey(['status', '--json'])) === 'ok');
  return {...found, repaired: await fill('member', gitSocket, 'contoso')};
}

/** A secret that only systemd can read. */
async function credential() {
  writeFileSync(PAT_FILE, PAT, {mode: 0o600});
  writeFileSync(
    config,
    'integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: {$credential: pat}}]}]}\n',
    {mode: 0o644},
  );
  mkdirSync('/etc/systemd/system/orgkey.service.d', {recursive: true});
  writeFileSync(
    '/etc/systemd/system/orgkey.service.d/secrets.conf',
    '[Service]\nLoadCredential=pat:/etc/orgkey/pat\n',
  );
  const installed = await orgkey(['service', 'install', '--system']);
  await run('root', ['usermod', '--append', '--groups', 'orgkey', 'member']);
  return {
    installed: installed.code,
    answer: await fill('member', gitSocket, 'contoso'),
    readable:
      (
        await run('root', [
          'setpriv',
          '--reuid',
          'orgkey',
          '--regid',
          'orgkey',
          '--init-groups',
          'cat',
          '/etc/orgkey/pat',
        ])
      ).code === 0,
    problems: JSON.parse((await orgkey(['status', '--json'])).stdout).configuration.problems,
  };
}

/** The log, with lines of before the last start, and with the fields that the journal has no place for. */
async function logs() {
  await setUpPat();
  // from the next start on
  appendFileSync('/etc/orgkey/config.yaml', 'orgkey: {audit: {journal: true}}\n');
  // what root places there is trusted, though its owner is hidden from the service
  mkdirSync('/etc/orgkey/config.d');
  const team = '/etc/orgkey/config.d/20-team.yaml';
  writeFileSync(
    team,
    'integrations: {azure: [{credentials: [{organizations: [team], personalAccessToken: abcdefgh}]}]}\n',
    {mode: 0o640},
  );
  await run('root', ['chgrp', 'orgkey-config', team]);
  await ask(gitSocket, 'contoso');
  await askPath(gitSocket, 'nonsense\n');
  await orgkey(['service', 'restart', '--system']);
  await ask(gitSocket, 'contoso');
  const linesOf = async (...args: readonly string[]): Promise<Readonly<Record<string, unknown>>[]> => {
    const {stdout} = await orgkey(['logs', '--json', ...args]);
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)));
  };
  await until(async () => isWhole(await linesOf()));
  const all = await linesOf();
  const unreadable = all.find(({message}) => String(message).startsWith('a request could not be read'));
  const {stdout: identified} = await run('root', ['journalctl', '--quiet', '-t', 'orgkey', '-o', 'cat']);
  const audited = await auditedInJournal();
  const ofTeam = await ask(gitSocket, 'team');
  await systemctl('stop', 'orgkey.socket', 'orgkey.service');
  const stopped = await linesOf();
  return {
    audited,
    ofTeam,
    isWhole: isWhole(all),
    inOrder: all.every(({time}, at) => at === 0 || String(all[at - 1]?.['time']) <= String(time)),
    unreadable: {level: unreadable?.['level'], socket: unreadable?.['socket']},
    hasId: /^[0-9a-f-]{36}$/.test(String(unreadable?.['id'])),
    last: (await linesOf('-n', '1')).length,
    future: (await linesOf('--since', '2999-01-01')).length,
    hour: isWhole(await linesOf('--since', '1h')),
    whenStopped: isWhole(stopped),
    text: /warn +a request could not be read/.test((await orgkey(['logs'])).stdout),
    isIdentified: identified.includes('configuration: '),
  };
}

/** Waits for the copy of the audit trail in the journal. Returns what a request and a change look like there. */
async function auditedInJournal() {
  const requests = async () =>
    (await copiedEntries()).filter(({MESSAGE}) => JSON.parse(MESSAGE).event === 'get');
  await until(async () => (await requests()).length > 0);
  const [request] = await requests();
  const [start] = await copiedEntries('ORGKEY_EVENT=start');
  return [request, start].map((entry) => ({
    priority: entry?.['PRIORITY'],
    event: JSON.parse(entry?.['MESSAGE'] ?? '{}').event,
    outcome: String(entry?.['ORGKEY_OUTCOME']),
  }));
}

async function copiedEntries(...matches: readonly string[]) {
  const args = ['--quiet', '-t', 'orgkey-audit', '-o', 'json', ...matches];
  const {stdout} = await run('root', ['journalctl', ...args]);
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)));
}

/** Whether both runs are there: the end of the first, and the configuration of the second. */
function isWhole(lines: readonly Readonly<Record<string, unknown>>[]): boolean {
  const end = lines.findIndex(({message}) => String(message).startsWith('stopped by SIGTERM'));
  const start = lines.findLastIndex(({message}) => String(message).startsWith('configuration: '));
  return end !== -1 && start > end;
}

async function setUpPat(): Promise<void> {
  await setUpWithPat(orgkey);
  await run('root', ['usermod', '--append', '--groups', 'orgkey', 'member']);
}

/** Asks as git, with its own cache client as the helper. */
async function fill(who: Name, socket: string, organization: string): Promise<string> {
  const helper = `credential.helper=cache --socket=${socket}`;
  const args = ['-c', helper, '-c', 'credential.useHttpPath=true', 'credential', 'fill'];
  const input = `url=https://dev.azure.com/${organization}/p/_git/r\n\n`;
  const {stdout} = await git(who, args, {GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1'}, input);
  return /^password=/m.test(stdout) ? 'secret' : 'nothing';
}

function orgkey(args: readonly string[], surroundings: Surroundings = {}): Promise<Ran> {
  return run('root', [join(app, 'node'), join(app, 'dist/main.js'), ...args], surroundings);
}

function health({stdout}: Ran): string {
  return stdout === '' ? 'silence' : JSON.parse(stdout).health;
}

/** Waits for the outcomes of the grants in the audit trail. */
async function grants(): Promise<readonly string[]> {
  await until(async () => outcomes().includes('read'));
  return outcomes().toSorted();
}

function outcomes(): readonly string[] {
  const lines = read('/var/lib/orgkey/audit.team-a.jsonl').matchAll(/"event":"grant","outcome":"(\w+)"/g);
  return [...lines].map(([, outcome = '']) => outcome);
}
