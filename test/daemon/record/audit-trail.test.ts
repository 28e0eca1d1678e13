import {readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {AuditTrail} from '../../../src/daemon/record/audit-trail.ts';
import type {AuditEntry} from '../../../src/daemon/record/audit-entry.ts';
import {auditEntryOf} from '../../../src/daemon/record/report.ts';
import {identityNamed} from '../../helpers/fake-issuer.ts';
import {World, everybody, getFor, scopedTo} from '../../helpers/fake-respond.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';
import {ManualTimers} from '../../helpers/timers.ts';

const MINUTE = 60_000;
const team = scopedTo('contoso');
const contoso = {
  host: 'dev.azure.com',
  place: 'test',
  identity: identityNamed('app'),
  organizations: ['contoso'],
};

function trailIn(t: ExecutionContext, maxSize = 64 * 1024) {
  const state = scratchDirectory(t);
  const timers = new ManualTimers();
  const trail = new AuditTrail({
    state,
    settings: () => ({maxSize, files: 2, days: undefined, required: false, journal: false}),
    log: (level, message) => t.fail(`${level}: ${message}`),
    after: timers.start,
    now: Date.now,
  });
  const world = new World([contoso]);
  const ask = async (request: string, scope = everybody) => {
    await world.ask(request, scope);
    for (const each of world.reports.splice(0)) {
      const entry = auditEntryOf(each, Date.now());
      if (entry) trail.write(entry, scope);
    }
  };
  const linesIn = (name: string): Readonly<Record<string, unknown>>[] =>
    readFileSync(join(state, name), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  return {state, trail, timers, ask, linesIn};
}

function rejection(reason: string, organization = 'contoso'): AuditEntry {
  return {
    time: '2026-11-21T00:00:00.000Z',
    event: 'get',
    outcome: 'pass',
    socket: 'team-a',
    organization,
    reason,
  };
}

for (const [socket, scope, file] of [
  ['a scoped socket', team, 'audit.team-a.jsonl'],
  ['the main socket', {...everybody, client: {uid: 1001, pid: 7}}, 'audit.jsonl'],
] as const)
  test(`a flood on ${socket} does not push out the audit of others`, async (t) => {
    const {state, trail, ask, linesIn} = trailIn(t, 1024 * 1024);
    await ask(getFor('contoso'), {...everybody, client: {uid: 1000, pid: 1}});
    for (let at = 0; at < 10_000; at++) {
      await ask(getFor('contoso').replace('/p/', `/p${at}/`), scope);
      await ask(getFor(`other${at}`), scope);
    }
    await ask(getFor('contoso'), {...everybody, client: {uid: 1000, pid: 2}});
    await trail.flush();
    t.deepEqual(readdirSync(state).toSorted(), [...new Set(['audit.jsonl', file])].toSorted());
    const others = linesIn('audit.jsonl').filter(({uid}) => uid === 1000);
    t.deepEqual(
      others.map(({pid, outcome}) => [pid, outcome]),
      [
        [1, 'credential'],
        [2, 'credential'],
      ],
    );
    const flood = linesIn(file).filter(({uid}) => uid !== 1000);
    t.true(flood.length < 1100);
    const served = flood.filter(({outcome}) => outcome === 'credential');
    // each hand-out is written or counted
    t.is(
      served.reduce((sum, {times = 1}) => sum + Number(times), 0),
      10_000,
    );
  });

test('the first of several equal rejections is a line, the others are counted', async (t) => {
  const {trail, timers, linesIn} = trailIn(t);
  for (let at = 0; at < 3; at++) {
    trail.write(rejection('one'), team);
    trail.write({...rejection('none'), outcome: 'credential'}, team);
  }
  trail.write(rejection('two'), team);
  // of the hand-outs, and of the rejections
  t.is(timers.fire(MINUTE), 2);
  trail.write(rejection('one'), team);
  trail.write(rejection('one'), team);
  // a flush writes the counts too
  await trail.flush();
  t.is(timers.fire(MINUTE), 0);
  t.deepEqual(
    linesIn('audit.team-a.jsonl').map(({reason, times}) => [reason, times]),
    [
      ['one', undefined],
      ['none', undefined],
      ['none', undefined],
      ['none', undefined],
      ['two', undefined],
      ['one', 2],
      ['one', undefined],
      ['one', 1],
    ],
  );
});

test('rejections beyond 32 kinds share one count', async (t) => {
  const {trail, timers, linesIn} = trailIn(t);
  for (let at = 0; at < 1000; at++) trail.write(rejection('outside', `o${at}`), team);
  timers.fire(MINUTE);
  await trail.flush();
  const lines = linesIn('audit.team-a.jsonl');
  t.is(lines.length, 33);
  const {time, event, outcome, socket} = rejection('outside');
  t.like(lines.at(-1), {schemaVersion: 1, seq: 33, time, event, outcome, socket, times: 968});
});

for (const [title, letter] of [
  ['that are shown as escapes', '\u{e0100}'],
  ['of three bytes', '日'],
  ['of four bytes', '𠀀'],
] as const) {
  test(`a long path of letters ${title} is shortened`, async (t) => {
    const {trail, ask, linesIn} = trailIn(t);
    await ask(getFor('contoso').replace('/p/', `/${letter.repeat(1000)}/`));
    await trail.flush();
    const [line] = linesIn('audit.jsonl');
    t.is(line?.['outcome'], 'credential');
    t.true(Buffer.byteLength(JSON.stringify(line)) <= 1024);
  });
}
