import {join} from 'node:path';
import {Tally} from '../../../src/daemon/status/tally.ts';
import test from 'ava';
import type {Log} from '../../../src/daemon/record/log.ts';
import {createGrantReporter} from '../../../src/daemon/record/reporter.ts';
import {shareLog} from '../../../src/daemon/record/share-log.ts';
import {daemonFor} from '../../helpers/daemon.ts';
import {scopedTo} from '../../helpers/fake-respond.ts';
import {ManualTimers} from '../../helpers/timers.ts';

const team = scopedTo('contoso');
const everybody = {name: 'git', organizations: undefined};

test('the log lines of each socket and each of its users are limited', (t) => {
  const written: string[] = [];
  const log: Log = (level, message) => void written.push(`${level}: ${message}`);
  const timers = new ManualTimers();
  const logOf = shareLog(log, timers.start);
  const other = {...team, name: 'other'};
  for (let line = 0; line < 350; line++) {
    logOf(team)('debug', 'a detail');
    logOf(team)('warn', 'of the team');
    logOf({...everybody, client: {uid: 1000, pid: line}})('warn', 'of one user');
  }
  logOf(other)('warn', 'of others');
  logOf({...everybody, client: {uid: 1001, pid: 1}})('warn', 'of another user');
  logOf(everybody)('warn', 'of an unknown user');
  const count = (text: string) => written.filter((line) => line === text).length;
  t.is(count('debug: a detail'), 350);
  t.is(count('warn: of the team'), 100);
  t.is(count('warn: of one user'), 300);
  for (const one of ['of others', 'of another user', 'of an unknown user']) t.is(count(`warn: ${one}`), 1);
  t.is(timers.fire(60_000), 5);
  t.is(count('warn: 250 more lines of this socket are left out'), 1);
  t.is(written.at(-1), 'warn: 50 more lines of this socket are left out');
  logOf(team)('warn', 'of the team');
  t.is(written.at(-1), 'warn: of the team');
  t.is(timers.fire(60_000), 1);
  t.is(written.at(-1), 'warn: of the team', 'no line was left out');
});

test('the log lines of grants are limited too', (t) => {
  const written: string[] = [];
  const timers = new ManualTimers();
  const logOf = shareLog((_level, message) => void written.push(message), timers.start);
  const report = createGrantReporter({
    tally: new Tally(),
    audit: {write: () => undefined},
    logOf,
    now: () => 0,
  });
  const host = 'ssh.dev.azure.com';
  const granted = {kind: 'granted', host, organization: 'contoso', project: 'p', repository: 'r'} as const;
  for (let times = 0; times < 150; times++) report({...granted, fingerprint: 'SHA256:x', scope: team});
  t.is(written.length, 100);
});

test('requests on a scoped socket do not push out other log lines', async (t) => {
  const daemon = await daemonFor(t, {
    configuration: `integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: ${'p'.repeat(52)}}]}]}
orgkey: {sockets: [{name: team, organizations: [contoso]}]}\n`,
  });
  for (let times = 0; times < 120; times++)
    await daemon.ask('nonsense', join(daemon.runtime, 'scoped/team/git.sock'));
  await daemon.ask('nonsense');
  await daemon.says(/a request could not be read.*"socket":"git"/);
  t.is(daemon.stderr.match(/a request could not be read.*"socket":"team"/g)?.length, 100);
});
