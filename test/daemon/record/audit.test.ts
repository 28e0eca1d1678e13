import {execFileSync} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {AuditSettings} from '../../../src/config/configuration.ts';
import {CLIENT_EVENTS, type AuditEntry} from '../../../src/daemon/record/audit-entry.ts';
import {Audit} from '../../../src/daemon/record/audit.ts';
import {type TestDaemon, daemonFor} from '../../helpers/daemon.ts';
import {codeOf} from '../../../src/text/orgkey-error.ts';
import {ManualTimers} from '../../helpers/timers.ts';
import {until} from '../../helpers/patience.ts';
import {eraseFor, getFor, passwordIn} from '../../helpers/requests.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';
import {whyNotContained} from '../../helpers/run-contained.ts';
import {testUnless} from '../../helpers/test-unless.ts';
import {cloudFor} from '../../helpers/cloud-for.ts';

const pat =
  'integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: some-token}]}]}\n';

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function linesOf(path: string): Readonly<Record<string, unknown>>[] {
  return textOf(path)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** Waits until the file has so many lines about clients, and returns them. */
async function fullOf(path: string, count: number): Promise<Readonly<Record<string, unknown>>[]> {
  await until(
    `${count} lines`,
    () => clientLinesOf(path),
    (lines) => lines.length >= count,
  );
  return clientLinesOf(path);
}

function clientLinesOf(path: string): Readonly<Record<string, unknown>>[] {
  return linesOf(path).filter(({event}) => CLIENT_EVENTS.some((one) => one === event));
}

function auditOf(
  {directory}: TestDaemon,
  count: number,
  name = 'audit.jsonl',
): Promise<Readonly<Record<string, unknown>>[]> {
  return fullOf(join(directory, 'state', name), count);
}

async function lostBy(daemon: TestDaemon): Promise<number> {
  const {text} = await daemon.call('metrics', undefined);
  return Number(/^orgkey_audit_lines_lost_total (\d+)$/m.exec(text)?.[1]);
}

async function noticesOf(daemon: TestDaemon): Promise<readonly string[]> {
  const {notices} = await daemon.status();
  return notices.filter(({about}) => about === 'audit').map(({level, message}) => `${level}: ${message}`);
}

test('each credential that is handed out is a line without its secret', async (t) => {
  const cloud = await cloudFor(t);
  const tenant = cloud.addTenant();
  const app = tenant.addApplication();
  const daemon = await daemonFor(t, {
    configuration: `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}}
        - {organizations: [refused], clientId: ${app.clientId}, clientSecret: wrong, tenantId: ${tenant.id}}
orgkey: {prefetch: false, sockets: [{name: team, organizations: [contoso]}]}
`,
    environment: cloud.environment(),
  });
  const password = passwordIn(await daemon.ask(getFor('contoso')));
  const scoped = join(daemon.runtime, 'scoped/team/git.sock');
  await daemon.ask(getFor('contoso'), scoped);
  await daemon.ask(getFor('refused'));
  await daemon.ask(getFor('refused'), scoped);
  await daemon.ask(eraseFor('contoso', password));
  await daemon.call('token', {organization: 'contoso', scope: undefined});
  await daemon.call('token', {organization: 'unknown', scope: undefined});
  await daemon.ask('action=get\ntimeout=900\nprotocol=https\nhost=github.com\npath=a/b\n');
  const lines = await auditOf(daemon, 5);
  t.is(lines.length, 5, 'requests for other hosts are not recorded');
  const ofTeam = await auditOf(daemon, 2, 'audit.team.jsonl');
  t.is(ofTeam.length, 2);

  const [first, third, fifth, sixth, seventh] = lines;
  const [second, fourth] = ofTeam;
  const common = {
    event: 'get',
    host: 'dev.azure.com',
    organization: 'contoso',
    path: 'contoso/web/_git/site',
  };
  const who = {identity: `client secret ${app.clientId.slice(0, 8)}…`, kind: 'client-secret'};
  t.like(first, {...common, ...who, outcome: 'credential', socket: 'git', source: 'issuer'});
  t.regex(String(first?.['fingerprint']), /^[0-9a-f]{16}$/);
  t.true(Math.abs(Date.parse(String(first?.['expires'])) - Date.now() - 3_599_000) < 600_000);
  t.true(Math.abs(Date.parse(String(first?.['time'])) - Date.now()) < 600_000);
  t.true(lines.every(({duration}) => typeof duration === 'number' && duration >= 0));
  t.like(second, {
    ...common,
    ...who,
    outcome: 'credential',
    socket: 'team',
    source: 'cache',
    fingerprint: first?.['fingerprint'],
    expires: first?.['expires'],
  });
  t.like(third, {
    event: 'get',
    outcome: 'failure',
    organization: 'refused',
    reason: 'AADSTS7000215',
    socket: 'git',
  });
  t.like(fourth, {event: 'get', outcome: 'pass', organization: 'refused', socket: 'team'});
  t.like(fifth, {event: 'erase', outcome: 'failure', organization: 'contoso', reason: 'ERR_NOT_ACCEPTED'});
  t.like(sixth, {
    ...who,
    event: 'token',
    outcome: 'token',
    organization: 'contoso',
    socket: 'control',
    source: 'cache',
    fingerprint: first?.['fingerprint'],
    expires: first?.['expires'],
  });
  t.like(seventh, {event: 'token', outcome: 'failed', organization: 'unknown', reason: 'ERR_NOT_CONFIGURED'});
  const file = join(daemon.directory, 'state/audit.jsonl');
  t.is(statSync(file).mode & 0o777, 0o600);
  t.false(readFileSync(file, 'utf8').includes(password));
});

function entry(at: number): AuditEntry {
  return {time: '2026-11-21T00:00:00.000Z', event: 'get', outcome: `${at}`.padStart(8, '0'), socket: 'git'};
}

function auditIn(t: ExecutionContext, settings: Partial<AuditSettings>) {
  const path = join(scratchDirectory(t), 'audit.jsonl');
  const timers = new ManualTimers();
  const events: string[] = [];
  const audit = new Audit(path, {
    settings: () => ({maxSize: 1e9, files: 2, days: undefined, required: false, journal: false, ...settings}),
    boot: 'test',
    after: timers.start,
    now: Date.now,
    copy: () => undefined,
    failed: (error) => events.push(codeOf(error) ?? '?'),
    recovered: (lost) => events.push(`recovered: ${lost}`),
  });
  return {audit, path, timers, events};
}

test('a full file is rotated', async (t) => {
  const size = Buffer.byteLength(
    `${JSON.stringify({schemaVersion: 1, boot: 'test', seq: 10, ...entry(0)})}\n`,
  );
  const {audit, path} = auditIn(t, {maxSize: 10 * size, files: 3});
  for (let at = 0; at < 95; at++) {
    audit.write(entry(at));
    if (at % 5 === 4) await audit.flush();
  }
  const kept = [`${path}.2`, `${path}.1`, path].flatMap(linesOf).map(({outcome}) => Number(outcome));
  t.deepEqual(
    kept,
    Array.from({length: 25}, (_, at) => 70 + at),
  );
  t.false(existsSync(`${path}.3`));
  for (const each of [path, `${path}.1`, `${path}.2`]) t.true(statSync(each).size <= 10 * size);
});

test('a single file starts again when it is full', async (t) => {
  const {audit, path} = auditIn(t, {maxSize: 300, files: 1});
  for (let at = 0; at < 20; at++) {
    audit.write(entry(at));
    await audit.flush();
  }
  t.true(statSync(path).size <= 300);
  t.is(linesOf(path).at(-1)?.['outcome'], '00000019');
  t.false(existsSync(`${path}.1`));
});

test('a flush waits for every line, also during other flushes', async (t) => {
  const {audit, path, timers} = auditIn(t, {});
  const flushed: Promise<void>[] = [];
  for (let at = 0; at < 1000; at++) {
    audit.write(entry(at));
    if (at % 100 === 0) flushed.push(audit.flush());
    if (at % 300 === 0) await new Promise(setImmediate);
  }
  await audit.flush();
  t.is(linesOf(path).length, 1000);
  await Promise.all(flushed);
  // a line after the flush is written without another one
  audit.write(entry(1000));
  t.is(timers.fire(200), 1);
  t.is((await fullOf(path, 1001)).length, 1001);
});

test('lines that the disk is too slow for are counted as lost', async (t) => {
  const {audit, path, events} = auditIn(t, {});
  for (let at = 0; at < 25_000; at++) audit.write(entry(at));
  t.is(audit.lost, 5000);
  await audit.flush();
  const [first, ...others] = linesOf(path);
  t.like(first, {event: 'lost', times: 5000, seq: 20_002}, 'the record says that it has a gap');
  t.is(others.length, 20_000);
  t.deepEqual(events, ['recovered: 5000']);
});

/** Resolves when so many lines are written in full, or counted as lost, besides those that say so. */
async function accountedFor(t: ExecutionContext, daemon: TestDaemon, count: number): Promise<void> {
  const file = join(daemon.directory, 'state/audit.jsonl');
  await until(
    `${count} lines, written or lost`,
    async () => ({lost: await lostBy(daemon), text: textOf(file)}),
    ({lost, text}) =>
      /^$|\n$/.test(text) && linesOf(file).filter(({event}) => event !== 'lost').length + lost === count,
  );
  t.notThrows(() => linesOf(file));
}

/** Asks several times. Each request is answered whatever happens to the audit. */
async function askThrough(t: ExecutionContext, daemon: TestDaemon, times: number): Promise<void> {
  for (let at = 0; at < times; at++) t.is(passwordIn(await daemon.ask(getFor('contoso'))), 'some-token');
}

test('lines for a directory that cannot be written to are lost, until it can be', async (t) => {
  const directory = scratchDirectory(t);
  // root can write everywhere
  const uid = 65_534;
  chownSync(directory, uid, uid);
  const daemon = await daemonFor(t, {directory, configuration: undefined, uid});
  writeFileSync(daemon.configFile, pat, {mode: 0o600});
  chownSync(daemon.configFile, uid, uid);
  await daemon.call('reload', undefined);
  await until(
    'the first lines',
    () => linesOf(join(directory, 'state/audit.jsonl')).length,
    (count) => count >= 2,
  );
  rmSync(join(directory, 'state/audit.jsonl'));
  chmodSync(join(directory, 'state'), 0o500);
  t.teardown(() => chmodSync(join(directory, 'state'), 0o700));
  await askThrough(t, daemon, 50);
  await until(
    'lost lines',
    () => lostBy(daemon),
    (lost) => lost >= 50,
  );
  t.is(daemon.stderr.split('\n').filter((line) => line.includes('audit: ')).length, 1, 'logged once');
  const [notice = ''] = await noticesOf(daemon);
  t.regex(notice, /^error: audit lines cannot be written: EACCES.*; lost so far: \d+$/);

  chmodSync(join(directory, 'state'), 0o700);
  // without a request
  await until(
    'the end of the notice',
    () => noticesOf(daemon),
    (notices) => notices.length === 0,
  );
  const lost = await lostBy(daemon);
  t.true(lost >= 50, 'the counter keeps them');
  await askThrough(t, daemon, 3);
  const lines = await auditOf(daemon, 3);
  // the start and the configuration are lost, too, and requests whose lines were not written yet
  t.true(lines.length >= 3 && lines.length + lost >= 53, `${lines.length} lines, ${lost} lost`);
  const all = linesOf(join(directory, 'state/audit.jsonl'));
  t.is(all.find(({event}) => event === 'lost')?.['times'], lost);
  t.true(daemon.stderr.includes(`audit: lines are written again; lost: ${lost}`));
});

test('lines for a file that cannot grow are dropped, and git is served', async (t) => {
  const daemon = await daemonFor(t, {configuration: pat});
  await askThrough(t, daemon, 10);
  await auditOf(daemon, 10);
  execFileSync('prlimit', ['--pid', String(daemon.process.pid), '--fsize=4000:4000']);
  await askThrough(t, daemon, 100);
  // with the start and the configuration
  await accountedFor(t, daemon, 112);
  t.true((await lostBy(daemon)) > 0);
});

testUnless(whyNotContained())('a full disk drops lines but leaves no half line', async (t) => {
  const directory = scratchDirectory(t);
  const state = join(directory, 'state');
  mkdirSync(state, {mode: 0o700});
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k,mode=0700', 'tmpfs', state]);
  t.teardown(() => execFileSync('umount', ['-l', state]));
  const daemon = await daemonFor(t, {directory, configuration: pat});
  // batches of many sizes, so that one of them fits in part
  for (let batch = 1; batch <= 12; batch++)
    await Promise.all(Array.from({length: batch}, () => askThrough(t, daemon, 1)));
  await accountedFor(t, daemon, 80);
  t.true((await lostBy(daemon)) > 0);
});

test('a line is numbered, and the number of a lost one is missing', async (t) => {
  const {audit, path, timers, events} = auditIn(t, {});
  audit.write(entry(1));
  await audit.flush();
  mkdirSync(`${path}.away`);
  renameSync(path, `${path}.away/audit.jsonl`);
  mkdirSync(path);
  audit.write(entry(2));
  audit.write(entry(3));
  await audit.settle();
  t.not(audit.error, undefined);
  rmdirSync(path);
  renameSync(`${path}.away/audit.jsonl`, path);
  t.is(timers.fire(5000), 1, 'it is tried again without a line');
  await audit.settle();
  t.is(audit.error, undefined);
  audit.write(entry(4));
  await audit.flush();
  t.deepEqual(
    linesOf(path).map(({seq, event, times, boot}) => [seq, event, times, boot]),
    [
      [1, 'get', undefined, 'test'],
      [4, 'lost', 2, 'test'],
      [5, 'get', undefined, 'test'],
    ],
  );
  t.deepEqual(events, ['EISDIR', 'recovered: 2']);
});

const DAY = 86_400_000;

test('a file older than the retention is removed, and a full set of young ones is reported', async (t) => {
  const {audit, path} = auditIn(t, {maxSize: 4096, files: 3, days: 30});
  const old = new Date(Date.now() - 31 * DAY);
  for (const name of [`${path}.1`, `${path}.2`])
    writeFileSync(name, `${JSON.stringify({...entry(0), time: old.toISOString()})}\n`);
  utimesSync(`${path}.2`, old, old);
  await audit.applyRetention();
  t.false(existsSync(`${path}.2`));
  t.true(existsSync(`${path}.1`), 'its last line is young');
  t.is(audit.cutAt, undefined);
  const young = new Date(Date.now() - DAY).toISOString();
  writeFileSync(`${path}.2`, `${JSON.stringify({...entry(0), time: young})}\n`);
  await audit.applyRetention();
  t.is(audit.cutAt, Date.parse(young));
});

test('with a retention a file is rotated when it has its share of the days', async (t) => {
  const {audit, path} = auditIn(t, {files: 3, days: 30});
  const at = (days: number) => JSON.stringify({...entry(0), time: new Date(Date.now() - days * DAY)});
  writeFileSync(path, `${at(14)}\n`);
  audit.write(entry(1));
  await audit.flush();
  t.is(linesOf(path).length, 2);
  writeFileSync(path, `${at(16)}\n`);
  audit.write(entry(2));
  await audit.flush();
  t.is(linesOf(path).length, 1);
  t.is(linesOf(`${path}.1`).length, 1);
});

test('the audit has the start and the end of the daemon, and each configuration', async (t) => {
  const daemon = await daemonFor(t, {configuration: pat});
  const file = join(daemon.directory, 'state/audit.jsonl');
  daemon.configure(`${pat.replace('contoso', 'contoso, fabrikam')}orgkey: {onFailure: pass}\n`);
  await daemon.call('reload', undefined);
  daemon.configure(pat.replace('some-token', 'another-token'));
  await daemon.call('reload', undefined);
  daemon.configure('integrations: {azure: 1}\n');
  await daemon.call('reload', undefined);
  await daemon.call('clear', undefined);
  await daemon.call('logout', {organization: 'contoso'});
  t.is(await daemon.stop(), 0);
  const lines = linesOf(file);
  const of = (event: string) => lines.filter((line) => line['event'] === event);
  const path = daemon.configFile;
  t.like(lines[0], {event: 'start', socket: 'daemon', seq: 1});
  t.like(lines.at(-1), {event: 'stop', outcome: 'stopped by SIGTERM', seq: lines.length});
  t.is(new Set(lines.map(({boot}) => boot)).size, 1);
  const [first, second, ...others] = of('configuration');
  t.like(first, {outcome: 'taken', path, added: ['contoso: personal access token', 'audit']});
  t.like(second, {outcome: 'taken', path, added: ['fabrikam: personal access token']});
  t.true(
    others.some(({changed}) => String(changed).includes('contoso')),
    JSON.stringify(others),
  );
  t.true(others.some(({removed}) => String(removed).includes('fabrikam')));
  t.regex(String(others.at(-1)?.['reason']), /config\.yaml:1:\d+: .*azure/);
  t.is(others.at(-1)?.['outcome'], 'rejected');
  t.like(of('clear')[0], {outcome: 'cleared', socket: 'control'});
  t.like(of('logout')[0], {outcome: 'not signed in', organization: 'contoso', socket: 'control'});
  t.false(readFileSync(file, 'utf8').includes('another-token'));
});

test('a request, its log line and its token request have one id', async (t) => {
  const cloud = await cloudFor(t);
  const tenant = cloud.addTenant();
  const app = tenant.addApplication();
  const machine = cloud.addManagedIdentity({tenant});
  const daemon = await daemonFor(t, {
    configuration: `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}}
        - {organizations: [refused], clientId: ${app.clientId}, clientSecret: wrong, tenantId: ${tenant.id}}
        - {organizations: [machines], clientId: ${machine.clientId}}
orgkey: {prefetch: false}
`,
    environment: {...cloud.environment(), AZURE_POD_IDENTITY_AUTHORITY_HOST: cloud.imdsUrl},
  });
  for (const organization of ['contoso', 'contoso', 'refused', 'machines'])
    await daemon.ask(getFor(organization));
  const lines = await auditOf(daemon, 4);
  const [first, second, third, fourth] = lines;
  const ids = lines.map(({id}) => String(id));
  t.is(new Set(ids).size, 4);
  const log = daemon.stderr.split('\n').flatMap((line) => (line.startsWith('{') ? JSON.parse(line) : []));
  for (const id of ids) t.is(log.filter((line) => line.id === id).length, 1, id);
  const named = cloud.requests.filter({endpoint: 'token'}).map(({headers}) => headers['client-request-id']);
  t.deepEqual(named, [ids[0], ids[2]]);
  t.is(first?.['issuerRequest'], ids[0]);
  t.is(second?.['issuerRequest'], ids[0], 'a token from memory names the request that brought it');
  t.like(third, {issuerRequest: ids[2], reason: 'AADSTS7000215'});
  t.is(fourth?.['issuerRequest'], ids[3]);
  t.true(
    cloud.requests
      .filter({endpoint: 'imds'})
      .some(({headers}) => headers['x-ms-client-request-id'] === ids[3]),
  );
});

test('if a record is required, nothing is handed out that cannot be recorded', async (t) => {
  const directory = scratchDirectory(t);
  const daemon = await daemonFor(t, {
    directory,
    configuration: `${pat}orgkey: {audit: {required: true}}\n`,
  });
  t.is(passwordIn(await daemon.ask(getFor('contoso'))), 'some-token');
  const file = join(directory, 'state/audit.jsonl');
  t.is(clientLinesOf(file).length, 1, 'it is in the file before the answer');
  renameSync(file, `${file}-away`);
  mkdirSync(file);
  const answer = await daemon.ask(getFor('contoso'));
  t.false(answer.includes('some-token'));
  t.regex(answer, /ERR_NOT_RECORDED/);
  t.like(await daemon.call('token', {organization: 'contoso', scope: undefined}), {
    kind: 'failed',
    code: 'ERR_NOT_RECORDED',
  });
  t.is((await daemon.status()).health, 'error');
  rmdirSync(file);
  renameSync(`${file}-away`, file);
  t.is(passwordIn(await daemon.ask(getFor('contoso'))), 'some-token', 'it works again at once');
  const events = linesOf(file).map(({event}) => event);
  t.true(events.includes('lost'));
});
