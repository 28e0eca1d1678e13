import {execFileSync} from 'node:child_process';
import {chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {Audit, type AuditEntry} from '../../../src/daemon/record/audit.ts';
import {startCloud} from '../../cloud/cloud.ts';
import {startDaemon, type TestDaemon} from '../../helpers/daemon.ts';
import {until} from '../../helpers/patience.ts';
import {eraseFor, getFor, passwordIn} from '../../helpers/requests.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';
import {whyNotContained} from '../../helpers/run-contained.ts';
import {testUnless} from '../../helpers/test-unless.ts';

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

/** Waits until the file has so many lines, and returns them. */
async function fullOf(path: string, count: number): Promise<Readonly<Record<string, unknown>>[]> {
  await until(
    `${count} lines`,
    () => textOf(path),
    (text) => countOf(text) >= count,
  );
  return linesOf(path);
}

/** Returns the number of whole lines. */
function countOf(text: string): number {
  return text.split('\n').length - 1;
}

function auditOf(
  {directory}: TestDaemon,
  count: number,
  name = 'audit.jsonl',
): Promise<Readonly<Record<string, unknown>>[]> {
  return fullOf(join(directory, 'state', name), count);
}

async function droppedBy(daemon: TestDaemon): Promise<number> {
  const {notices} = await daemon.status();
  const notice = notices.find(({message}) => message.endsWith('audit lines could not be written'));
  return Number.parseInt(notice?.message ?? '0', 10);
}

test('each credential that is handed out is a line without its secret', async (t) => {
  const cloud = await startCloud();
  t.teardown(() => cloud.close());
  const tenant = cloud.addTenant();
  const app = tenant.addApplication();
  const daemon = await startDaemon({
    configuration: `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}}
        - {organizations: [refused], clientId: ${app.clientId}, clientSecret: wrong, tenantId: ${tenant.id}}
orgkey: {prefetch: false, sockets: [{name: team, organizations: [contoso]}]}
`,
    environment: cloud.environment(),
  });
  t.teardown(() => daemon.close());
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

function auditIn(t: ExecutionContext, settings: {readonly maxSize: number; readonly files: number}) {
  const path = join(scratchDirectory(t), 'audit.jsonl');
  const failures: unknown[] = [];
  const audit = new Audit(path, {settings: () => settings, failed: (error) => failures.push(error)});
  return {audit, path, failures};
}

test('a full file is rotated', async (t) => {
  const size = Buffer.byteLength(`${JSON.stringify({schemaVersion: 1, ...entry(0)})}\n`);
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
  const {audit, path} = auditIn(t, {maxSize: 1e9, files: 2});
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
  t.is((await fullOf(path, 1001)).length, 1001);
});

test('lines that the disk is too slow for are counted as dropped', async (t) => {
  const {audit, path} = auditIn(t, {maxSize: 1e9, files: 2});
  for (let at = 0; at < 25_000; at++) audit.write(entry(at));
  t.is(audit.dropped, 5000);
  await audit.flush();
  t.is(linesOf(path).length, 20_000);
});

/** Resolves when so many lines are written in full, or counted as dropped. */
async function accountedFor(t: ExecutionContext, daemon: TestDaemon, count: number): Promise<void> {
  const file = join(daemon.directory, 'state/audit.jsonl');
  await until(
    `${count} lines, written or dropped`,
    async () => ({dropped: await droppedBy(daemon), text: textOf(file)}),
    ({dropped, text}) => /^$|\n$/.test(text) && countOf(text) + dropped === count,
  );
  t.notThrows(() => linesOf(file));
}

/** Asks several times. Each request is answered whatever happens to the audit. */
async function askThrough(t: ExecutionContext, daemon: TestDaemon, times: number): Promise<void> {
  for (let at = 0; at < times; at++) t.is(passwordIn(await daemon.ask(getFor('contoso'))), 'some-token');
}

test('lines for a directory that cannot be written to are counted as dropped', async (t) => {
  const directory = scratchDirectory(t);
  // root can write everywhere
  const uid = 65_534;
  chownSync(directory, uid, uid);
  const daemon = await startDaemon({directory, configuration: undefined, uid});
  t.teardown(() => daemon.close());
  writeFileSync(daemon.configFile, pat, {mode: 0o600});
  chownSync(daemon.configFile, uid, uid);
  await daemon.call('reload', undefined);
  chmodSync(join(directory, 'state'), 0o500);
  t.teardown(() => chmodSync(join(directory, 'state'), 0o700));
  await askThrough(t, daemon, 50);
  await until(
    'dropped lines',
    () => droppedBy(daemon),
    (dropped) => dropped >= 50,
  );
  t.is(daemon.stderr.split('\n').filter((line) => line.includes('audit: ')).length, 1, 'logged once');

  chmodSync(join(directory, 'state'), 0o700);
  await askThrough(t, daemon, 3);
  t.is((await auditOf(daemon, 3)).length, 3);
  t.is(await droppedBy(daemon), 50);
});

test('lines for a file that cannot grow are dropped, and git is served', async (t) => {
  const daemon = await startDaemon({configuration: pat});
  t.teardown(() => daemon.close());
  await askThrough(t, daemon, 10);
  await auditOf(daemon, 10);
  execFileSync('prlimit', ['--pid', String(daemon.process.pid), '--fsize=4000:4000']);
  await askThrough(t, daemon, 100);
  await accountedFor(t, daemon, 110);
  t.true((await droppedBy(daemon)) > 0);
});

testUnless(whyNotContained())('a full disk drops lines but leaves no half line', async (t) => {
  const directory = scratchDirectory(t);
  const state = join(directory, 'state');
  mkdirSync(state, {mode: 0o700});
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k,mode=0700', 'tmpfs', state]);
  t.teardown(() => execFileSync('umount', ['-l', state]));
  const daemon = await startDaemon({directory, configuration: pat});
  t.teardown(() => daemon.close());
  // batches of many sizes, so that one of them fits in part
  for (let batch = 1; batch <= 12; batch++)
    await Promise.all(Array.from({length: batch}, () => askThrough(t, daemon, 1)));
  await accountedFor(t, daemon, 78);
  t.true((await droppedBy(daemon)) > 0);
});
