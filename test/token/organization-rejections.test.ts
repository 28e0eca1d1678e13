import test from 'ava';
import type {Asker} from '../../src/token/asker.ts';
import {OrganizationRejections} from '../../src/token/organization-rejections.ts';
import {FakeClock, MINUTE, SECOND} from '../helpers/fake-clock.ts';

const asker: Asker = {socket: 'git.sock', scoped: false, owner: 'contoso', path: 'web', identity: 'build'};
const other: Asker = {...asker, identity: 'release'};

function setUp() {
  const clock = new FakeClock();
  const recovered: string[] = [];
  const rejections = new OrganizationRejections(clock, (owner) => recovered.push(owner));
  return {clock, recovered, rejections};
}

test('a report is shown and counted, and locks nothing', (t) => {
  const {clock, rejections} = setUp();
  t.false(rejections.has(asker));
  rejections.reported(asker, 'a');
  rejections.reported(asker, 'b');
  t.true(rejections.has(asker));
  t.false(rejections.has(other));
  t.false(rejections.isLocked(asker));
  t.deepEqual(rejections.all, [
    {
      owner: 'contoso',
      identity: 'build',
      path: 'web',
      fingerprint: 'b',
      at: clock.wall(),
      lockedUntil: undefined,
    },
  ]);
  t.deepEqual([...rejections.totals], [['contoso', 2]]);
});

test('organizations beyond ten thousand share one count', (t) => {
  const {rejections} = setUp();
  for (let n = 0; n < 10_002; n++) rejections.reported({...asker, owner: `o${n}`}, 'a');
  rejections.reported({...asker, owner: 'o0'}, 'a');
  t.is(rejections.totals.size, 10_001);
  t.is(rejections.totals.get(''), 2);
  t.is(rejections.totals.get('o0'), 2);
  t.is(rejections.totals.get('o9999'), 1);
});

test('a rejection by the organization locks it for a minute', (t) => {
  const {clock, rejections} = setUp();
  rejections.judge(asker, 'rejected', 'a');
  const until = clock.wall() + MINUTE;
  clock.pass(MINUTE - SECOND);
  t.is(rejections.all[0]?.lockedUntil, until);
  t.true(rejections.isLocked(asker));
  t.true(rejections.isLocked(asker, 'a'));
  t.false(rejections.isLocked(asker, 'b'));
  t.false(rejections.isLocked(other));
  t.false(rejections.isEnded(asker));
  clock.pass(SECOND);
  t.false(rejections.isLocked(asker));
  t.is(rejections.all[0]?.lockedUntil, undefined);
});

test('a token that a policy ended is known as that, after a report too', (t) => {
  const {clock, rejections} = setUp();
  rejections.judge(asker, 'ended', 'a');
  rejections.reported(asker, 'a');
  t.true(rejections.isEnded(asker));
  t.false(rejections.isEnded(other));
  clock.pass(MINUTE);
  t.false(rejections.isEnded(asker));
});

for (const [verdict, isBad] of [
  ['works', false],
  ['accepted', false],
  ['unknown', true],
] as const)
  test(`the verdict "${verdict}" ${isBad ? 'keeps' : 'ends'} a rejection`, (t) => {
    const {recovered, rejections} = setUp();
    rejections.judge(asker, verdict, 'a');
    t.deepEqual(recovered, []);
    rejections.judge(asker, 'rejected', 'a');
    rejections.judge(asker, verdict, 'a');
    t.is(rejections.has(asker), isBad);
    t.is(rejections.isLocked(asker), isBad);
    t.deepEqual(recovered, isBad ? [] : ['contoso']);
  });

/** Returns how many of twenty questions may be asked. */
function allowed(rejections: OrganizationRejections, askers: (n: number) => Asker): number {
  return Array.from({length: 20}, (_, n) => rejections.mayVerify(askers(n))).filter(Boolean).length;
}

test('a path is verified four times a minute, an organization eight times', (t) => {
  const {clock, rejections} = setUp();
  t.is(
    allowed(rejections, () => asker),
    4,
  );
  t.is(
    allowed(rejections, (n) => ({...asker, path: `p${n}`})),
    4,
  );
  t.is(
    allowed(rejections, () => other),
    4,
  );
  clock.pass(MINUTE - SECOND);
  t.is(
    allowed(rejections, () => asker),
    0,
  );
  clock.pass(SECOND);
  t.is(
    allowed(rejections, () => asker),
    4,
  );
});

test('what is forgotten of one identity stays known of another', (t) => {
  const {rejections} = setUp();
  rejections.judge(asker, 'rejected', 'a');
  rejections.judge(other, 'rejected', 'a');
  allowed(rejections, () => asker);
  rejections.forget(new Set(['build']));
  t.false(rejections.has(asker));
  t.true(rejections.isLocked(other));
  t.is(
    allowed(rejections, () => asker),
    4,
  );
  rejections.clear();
  t.deepEqual(rejections.all, []);
  t.is(
    allowed(rejections, () => asker),
    4,
  );
});
