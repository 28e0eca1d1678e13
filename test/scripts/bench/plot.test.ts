import test from 'ava';
import {renderPlot} from '../../../scripts/bench/plot.ts';
import {isReached, renderNumber, renderRows} from '../../../scripts/bench/row.ts';

const plot = renderPlot({
  title: 'a < b & "c"',
  unit: 'ms',
  bars: [
    {name: 'theirs', value: 10, isOurs: false},
    {name: 'ours', value: 5, isOurs: true},
  ],
});

test('bars are as long as their values, the longest one fills the room', (t) => {
  const widths = Array.from(plot.matchAll(/<rect [^>]*width="([\d.]+)"/g), ([, width]) => Number(width));
  t.is(widths[1], (widths[0] ?? NaN) / 2);
});

test('what has a meaning in SVG is escaped', (t) => {
  t.true(plot.includes('a &lt; b &amp; &quot;c&quot;'));
  t.false(plot.includes('a < b'));
});

test('a plot has colors for light and for dark pages', (t) => {
  t.true(plot.includes('prefers-color-scheme: dark'));
});

test('a target is reached at its bound', (t) => {
  const row = {what: '', unit: '', value: 5};
  t.is(isReached(row), undefined);
  t.true(isReached({...row, target: {atMost: 5}}));
  t.false(isReached({...row, target: {atMost: 4.9}}));
  t.true(isReached({...row, target: {atLeast: 5}}));
  t.false(isReached({...row, target: {atLeast: 5.1}}));
});

for (const [value, text] of [
  [0, '0'],
  [12_345, '12,345'],
  [1.234, '1.23'],
  [12.34, '12.3'],
  [123.4, '123'],
  [NaN, '?'],
] as const) {
  test(`${value} is shown as ${text}`, (t) => {
    t.is(renderNumber(value), text);
  });
}

test('a row that misses its target shows it', (t) => {
  t.regex(renderRows([{what: 'slow', value: 2, unit: '×', target: {atMost: 1.5}}]), /^✗ slow +2 × +≤ 1\.50$/);
});
