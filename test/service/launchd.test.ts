import {spawnSync} from 'node:child_process';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {LaunchdService} from '../../src/service/launchd.ts';
import {launchdPlist} from '../../src/service/launchd-plist.ts';
import {STOP_SECONDS} from '../../src/service/stop-limits.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless} from '../helpers/test-unless.ts';

const daemon = {
  node: '/opt/node/bin/node',
  main: '/Users/ann/a & b/<c>/main.js',
  configFile: '/Users/ann/config.yaml',
  runtimeDirectory: '/tmp/orgkey-501',
  stateDirectory: '/Users/ann/.local/state/orgkey',
  sockets: [],
};

test('the job starts at login, is kept alive and loads no foreign code', (t) => {
  const job = parse(launchdPlist(daemon, {HTTPS_PROXY: 'http://p', SECRET: 'canary'}, '/log'));
  const [tools, hardening, thrift, place] = [
    '/usr/bin/env|-u|NODE_OPTIONS|-u|NODE_PATH|-u|LD_PRELOAD|/opt/node/bin/node',
    '--disable-sigusr1|--disable-proto=delete|--report-exclude-env',
    '--max-semi-space-size=1|--v8-pool-size=0|--single-threaded-gc|--no-concurrent-recompilation|--disable-warning=ExperimentalWarning',
    '/Users/ann/a & b/<c>/main.js|daemon|--runtime-dir|/tmp/orgkey-501|--state-dir|/Users/ann/.local/state/orgkey',
  ];
  const expected = [tools, hardening, thrift, place, '--config|/Users/ann/config.yaml'].join('|');
  t.deepEqual(job['ProgramArguments'], expected.split('|'));
  t.deepEqual(job['EnvironmentVariables'], {HTTPS_PROXY: 'http://p'});
  t.is(job['RunAtLoad'], true);
  t.is(job['KeepAlive'], true);
  t.is(job['ExitTimeOut'], STOP_SECONDS);
  t.is(job['Umask'], 0o077);
  t.is(job['StandardErrorPath'], '/log');
  t.deepEqual(job['HardResourceLimits'], {Core: 0});
});

const python = spawnSync('python3', ['-c', 'import plistlib']).status === 0;

testUnless(python ? undefined : 'there is no python3')(
  'a parser of property lists reads the job as we do',
  (t) => {
    const text = launchdPlist(daemon, {HTTPS_PROXY: 'http://a:b&c@p'}, '/log "1" <&>');
    const script = 'import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))';
    const read = spawnSync('python3', ['-c', script], {input: text, encoding: 'utf8'});
    t.is(read.stderr, '');
    t.deepEqual(JSON.parse(read.stdout), parse(text));
  },
);

/** Makes a service with a fake launchctl that knows whether the job is loaded and records its calls. */
function make(t: ExecutionContext, pid: number | 'none' = 4711) {
  const home = scratchDirectory(t);
  const calls: string[] = [];
  let isLoaded = false;
  const run = async (command: readonly string[]) => {
    const call = command.slice(1).join(' ').replaceAll(home, '~');
    if (!call.startsWith('print')) calls.push(call);
    const done = {code: 0, stdout: '', stderr: ''};
    const notLoaded = {code: 113, stdout: '', stderr: 'Could not find service\n'};
    if (call.startsWith('bootstrap')) isLoaded = true;
    if (call.startsWith('bootout')) {
      if (!isLoaded) return notLoaded;
      isLoaded = false;
    }
    if (!call.startsWith('print')) return done;
    if (!isLoaded) return notLoaded;
    const state = pid === 'none' ? '\tstate = not running\n\tlast exit code = 5\n' : `\tpid = ${pid}\n`;
    return {...done, stdout: `gui/501/dev.orgkey.daemon = {\n${state}}\n`};
  };
  const machine = {platform: 'darwin', uid: 501, homeDirectory: home, environment: {}, run} as const;
  const service = new LaunchdService(
    {...machine, wait: async () => {}},
    {...daemon, stateDirectory: join(home, 'state')},
  );
  const plist = join(home, 'Library/LaunchAgents/dev.orgkey.daemon.plist');
  return {service, calls, plist};
}

test('install writes and loads the job, and changes nothing the second time', async (t) => {
  const {service, calls, plist} = make(t);
  t.is((await service.install()).kind, 'done');
  t.regex(readFileSync(plist, 'utf8'), /<key>Label<\/key>\s+<string>dev\.orgkey\.daemon</);
  t.deepEqual(calls, ['bootstrap gui/501 ~/Library/LaunchAgents/dev.orgkey.daemon.plist']);
  t.deepEqual(await service.install(), {kind: 'done', changes: []});
  t.deepEqual(await service.status(), {installed: true, state: 'running', pid: 4711});
});

test('plan changes nothing', async (t) => {
  const {service, calls, plist} = make(t);
  const outcome = await service.plan();
  t.is(outcome.kind === 'done' && outcome.changes.length, 4);
  t.throws(() => readFileSync(plist));
  t.deepEqual(calls, []);
});

test('an older job is replaced and loaded again', async (t) => {
  const {service, calls, plist} = make(t);
  mkdirSync(dirname(plist), {recursive: true});
  writeFileSync(plist, 'an older job');
  await service.install();
  t.deepEqual(calls, [
    'bootout gui/501/dev.orgkey.daemon',
    'bootstrap gui/501 ~/Library/LaunchAgents/dev.orgkey.daemon.plist',
  ]);
});

test('restart lets the daemon answer the requests in flight', async (t) => {
  const {service, calls} = make(t);
  await service.install();
  calls.length = 0;
  await service.restart();
  t.deepEqual(calls, [
    'bootout gui/501/dev.orgkey.daemon',
    'bootstrap gui/501 ~/Library/LaunchAgents/dev.orgkey.daemon.plist',
    'kickstart gui/501/dev.orgkey.daemon',
  ]);
});

test('stop and uninstall unload the job, and change nothing the second time', async (t) => {
  const {service, plist} = make(t);
  await service.install();
  t.is((await service.stop()).kind, 'done');
  t.deepEqual(await service.stop(), {kind: 'done', changes: []});
  t.is((await service.uninstall()).kind, 'done');
  t.throws(() => readFileSync(plist));
  t.deepEqual(await service.uninstall(), {kind: 'done', changes: []});
});

test('a daemon that ended is reported with its status', async (t) => {
  const {service} = make(t, 'none');
  await service.install();
  t.like(await service.status(), {state: 'failed', reason: 'it ended with status 5'});
});

test('start fails if the service is not installed', async (t) => {
  const {service} = make(t);
  t.deepEqual(await service.start(), {
    kind: 'failed',
    message: 'the service is not installed',
    hint: 'run: orgkey service install',
  });
});

type Value = string | number | boolean | Value[] | {[key: string]: Value};

/** Parses the subset of property lists that the job uses. */
function parse(text: string): Record<string, Value> {
  const tokens = text
    .slice(text.indexOf('<dict>'))
    .split(/(<[^>]+>)/)
    .map((token) => (token.startsWith('<') ? token : unescape(token)))
    .filter((token) => token.trim() !== '');
  const value = (): Value => {
    const token = tokens.shift();
    if (token === '<true/>') return true;
    if (token === '<string>' || token === '<integer>') {
      const content = tokens.shift() ?? '';
      tokens.shift();
      return token === '<integer>' ? Number(content) : content;
    }
    if (token === '<array>') {
      const items: Value[] = [];
      while (tokens[0] !== '</array>') items.push(value());
      tokens.shift();
      return items;
    }
    if (token !== '<dict>') throw new Error(`unexpected ${token}`);
    const entries: [string, Value][] = [];
    while (tokens[0] === '<key>') {
      const [, key = ''] = tokens.splice(0, 3);
      entries.push([key, value()]);
    }
    if (tokens.shift() !== '</dict>') throw new Error('a dict does not end');
    return Object.fromEntries(entries);
  };
  return value() as Record<string, Value>;
}

function unescape(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
