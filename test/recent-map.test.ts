import test from 'ava';
import {recentMap} from '../src/recent-map.ts';

/** A map of three entries, and what it released. */
function filled() {
  const released: string[] = [];
  const map = recentMap<string>(3, (value, why) => released.push(`${value} ${why}`));
  for (const key of ['a', 'b', 'c']) map.set(key, key.toUpperCase());
  return {map, released};
}

test('the entry that was used the longest ago makes room', (t) => {
  const {map, released} = filled();
  t.is(map.get('a'), 'A');
  map.set('d', 'D');
  t.deepEqual(released, ['B evicted']);
  t.deepEqual(
    [map.has('b'), map.size, Array.from(map.entries())],
    [
      false,
      3,
      [
        ['d', 'D'],
        ['a', 'A'],
        ['c', 'C'],
      ],
    ],
  );
});

test('a peek is not a use', (t) => {
  const {map, released} = filled();
  t.is(map.peek('a'), 'A');
  t.true(map.has('a'));
  map.set('d', 'D');
  t.deepEqual(released, ['A evicted']);
});

test('a replaced value is released, and the same value is not', (t) => {
  const {map, released} = filled();
  map.set('a', 'A');
  t.deepEqual(released, []);
  map.set('b', 'B2');
  t.deepEqual(released, ['B removed']);
  t.deepEqual(Array.from(map.values()), ['B2', 'A', 'C']);
  t.deepEqual(Array.from(map.keys()), ['b', 'a', 'c']);
});

test('a deleted value is released once', (t) => {
  const {map, released} = filled();
  t.true(map.delete('b'));
  t.false(map.delete('b'));
  t.is(map.get('b'), undefined);
  t.deepEqual(released, ['B removed']);
});

test('a cleared map releases its values', (t) => {
  const {map, released} = filled();
  map.clear();
  t.deepEqual(released.toSorted(), ['A removed', 'B removed', 'C removed']);
  t.is(map.size, 0);
});
