import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {request} from 'node:http';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {Status} from '../../src/control/control-protocol.ts';
import {startDaemon, type TestDaemon, daemonFor} from '../helpers/daemon.ts';
import {until} from '../helpers/patience.ts';
import {eraseFor, getFor, passwordIn} from '../helpers/requests.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

// serial: each test starts a daemon, and all at once would need most of the machine

function configurationOf(pats: Readonly<Record<string, string>>): string {
  const items = Object.entries(pats).map(
    ([organization, source]) =>
      `        - {organizations: [${organization}], personalAccessToken: ${source}}\n`,
  );
  return `integrations:\n  azure:\n    - credentials:\n${items.join('')}`;
}

async function served(daemon: TestDaemon, organization: string): Promise<string> {
  return passwordIn(await daemon.ask(getFor(organization)));
}

async function start(
  t: ExecutionContext,
  configuration: string,
  directory = scratchDirectory(t),
): Promise<TestDaemon> {
  // no network: nothing answers there
  const environment = {https_proxy: 'http://127.0.0.1:9'};
  const daemon = await daemonFor(t, {configuration, directory, environment});
  return daemon;
}

/** Waits for a status: a changed file is noticed after a moment. */
function statusOf(daemon: TestDaemon, isSo: (status: Status) => boolean): Promise<Status> {
  return until('the configuration to be read', () => daemon.status(), isSo);
}

const loadedAfter =
  (before: Status) =>
  ({configuration}: Status): boolean =>
    configuration.loadedAt !== before.configuration.loadedAt;

const hasProblems = ({configuration}: Status): boolean => configuration.problems.length > 0;

/** Replaces a file by a rename, as editors and platforms do. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, {mode: 0o600});
  renameSync(`${path}.new`, path);
}

const changes: Readonly<Record<string, (daemon: TestDaemon, text: string) => void>> = {
  'written to': (daemon, text) => daemon.configure(text),
  replaced: (daemon, text) => replace(daemon.configFile, text),
};

for (const [how, change] of Object.entries(changes)) {
  test.serial(`a configuration that is ${how} takes effect`, async (t) => {
    const daemon = await start(t, configurationOf({contoso: 'first', gone: 'old'}));
    t.is(await served(daemon, 'contoso'), 'first');
    t.is(await served(daemon, 'gone'), 'old');
    const before = await daemon.status();
    change(daemon, configurationOf({contoso: 'second', fabrikam: 'new'}));
    await statusOf(daemon, loadedAfter(before));
    t.is(await served(daemon, 'contoso'), 'second');
    t.is(await served(daemon, 'fabrikam'), 'new');
    t.is(await served(daemon, 'gone'), '');
  });
}

const bad: readonly (readonly [title: string, text: string, message: RegExp])[] = [
  ['that is not YAML', 'integrations: [canary\n', /the indentation does not fit, or text needs quotes/],
  ['with an unknown key', 'integrations: {azure: [{credentialz: []}]}\n', /unknown key.*credentials/],
  [
    'with an organization twice',
    configurationOf({contoso: 'canary', CONTOSO: 'canary'}),
    /organization.*(?:twice|already|again)/,
  ],
];

for (const [title, text, message] of bad) {
  test.serial(`a configuration ${title} leaves the one before in force until it is repaired`, async (t) => {
    const daemon = await start(t, configurationOf({contoso: 'first'}));
    t.is((await daemon.status()).health, 'ok');
    daemon.configure(text);
    daemon.process.kill('SIGHUP');
    const status = await statusOf(daemon, hasProblems);
    t.is(await served(daemon, 'contoso'), 'first');
    t.is(status.health, 'error');
    t.is(status.configuration.inForce, 'previous');
    const [notice] = status.notices;
    t.regex(
      notice?.message ?? '',
      /^the configuration before the last change is in force: .*config\.yaml:\d+:\d+: /,
    );
    t.regex(JSON.stringify(status.configuration.problems), message);
    t.is(notice?.hint, 'run: orgkey config check');
    t.false(JSON.stringify(status).includes('canary'));
    t.false(daemon.stderr.includes('canary'));

    daemon.configure(configurationOf({contoso: 'second'}));
    daemon.process.kill('SIGHUP');
    const repaired = await statusOf(daemon, (status) => !hasProblems(status));
    t.is(repaired.health, 'ok');
    t.is(await served(daemon, 'contoso'), 'second');
  });
}

/** Kept across restarts: settings, sockets, and what secrets are read from. */
const lasting = (secret: string) => `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], personalAccessToken: {$file: pat}} # canary-comment
        - {organizations: [fabrikam], personalAccessToken: ${secret}}
      commitSigningKey: canary-signing
backend: {database: {password: canary-backstage}}
orgkey: {metrics: {listen: SOCKET}, sockets: [{name: team, organizations: [contoso]}]}
`;

test.serial('a bad edit and a restart leave the last valid configuration in force', async (t) => {
  const directory = scratchDirectory(t);
  const metrics = join(directory, 'metrics.sock');
  writeFileSync(join(directory, 'pat'), 'first', {mode: 0o600});
  const configuration = lasting('canary-pat').replace('SOCKET', metrics);
  const daemon = await startDaemon({configuration, directory});
  t.is(await served(daemon, 'fabrikam'), 'canary-pat');
  const kept = join(directory, 'state', 'last-configuration.json');
  await until('the configuration to be kept', () => existsSync(kept), Boolean);
  t.is(statSync(kept).mode & 0o777, 0o600);
  t.false(readFileSync(kept, 'utf8').includes('canary'));
  await daemon.close();

  const again = await start(t, 'orgkey: [\n', directory);
  const status = await again.status();
  t.is(status.configuration.inForce, 'kept');
  t.is(status.health, 'error');
  t.regex(
    status.notices.map(({message}) => message).join('\n'),
    /the last valid configuration of an earlier run is in force, not the file: .*config\.yaml:2:1: /,
  );
  t.deepEqual(
    status.sockets.map(({name}) => name),
    ['team', 'git'],
  );
  t.is(await served(again, 'contoso'), 'first', 'sources are read again');
  const answer = await again.ask(getFor('fabrikam'));
  t.regex(
    answer,
    /config\.yaml:5:\d+: the secret was written in the configuration itself.*\(ERR_SECRET_UNREADABLE\)/,
  );
  await until('the metrics to be served', () => existsSync(metrics), Boolean);

  again.configure(configuration.replace('canary-pat', 'repaired'));
  await statusOf(again, (now) => now.configuration.inForce === 'current');
  t.is(await served(again, 'fabrikam'), 'repaired');
});

test.serial('a configuration that was deleted is not used after a restart', async (t) => {
  const directory = scratchDirectory(t);
  const daemon = await startDaemon({
    configuration: configurationOf({contoso: '{$env: PAT}'}),
    environment: {PAT: 'a'},
    directory,
  });
  await until(
    'the configuration to be kept',
    () => existsSync(join(directory, 'state', 'last-configuration.json')),
    Boolean,
  );
  await daemon.close();
  rmSync(daemon.configFile);
  const again = await daemonFor(t, {directory, environment: {PAT: 'a'}});
  t.is((await again.status()).configuration.inForce, 'none');
  t.is(await served(again, 'contoso'), '');
});

for (const when of ['at start', 'at a reload'])
  test.serial(`a wrong credential ${when} spares the others until its file is there`, async (t) => {
    const file = join(scratchDirectory(t), 'pat');
    const right = configurationOf({contoso: 'first', fabrikam: 'second'});
    const wrong = configurationOf({contoso: 'first', fabrikam: `{$file: ${file}}`});
    const daemon = await start(t, when === 'at start' ? wrong : right);
    if (when === 'at a reload') daemon.configure(wrong);
    const status = await statusOf(daemon, hasProblems);
    t.is(await served(daemon, 'contoso'), 'first');
    t.regex(
      await daemon.ask(getFor('fabrikam')),
      /config\.yaml:5:\d+: the file \S+ does not exist \(ERR_SECRET_UNREADABLE\)[^]*^quit=1$/m,
    );
    t.is(status.health, 'error');
    t.deepEqual(
      status.organizations.map(({organization, lastFailure}) => [organization, lastFailure?.code]),
      [
        ['contoso', undefined],
        ['fabrikam', 'ERR_SECRET_UNREADABLE'],
      ],
    );
    t.is(status.notices.length, 1);
    replace(file, 'third');
    await statusOf(daemon, (now) => !hasProblems(now));
    t.is(await served(daemon, 'fabrikam'), 'third');
  });

test.serial('a secret file that others can write to is not used until it is replaced', async (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, 'pat');
  writeFileSync(file, 'first\n', {mode: 0o600});
  const daemon = await start(t, configurationOf({contoso: `{$file: ${file}}`}));
  t.is(await served(daemon, 'contoso'), 'first');
  writeFileSync(file, 'planted\n');
  chmodSync(file, 0o666);
  const status = await statusOf(daemon, hasProblems);
  t.is(status.health, 'error');
  t.regex(
    await daemon.ask(getFor('contoso')),
    /can be written by others \(ERR_SECRET_UNREADABLE\)[^]*^quit=1$/m,
  );
  const before = await daemon.status();
  replace(file, 'second\n');
  const repaired = await statusOf(daemon, loadedAfter(before));
  t.is(repaired.health, 'ok');
  t.is(await served(daemon, 'contoso'), 'second');
});

test.serial('a rejected token is explained until it is replaced', async (t) => {
  const file = join(scratchDirectory(t), 'pat');
  writeFileSync(file, 'bad\n', {mode: 0o600});
  const daemon = await start(t, configurationOf({contoso: `{$file: ${file}}`}));
  t.is(await served(daemon, 'contoso'), 'bad');
  await daemon.ask(eraseFor('contoso', 'bad'));
  t.regex(await daemon.ask(getFor('contoso')), /\(ERR_REPOSITORY_REJECTED\)[^]*^quit=1$/m);
  const before = await daemon.status();
  replace(file, 'good\n');
  await statusOf(daemon, loadedAfter(before));
  t.is(await served(daemon, 'contoso'), 'good');
  // the rejected token is still rejected when it comes back
  const between = await daemon.status();
  replace(file, 'bad\n');
  await statusOf(daemon, loadedAfter(between));
  t.regex(await daemon.ask(getFor('contoso')), /\(ERR_REPOSITORY_REJECTED\)/);
  await daemon.call('clear', undefined);
  t.is(await served(daemon, 'contoso'), 'bad');
});

/** Starts a daemon that looks for its configuration, and returns where it looks. */
async function startLooking(
  t: ExecutionContext,
  text: string | undefined,
  environment: Readonly<Record<string, string>> = {},
): Promise<{readonly daemon: TestDaemon; readonly file: string}> {
  const directory = scratchDirectory(t);
  const file = join(directory, '.config/orgkey/config.yaml');
  if (text !== undefined) {
    mkdirSync(dirname(file), {recursive: true});
    replace(file, text);
  }
  const daemon = await daemonFor(t, {config: '', directory, environment});
  return {daemon, file};
}

const losses: Readonly<Record<string, readonly [lose: (file: string) => void, message: string]>> = {
  removed: [(file) => rmSync(file), 'the configuration does not exist'],
  'removed with its directory': [
    (file) => rmSync(dirname(file), {recursive: true}),
    'the configuration does not exist',
  ],
  emptied: [(file) => writeFileSync(file, '\n'), 'the configuration is empty'],
};

for (const [how, [lose, message]] of Object.entries(losses)) {
  test.serial(`a configuration that is ${how} stays in force until it is back`, async (t) => {
    const {daemon, file} = await startLooking(t, configurationOf({contoso: 'first'}));
    t.is(await served(daemon, 'contoso'), 'first');
    lose(file);
    const status = await statusOf(daemon, hasProblems);
    t.is(await served(daemon, 'contoso'), 'first');
    t.is(status.health, 'error');
    t.is(
      status.notices[0]?.message,
      `the configuration before the last change is in force: ${file}: ${message}`,
    );
    mkdirSync(dirname(file), {recursive: true});
    replace(file, configurationOf({contoso: 'second'}));
    const back = await statusOf(daemon, (now) => !hasProblems(now));
    t.is(back.health, 'ok');
    t.is(await served(daemon, 'contoso'), 'second');
  });
}

test.serial('an empty configuration at the start is valid, and its first content takes effect', async (t) => {
  const {daemon, file} = await startLooking(t, '');
  t.is((await daemon.status()).configuration.source, file);
  t.deepEqual((await daemon.call('reload', undefined)).problems, []);
  writeFileSync(file, configurationOf({contoso: 'first'}));
  await statusOf(daemon, ({organizations}) => organizations.length > 0);
  t.is(await served(daemon, 'contoso'), 'first');
});

const without: readonly (readonly [
  what: string,
  environment: Readonly<Record<string, string>>,
  pat: string,
])[] = [
  ['a configuration', {}, ''],
  ['a file but with variables', {AZDO_PERSONAL_ACCESS_TOKEN: 'of-a-variable'}, 'of-a-variable'],
];

for (const [what, environment, pat] of without) {
  test.serial(`a daemon that starts without ${what} takes one that is made later`, async (t) => {
    const {daemon, file} = await startLooking(t, undefined, environment);
    t.is(await served(daemon, 'contoso'), pat);
    mkdirSync(dirname(file), {recursive: true});
    replace(file, configurationOf({contoso: 'first'}));
    await statusOf(daemon, ({configuration}) => configuration.source === file);
    t.is(await served(daemon, 'contoso'), 'first');
  });
}

/** Returns the HTTP status of the metrics. */
function metricsOn(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({socketPath, path: '/metrics', agent: false}, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

test.serial('metrics follow the configuration', async (t) => {
  const daemon = await start(t, configurationOf({contoso: 'first'}));
  const [one, other] = ['one.sock', 'other.sock'].map((name) => join(daemon.directory, name));
  const listenOn = async (path: string | undefined) => {
    const more = path === undefined ? '' : `orgkey: {metrics: {listen: ${path}}}\n`;
    daemon.configure(`${configurationOf({contoso: 'first'})}${more}`);
    return daemon.call('reload', undefined);
  };
  await listenOn(one);
  t.is(await metricsOn(one ?? ''), 200);
  await listenOn(other);
  t.is(await metricsOn(other ?? ''), 200);
  t.false(existsSync(one ?? ''));
  await listenOn(join(daemon.directory, 'not/there.sock'));
  t.regex((await daemon.status()).notices[0]?.message ?? '', /^the metrics cannot be served: /);
  t.false(existsSync(other ?? ''));
  await listenOn(one);
  t.is(await metricsOn(one ?? ''), 200);
  t.is((await daemon.status()).health, 'ok');
  await listenOn(undefined);
  t.false(existsSync(one ?? ''));
});

test.serial('a daemon that starts with an invalid configuration takes a valid one later', async (t) => {
  const daemon = await start(t, 'integrations: {azure: [{credentialz: []}]}\n');
  t.regex(await daemon.ask(getFor('contoso')), /^orgkey-error=no configuration is in force: /m);
  t.is((await daemon.status()).health, 'error');
  daemon.configure(configurationOf({contoso: 'first'}));
  await statusOf(daemon, (status) => !hasProblems(status));
  t.is(await served(daemon, 'contoso'), 'first');
});

test.serial('each of 10,000 organizations is served its own token', async (t) => {
  const names = Array.from({length: 10_000}, (_, at) => `organization-${at}`);
  const text = `${configurationOf(Object.fromEntries(names.map((name) => [name, `pat-of-${name}`])))}        - {personalAccessToken: fallback}\n`;
  const daemon = await start(t, text);
  for (const name of ['organization-0', 'ORGANIZATION-4999', 'organization-9999'])
    t.is(await served(daemon, name), `pat-of-${name.toLowerCase()}`);
  t.is(await served(daemon, 'organization-10000'), 'fallback');
  t.is((await daemon.status()).organizations.length, 10_001);
});
