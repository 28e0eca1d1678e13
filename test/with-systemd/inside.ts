// usage, beside a systemd --user: node inside.mjs SCENARIO
// Runs as the user of a real user manager. Prints its findings as one line of JSON.
import {execFile} from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {SystemdService} from '../../src/service/systemd.ts';
import {runCommand} from '../../src/service/run-command.ts';
import {askForCredential as ask} from '../helpers/ask-for-credential.ts';
import {askPath} from '../helpers/daemon.ts';
import {SteadyLoad, type Failed} from '../helpers/steady-load.ts';
import {fetchUnderRestarts} from './fetch-under-restarts.ts';
import {upgrade} from './upgrade-under-clones.ts';

const home = process.env['HOME'] ?? '';
const app = dirname(process.argv[1] ?? '');
const machine = {
  platform: process.platform,
  uid: process.getuid?.() ?? 0,
  homeDirectory: home,
  environment: process.env,
  run: runCommand,
  wait: (milliseconds: number) => wait(milliseconds),
};
const daemon = {
  node: join(app, 'node'),
  main: join(app, 'dist/main.js'),
  configFile: join(home, 'config.yaml'),
  runtimeDirectory: '/unused',
  stateDirectory: join(home, '.local/state/orgkey'),
  sockets: [{name: 'team-a', organizations: ['contoso'], mode: 0o660, group: undefined}],
};
const service = new SystemdService('user', machine, daemon);
const run = service.runtimeDirectory;
const units = join(home, '.config/systemd/user');

/** Requests in flight at any time under load. */
const CLIENTS = 16;

const LOGIN = 'protocol=https\nhost=dev.azure.com\npath=fabrikam/web/_git/site\nusername=someone\n';

const scenarios: Readonly<Record<string, () => Promise<unknown>>> = {
  install,
  cold,
  idle,
  load,
  kill,
  crash,
  hang,
  broken,
  shell,
  su,
  choice,
  fetches,
  upgrade: () => upgrade({home, path: `${app}:${process.env['PATH'] ?? ''}`, packages: app, tell}),
};
const scenario = scenarios[process.argv[2] ?? ''];
if (scenario === undefined) throw new Error('no such scenario');
console.log(JSON.stringify(await scenario()));

async function install() {
  const installed = await service.install();
  const answers = await answersOfBoth();
  const {pid, ...status} = await service.status();
  const again = await service.install();
  const stranger = new SystemdService('user', machine, {
    ...daemon,
    sockets: [...daemon.sockets, {name: 'late', organizations: ['fabrikam'], mode: 0o600, group: undefined}],
  });
  const added = await stranger.install();
  const late = await ask(join(run, 'scoped/late/git.sock'), 'contoso');
  const result = {
    installed,
    answers,
    status,
    control: await healthByControl(),
    watchdog: await watchdogIsSet(),
    again,
    added,
    late,
    hasProcess: pid !== undefined,
    modes: Object.fromEntries(
      ['.', 'git.sock', 'scoped', 'scoped/team-a', 'scoped/team-a/git.sock', 'control', 'ssh'].map((path) => [
        path,
        (statSync(join(run, path)).mode & 0o777).toString(8),
      ]),
    ),
    state: readdirSync(daemon.stateDirectory).toSorted(),
  };
  const uninstalled = await stranger.uninstall();
  return {...result, uninstalled, left: readdirSync(units), socket: existsSync(join(run, 'git.sock'))};
}

/** The daemon sets the limit itself. */
function watchdogIsSet(): Promise<boolean> {
  return until(async () => (await property('WatchdogUSec')) === '1min 30s').then(
    () => true,
    () => false,
  );
}

/** A stopped daemon is ended by the watchdog, and the next request is answered. */
async function hang() {
  await service.install();
  const isSet = await watchdogIsSet();
  const {pid = 0} = await service.status();
  const start = performance.now();
  process.kill(pid, 'SIGSTOP');
  await until(async () => !existsSync(`/proc/${pid}`), 240_000);
  const seconds = Math.round((performance.now() - start) / 1000);
  return {isSet, seconds, answer: await gitAsks(), failures: await failures()};
}

async function property(name: string): Promise<string> {
  const {stdout} = await runCommand(
    ['systemctl', '--user', 'show', 'orgkey.service', '--value', '-p', name],
    process.env,
  );
  return stdout.trim();
}

/** A gateway's socket is systemd's, too: it stays open while the daemon restarts. */
async function fetches() {
  const gateway = {name: 'gateway-agents', mode: 0o600, group: undefined, gateway: 'agents'};
  const served = new SystemdService('user', machine, {...daemon, sockets: [gateway]});
  await served.install();
  await gitAsks();
  const place = join(run, 'gateways/agents');
  await until(async () => existsSync(join(place, 'gitconfig')));
  const forContainers = readFileSync(join(place, 'gitconfig'), 'utf8');
  const gitconfig = join(home, 'gateway.gitconfig');
  writeFileSync(gitconfig, forContainers.replaceAll('/run/orgkey/', `${place}/`));
  return fetchUnderRestarts({home, service: served, gitconfig});
}

/** Started by the first request. */
async function cold() {
  await service.install();
  await runCommand(['systemctl', '--user', 'stop', 'orgkey.service'], process.env);
  const before = (await service.status()).state;
  const first = await gitAsks();
  return {before, first, after: (await service.status()).state};
}

/** Idleness ends the daemon, and the next request starts it. */
async function idle() {
  await service.install();
  const {pid} = await service.status();
  await until(async () => (await service.status()).state === 'listening');
  const answer = await gitAsks();
  const {pid: later} = await service.status();
  return {answer, isAnother: pid !== later, failures: await failures()};
}

/** Restarts under constant load: by the service's order, and by SIGTERM, after which the next request starts a daemon. */
async function load() {
  await service.install();
  const requests = Number(process.env['ORGKEY_REQUESTS'] ?? 50_000);
  const restarts = Number(process.env['ORGKEY_RESTARTS'] ?? 20);
  const clients = new SteadyLoad(join(run, 'git.sock'), {requests, clients: CLIENTS});
  const pids = new Set([await pidOfDaemon()]);
  const orders = new Set<string>();
  for (let restart = 1; restart <= restarts; restart++) {
    await clients.reaches(Math.floor((requests * restart) / (restarts + 1)));
    if (restart % 2 === 0) orders.add((await service.restart()).kind);
    else await endDaemon('TERM');
    pids.add(await pidOfDaemon());
    tell(`${clients.done} requests, ${restart} restarts`);
  }
  return {...(await clients.counts()), orders: [...orders], processes: pids.size, restarts};
}

/** Kills the daemon under load, again and again; before each kill a login is stored. */
async function kill() {
  await service.install();
  const requests = Number(process.env['ORGKEY_REQUESTS'] ?? 10_000);
  const kills = Number(process.env['ORGKEY_RESTARTS'] ?? 10);
  const clients = new SteadyLoad(join(run, 'git.sock'), {requests, clients: CLIENTS});
  const pids = new Set([await pidOfDaemon()]);
  const moments: {readonly from: number; readonly to: number}[] = [];
  const nextAnswers: number[] = [];
  const lost: string[] = [];
  for (let round = 1; round <= kills; round++) {
    await clients.reaches(Math.floor((requests * round) / (kills + 1)));
    const login = `typed-${round}`;
    await store(login);
    const moment = await endDaemon('KILL');
    const kept = await keptLogin();
    moments.push(moment);
    nextAnswers.push(Math.round(performance.now() - moment.from));
    if (kept !== login) lost.push(`${login}: ${kept}`);
    pids.add(await pidOfDaemon());
    tell(`${clients.done} requests, ${round} kills`);
  }
  const {failed, ...counts} = await clients.counts();
  const wasUnderWay = (one: Failed) => moments.some(({from, to}) => one.from <= to && one.to >= from);
  return {
    ...counts,
    failed: failed.length,
    failedOtherwise: failed.filter((one) => !wasUnderWay(one)),
    lost,
    kills,
    slowestNextAnswer: Math.max(...nextAnswers),
    processes: pids.size,
  };
}

/** Returns the pid that the serving daemon reports. */
async function pidOfDaemon(): Promise<string> {
  const answer = await askPath(join(run, 'git.sock'), 'action=hello\ntimeout=0\nnonce=1\n');
  return /^pid=(.*)$/m.exec(answer)?.[1] ?? `no daemon: ${answer}`;
}

/** Ends the daemon. Returns the time of the signal and a time at which the daemon was gone. */
async function endDaemon(signal: 'TERM' | 'KILL'): Promise<{readonly from: number; readonly to: number}> {
  const {pid} = await service.status();
  if (pid === undefined) throw new Error('there is no daemon to end');
  const from = performance.now();
  process.kill(pid, `SIG${signal}`);
  await until(async () => !existsSync(`/proc/${pid}`));
  return {from, to: performance.now()};
}

async function store(password: string): Promise<void> {
  const request = `action=get\ntimeout=1\noperation=store\n${LOGIN}password=${password}\n`;
  const answer = await askPath(join(run, 'git.sock'), request);
  if (!answer.startsWith('orgkey=1\n')) throw new Error(`the login was not stored: ${answer}`);
}

async function keptLogin(): Promise<string> {
  const answer = await askPath(join(run, 'git.sock'), `action=get\ntimeout=1\n${LOGIN}`);
  return /^password=(.*)$/m.exec(answer)?.[1] ?? `nothing: ${answer}`;
}

/** Progress, for a script that shows it. */
function tell(what: string): void {
  process.stderr.write(`${what}\n`);
}

/** A daemon that crashes at each start: git must neither hang nor start its own daemon. */
async function crash() {
  const broken = new SystemdService('user', machine, {...daemon, main: join(app, 'crashing.mjs')});
  await broken.install();
  const whileCrashing = await gitAsks();
  await until(async () => !existsSync(join(run, 'git.sock')));
  const {state, reason} = await broken.status();
  const afterwards = await gitAsks();
  const isTaken = existsSync(join(run, 'git.sock'));
  const started = performance.now();
  const told = await gitAsksByScript();
  tell(`git had its answer after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  const repaired = await service.install();
  return {
    whileCrashing,
    told,
    state,
    reason,
    afterwards,
    isTaken,
    repaired: repaired.kind,
    answers: await answersOfBoth(),
  };
}

/** A daemon with an unusable state directory, which is then repaired without any other step. */
async function broken() {
  await service.install();
  await runCommand(['systemctl', '--user', 'stop', 'orgkey.service'], process.env);
  rmSync(daemon.stateDirectory, {recursive: true});
  writeFileSync(daemon.stateDirectory, 'not a directory');
  const started = performance.now();
  const whileBroken = await gitAsksByScript();
  const seconds = (performance.now() - started) / 1000;
  tell(`git had its answer after ${seconds.toFixed(1)} s`);
  rmSync(daemon.stateDirectory);
  mkdirSync(daemon.stateDirectory, {mode: 0o700});
  return {whileBroken, repaired: await gitAsksByScript(), seconds};
}

/** Sets up, asks and uninstalls in a shell with variables that the manager does not have. */
async function shell() {
  const config = join(home, 'shell');
  mkdirSync(join(config, 'orgkey'), {recursive: true});
  copyFileSync(daemon.configFile, join(config, 'orgkey/config.yaml'));
  chmodSync(join(config, 'orgkey/config.yaml'), 0o600);
  const orgkey = async (...argv: readonly string[]) => {
    const environment = {...process.env, XDG_CONFIG_HOME: config};
    const {code, stderr} = await runCommand([daemon.node, daemon.main, ...argv], environment);
    return code === 0 ? 'done' : stderr;
  };
  const found = {
    setup: await orgkey('setup', '--service', 'systemd'),
    service: await orgkey('service', 'status'),
    status: await orgkey('status'),
    answer: await ask(join(run, 'git.sock'), 'contoso'),
    uninstall: await orgkey('uninstall'),
  };
  return {...found, left: readdirSync(units), socket: existsSync(join(run, 'git.sock'))};
}

/** Runs commands with the session variables of another user, as after su, and with none, as under cron. */
async function su() {
  const config = join(home, 'shell');
  mkdirSync(join(config, 'orgkey'), {recursive: true});
  copyFileSync(daemon.configFile, join(config, 'orgkey/config.yaml'));
  chmodSync(join(config, 'orgkey/config.yaml'), 0o600);
  const orgkey = async (session: string | undefined, ...argv: readonly string[]) => {
    const environment = {...process.env, XDG_CONFIG_HOME: config, XDG_RUNTIME_DIR: session};
    const {stdout, stderr} = await runCommand([daemon.node, daemon.main, ...argv], environment);
    return /^(?:service: .*|systemd-user: \w+|plain: .*)/m.exec(stdout + stderr)?.[0] ?? stderr;
  };
  const found: Record<string, unknown> = {setup: await orgkey(process.env['XDG_RUNTIME_DIR'], 'setup')};
  for (const session of ['/root', undefined])
    found[session ?? 'none'] = {
      status: await orgkey(session, 'service', 'status'),
      setup: await orgkey(session, 'setup'),
      restart: await orgkey(session, 'service', 'restart'),
    };
  // as an earlier version left it
  writeFileSync(join(home, '.local/state/orgkey/service.json'), '{"schemaVersion":1,"kind":"plain"}\n');
  const environment = {...process.env, XDG_CONFIG_HOME: config, XDG_RUNTIME_DIR: undefined};
  const {stderr} = await runCommand([daemon.node, daemon.main, 'uninstall'], environment);
  const removed = stderr.match(/^service: .*/gm);
  return {...found, removed, left: readdirSync(units), socket: existsSync(join(run, 'git.sock'))};
}

/** Installs without an option for the kind of service. */
async function choice() {
  const orgkey = async (...argv: readonly string[]) => {
    const {stdout, stderr} = await runCommand([daemon.node, daemon.main, ...argv], process.env);
    return /^service: .*/m.exec(stdout + stderr)?.[0] ?? stderr;
  };
  return {
    installed: await orgkey('service', 'install', '--config', daemon.configFile),
    answer: await ask(join(run, 'git.sock'), 'contoso'),
    uninstalled: await orgkey('service', 'uninstall'),
    left: readdirSync(units),
  };
}

async function answersOfBoth() {
  const answers: Record<string, string> = {};
  for (const socket of ['git.sock', 'scoped/team-a/git.sock']) {
    for (const organization of ['contoso', 'fabrikam']) {
      answers[`${socket} ${organization}`] = await ask(join(run, socket), organization);
    }
  }
  return answers;
}

/** Asks as git, with its own cache client as the helper. */
function gitAsks(): Promise<string> {
  return fill(`cache --socket=${join(run, 'git.sock')}`);
}

/** The same with our helper, which starts the service if no daemon answers, and reports errors. */
function gitAsksByScript(): Promise<string> {
  return fill(`!'${join(app, 'dist/git-credential-orgkey')}'`);
}

function fill(helper: string): Promise<string> {
  const args = [
    '-c',
    `credential.helper=${helper}`,
    '-c',
    'credential.useHttpPath=true',
    'credential',
    'fill',
  ];
  const env = {
    ...process.env,
    PATH: `${app}:${process.env['PATH']}`,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
  };
  return new Promise((resolve) => {
    const git = execFile('git', args, {env, cwd: home, timeout: 60_000}, (error, stdout, stderr) => {
      if (error?.killed === true) resolve('hangs');
      else if (/^password=/m.test(stdout)) resolve('secret');
      else resolve(/^orgkey: error: (.*)$/m.exec(stderr)?.[1] ?? 'nothing');
    });
    git.stdin?.end('url=https://dev.azure.com/contoso/p/_git/r\n\n');
  });
}

/** Returns the daemon's health as the command line gets it over the control socket. */
async function healthByControl(): Promise<string> {
  const command = [daemon.node, daemon.main, 'status', '--json'];
  const {stdout, stderr} = await runCommand(command, process.env);
  return stdout === '' ? stderr : JSON.parse(stdout).health;
}

async function failures(): Promise<string> {
  const {stdout} = await runCommand(
    ['systemctl', '--user', '--failed', '--plain', '--no-legend'],
    process.env,
  );
  return stdout.trim();
}

/** Polls until a condition holds. @throws after `limit` milliseconds. */
async function until(isSo: () => Promise<boolean>, limit = 60_000): Promise<void> {
  for (let waited = 0; !(await isSo()); waited += 50) {
    if (waited > limit) throw new Error(`this never became true: ${isSo.toString()}`);
    await wait(50);
  }
}
