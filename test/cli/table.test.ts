import test from 'ava';
import {describeDuration} from '../../src/cli/describe-time.ts';
import {layTable} from '../../src/cli/table.ts';

const columns = [
  {title: 'NAME', least: 4},
  {title: 'COUNT', least: 5, align: 'right'},
  {title: 'WHY', least: 3},
] as const;

test('columns are as wide as their widest cell', (t) => {
  t.deepEqual(
    layTable(
      columns,
      [
        ['a', '1', 'x'],
        ['longer', '12345678', ''],
      ],
      80,
    ),
    ['NAME       COUNT  WHY', 'a              1  x', 'longer  12345678'],
  );
});

test('the widest column is cut first, with a mark', (t) => {
  const lines = layTable(columns, [['n'.repeat(50), '7', 'w'.repeat(20)]], 40);
  t.true(lines.every((line) => line.length <= 40));
  t.is(lines[1], `${'n'.repeat(14)}…${' '.repeat(2 + 4)}7  ${'w'.repeat(15)}…`);
});

test('no column gets less than its least width', (t) => {
  const [titles = ''] = layTable(columns, [['n'.repeat(50), '7', 'w']], 5);
  t.is(titles, 'NAME  COUNT  WHY');
});

for (const [milliseconds, text] of [
  [-5, '0 s'],
  [999, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_599_999, '59 min'],
  [3_600_000, '1 h'],
  [3_660_000, '1 h 1 min'],
  [86_400_000, '1 d'],
  [90_000_000, '1 d 1 h'],
] as const) {
  test(`${milliseconds} ms are ${text}`, (t) => t.is(describeDuration(milliseconds), text));
}
