import test from 'ava';
import {inTurns, median, pairedRatio} from '../../../scripts/bench/statistics.ts';

test('the median is the middle one, in whatever order they come', (t) => {
  t.is(median([9, 1, 5]), 5);
  t.is(median([10, 2, 1, 9]), 9);
  t.is(median([]), NaN);
});

test('a disturbance that hit both of a pair does not change their ratio', (t) => {
  t.is(pairedRatio([2, 200, 4], [1, 100, 2]), 2);
});

test('a ratio of unequal numbers of values is refused', (t) => {
  t.throws(() => pairedRatio([1, 2], [1]), {message: 'not measured in pairs'});
});

test('every other round runs the other way around', async (t) => {
  const order: string[] = [];
  const took = await inTurns(3, {
    one: async () => order.push('one'),
    other: async () => order.push('other'),
  });
  t.deepEqual(order, ['one', 'other', 'other', 'one', 'one', 'other']);
  t.is(took.one.length, 3);
  t.is(took.other.length, 3);
});
