import test from 'ava';
import {Tally} from '../../../src/daemon/status/tally.ts';

test('answers are counted by outcome, in total and for each organization', (t) => {
  const tally = new Tally();
  for (const organization of ['contoso', 'contoso', 'fabrikam', '', 'dev.azure.com *'])
    tally.count(organization, 'served', 1);
  tally.count('contoso', 'failed', 1);
  t.is(tally.of('served'), 5);
  t.is(tally.of('failed'), 1);
  t.is(tally.of('passed'), 0);
  t.is(tally.of('served', 'contoso'), 2);
  t.is(tally.of('served', ''), 1);
  t.is(tally.of('served', 'dev.azure.com *'), 1);
  t.is(tally.of('passed', 'contoso'), 0);
  t.is(tally.of('served', 'unknown'), 0);
  t.deepEqual(
    [...tally.entries()],
    [
      {organization: 'contoso', outcome: 'served', times: 2},
      {organization: 'contoso', outcome: 'failed', times: 1},
      {organization: 'fabrikam', outcome: 'served', times: 1},
      {organization: '', outcome: 'served', times: 1},
      {organization: 'dev.azure.com *', outcome: 'served', times: 1},
    ],
  );
});

test('durations of served requests only are counted by bucket', (t) => {
  const tally = new Tally();
  for (const duration of [0.4, 0.5, 3, 20_000]) tally.count('contoso', 'served', duration);
  tally.count('contoso', 'failed', 3);
  const {buckets, sum} = tally.durations;
  t.deepEqual(
    buckets.flatMap((times, at) => (times === 0 ? [] : [[at, times]])),
    [
      [0, 2],
      [3, 1],
      [buckets.length - 1, 1],
    ],
  );
  t.is(Math.round(sum * 10_000), 200_039);
  t.is(tally.medianMs, 3);
});
