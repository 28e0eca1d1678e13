import test from 'ava';
import {Tally} from '../../../src/daemon/status/tally.ts';

const counted = (host: string, organization: string) => ({host, organization, socket: 'git', kind: 'pat'});
const contoso = counted('dev.azure.com', 'contoso');
const fallback = counted('dev.azure.com', '*');

test('answers are counted by outcome, in total and for each organization', (t) => {
  const tally = new Tally();
  for (const one of [contoso, contoso, counted('', ''), fallback]) tally.count(one, 'served', 1);
  tally.count(contoso, 'failed', 1);
  t.is(tally.of('served'), 4);
  t.is(tally.of('failed'), 1);
  t.is(tally.of('passed'), 0);
  t.is(tally.of('served', contoso), 2);
  t.is(tally.of('served', fallback), 1);
  t.is(tally.of('passed', contoso), 0);
  t.is(tally.of('served', counted('dev.azure.com', 'unknown')), 0);
  t.deepEqual(
    [...tally.entries()],
    [
      {...contoso, outcome: 'served', times: 2},
      {...contoso, outcome: 'failed', times: 1},
      {...counted('', ''), outcome: 'served', times: 1},
      {...fallback, outcome: 'served', times: 1},
    ],
  );
});

test('collections of one name on two servers are counted separately, sockets together', (t) => {
  const tally = new Tally();
  const one = counted('tfs1.example.org', 'defaultcollection');
  const two = counted('tfs2.example.org', 'defaultcollection');
  tally.count(one, 'served', 1);
  tally.count({...one, socket: 'team-a'}, 'served', 1);
  tally.count(two, 'served', 1);
  t.is(tally.of('served', one), 2);
  t.is(tally.of('served', two), 1);
  t.is([...tally.entries()].length, 3);
});

test('durations are counted by bucket and outcome, and the median is of served requests', (t) => {
  const tally = new Tally();
  for (const duration of [0.4, 0.5, 3, 20_000]) tally.count(contoso, 'served', duration);
  tally.count(contoso, 'failed', 3);
  const {buckets = [], sum = 0} = tally.durations.get('served') ?? {};
  t.deepEqual(
    buckets.flatMap((times, at) => (times === 0 ? [] : [[at, times]])),
    [
      [0, 2],
      [3, 1],
      [buckets.length - 1, 1],
    ],
  );
  t.is(Math.round(sum * 10_000), 200_039);
  t.is(tally.durations.get('failed')?.sum, 0.003);
  t.is(tally.medianMs, 3);
});
