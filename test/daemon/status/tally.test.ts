import test from 'ava';
import {Tally} from '../../../src/daemon/status/tally.ts';

test('what was answered is counted by outcome, for all and for each organization', (t) => {
  const tally = new Tally();
  for (const whose of ['contoso', 'contoso', 'fabrikam', '', 'dev.azure.com *'])
    tally.count(whose, 'served', 1);
  tally.count('contoso', 'failed', 1);
  t.is(tally.of('served'), 5);
  t.is(tally.of('failed'), 1);
  t.is(tally.of('passed'), 0);
  t.is(tally.of('served', 'contoso'), 2);
  t.is(tally.of('served', ''), 1);
  t.is(tally.of('served', 'dev.azure.com *'), 1);
  t.is(tally.of('passed', 'contoso'), 0);
  t.is(tally.of('served', 'nobody'), 0);
});

test.serial('the count of one organization is looked up, however many there are', (t) => {
  const tally = new Tally();
  for (let at = 0; at < 10_000; at++) tally.count(`organization-${at}`, 'served', 1);
  t.is(
    walks(() => t.is(tally.of('served', 'organization-9999'), 1)),
    0,
  );
  t.is(
    walks(() => t.is(tally.of('served'), 10_000)),
    1,
  );
});

/** How often a whole map is gone through. */
function walks(act: () => void): number {
  const walk = Object.getOwnPropertyDescriptor(Map.prototype, Symbol.iterator) ?? {};
  let walked = 0;
  const counted = function (this: Map<unknown, unknown>): unknown {
    walked += 1;
    return Reflect.apply(walk.value, this, []);
  };
  // the map is private: it is counted from below
  // oxlint-disable-next-line no-extend-native
  Object.defineProperty(Map.prototype, Symbol.iterator, {...walk, value: counted});
  try {
    act();
  } finally {
    // oxlint-disable-next-line no-extend-native
    Object.defineProperty(Map.prototype, Symbol.iterator, walk);
  }
  return walked;
}
