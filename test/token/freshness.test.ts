import test from 'ava';
import {freshnessOf, lifeLeft} from '../../src/token/freshness.ts';
import {DAY, FakeClock, HOUR, MINUTE, SECOND, YEAR} from '../helpers/fake-clock.ts';
import {makeToken, type TokenShape} from '../helpers/fake-issuer.ts';

const is = test.macro({
  exec: (
    t,
    _: string,
    shape: TokenShape,
    age: number,
    jitter: number,
    expected: ReturnType<typeof freshnessOf>,
  ) => {
    const clock = new FakeClock();
    const token = makeToken('x', clock, shape);
    clock.pass(age);
    t.is(freshnessOf(token, clock, jitter), expected);
  },
  title: (_, title: string, __, ___, jitter: number, expected: ReturnType<typeof freshnessOf>) =>
    `${title}, jitter ${jitter}: ${expected}`,
});

test(is, 'a new token', {life: HOUR}, 0, 0, 'fresh');
test(is, 'just before 75 % of its life', {life: HOUR}, 45 * MINUTE - 1, 0, 'fresh');
test(is, 'at 75 % of its life', {life: HOUR}, 45 * MINUTE, 0, 'should-refresh');
test(is, 'at 65 % of its life, with the most jitter', {life: HOUR}, 39 * MINUTE, 1, 'should-refresh');
test(is, 'just before that', {life: HOUR}, 39 * MINUTE - 1, 1, 'fresh');
test(is, 'at 70 % of its life, with half the jitter', {life: HOUR}, 42 * MINUTE, 0.5, 'should-refresh');
test(is, 'with ten minutes left', {life: HOUR}, 50 * MINUTE, 0, 'should-refresh');
test(is, 'with less than ten minutes left', {life: HOUR}, 50 * MINUTE + 1, 0, 'must-refresh');
test(is, 'with a minute left', {life: HOUR}, 59 * MINUTE, 0, 'must-refresh');
test(is, 'with less than a minute left', {life: HOUR}, 59 * MINUTE + 1, 0, 'expired');
test(is, 'at its end', {life: HOUR}, HOUR, 0, 'expired');
test(is, 'long after its end', {life: HOUR}, YEAR, 0, 'expired');

test(
  is,
  'before the moment that the issuer names',
  {life: DAY, refreshIn: 12 * HOUR},
  12 * HOUR - 1,
  0,
  'fresh',
);
test(
  is,
  'at the moment that the issuer names',
  {life: DAY, refreshIn: 12 * HOUR},
  12 * HOUR,
  0,
  'should-refresh',
);
test(
  is,
  'a tenth of its life before, with jitter',
  {life: DAY, refreshIn: 12 * HOUR},
  9.6 * HOUR,
  1,
  'should-refresh',
);
test(
  is,
  'after 75 %, if the issuer names a later moment',
  {life: DAY, refreshIn: 22 * HOUR},
  20 * HOUR,
  0,
  'fresh',
);
test(is, 'a moment after its end', {life: HOUR, refreshIn: 2 * HOUR}, 45 * MINUTE - 1, 0, 'fresh');
test(is, 'before a request must wait', {life: HOUR, refreshIn: 2 * HOUR}, 45 * MINUTE, 0, 'should-refresh');
test(
  is,
  'a moment after its end does not prolong it',
  {life: HOUR, refreshIn: 2 * HOUR},
  51 * MINUTE,
  0,
  'must-refresh',
);
test(
  is,
  'a moment at once is put off to half of its life',
  {life: HOUR, refreshIn: 0},
  30 * MINUTE - 1,
  0,
  'fresh',
);
test(
  is,
  'a moment in the past is put off as well',
  {life: HOUR, refreshIn: -HOUR},
  30 * MINUTE - 1,
  0,
  'fresh',
);
test(
  is,
  'half of its life, if the issuer wants it at once',
  {life: HOUR, refreshIn: 0},
  30 * MINUTE,
  0,
  'should-refresh',
);

test(is, 'a token of ten minutes is new', {life: 10 * MINUTE}, 0, 0, 'fresh');
test(is, 'a token of ten minutes before half of its life', {life: 10 * MINUTE}, 4.5 * MINUTE - 1, 0, 'fresh');
test(is, 'a token of ten minutes at half of its life', {life: 10 * MINUTE}, 5 * MINUTE, 0, 'should-refresh');
test(is, 'a token of half an hour', {life: 30 * MINUTE}, 18 * MINUTE, 0, 'should-refresh');
test(
  is,
  'a token of ten minutes after half of its life',
  {life: 10 * MINUTE},
  5 * MINUTE + 1,
  0,
  'must-refresh',
);
test(is, 'a token of less than a minute', {life: 59 * SECOND}, 0, 0, 'expired');
test(is, 'a token of no life', {life: 0}, 0, 0, 'expired');
test(is, 'a token that was over before', {life: -HOUR}, 0, 0, 'expired');
test(is, 'a token without an end', {life: undefined}, 0, 1, 'fresh');
test(is, 'a token without an end, after a year', {life: undefined}, YEAR, 1, 'fresh');

test('an erased token is expired, whatever its life', (t) => {
  const clock = new FakeClock();
  for (const life of [HOUR, undefined]) {
    const token = makeToken('x', clock, {life});
    token.secret.erase();
    t.is(freshnessOf(token, clock, 0), 'expired');
  }
});

const leaves = test.macro({
  exec: (t, _: string, change: (clock: FakeClock) => void, expected: number) => {
    const clock = new FakeClock();
    const token = makeToken('x', clock, {life: HOUR});
    clock.pass(10 * MINUTE);
    change(clock);
    t.is(lifeLeft(token, clock), expected);
  },
  title: (_, title: string) => `an hour’s token after ten minutes: ${title}`,
});

test(leaves, 'fifty minutes', () => undefined, 50 * MINUTE);
test(leaves, 'the clock goes an hour back, which prolongs nothing', (clock) => clock.set(-HOUR), 50 * MINUTE);
test(leaves, 'the clock goes a year back, which prolongs nothing', (clock) => clock.set(-YEAR), 50 * MINUTE);
test(leaves, 'the clock goes half an hour on', (clock) => clock.set(30 * MINUTE), 20 * MINUTE);
test(leaves, 'the clock goes an hour on', (clock) => clock.set(HOUR), -10 * MINUTE);
test(leaves, 'the clock goes a year on', (clock) => clock.set(YEAR), 50 * MINUTE - YEAR);
test(leaves, 'the machine sleeps', (clock) => clock.pass(40 * MINUTE), 10 * MINUTE);
test(
  leaves,
  'back and on again',
  (clock) => {
    clock.set(-YEAR);
    clock.pass(20 * MINUTE);
    clock.set(YEAR);
  },
  30 * MINUTE,
);

test('a token without an end has all the time there is', (t) => {
  const clock = new FakeClock();
  t.is(lifeLeft(makeToken('x', clock, {life: undefined}), clock), Infinity);
});
