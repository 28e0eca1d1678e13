import test from 'ava';
import {Exposition} from '../../../src/daemon/status/exposition.ts';

test('labels are escaped, and a sample that would repeat is left out', (t) => {
  const page = new Exposition();
  page.gauge('failure', 'Why.', [
    {labels: {name: 'a"b\\c\nd'}, value: 1},
    {labels: {name: 'e'}, value: 2},
    {labels: {name: 'e'}, value: 3},
  ]);
  page.counter('times_total', 'How often.', 4);
  t.is(
    page.text,
    [
      '# HELP failure Why.',
      '# TYPE failure gauge',
      'failure{name="a\\"b\\\\c\\nd"} 1',
      'failure{name="e"} 2',
      '# HELP times_total How often.',
      '# TYPE times_total counter',
      'times_total 4',
      '',
    ].join('\n'),
  );
});

test('the buckets of a histogram are cumulative', (t) => {
  const page = new Exposition();
  page.histogram('time_seconds', 'How long.', [1, 2], [{labels: {kind: 'pat'}, buckets: [1, 0, 2], sum: 9}]);
  t.deepEqual(page.text.split('\n').slice(2, -1), [
    'time_seconds_bucket{kind="pat",le="1"} 1',
    'time_seconds_bucket{kind="pat",le="2"} 1',
    'time_seconds_bucket{kind="pat",le="+Inf"} 3',
    'time_seconds_sum{kind="pat"} 9',
    'time_seconds_count{kind="pat"} 3',
  ]);
});
