import test from 'ava';
import {ClockWatch} from '../../../src/daemon/status/clock-watch.ts';
import {describeSkew} from '../../../src/text/describe-skew.ts';
import {FakeClock, HOUR} from '../../helpers/fake-clock.ts';

test('a clock that is off by more than a minute is noticed until it is corrected', (t) => {
  const clock = new FakeClock();
  const watch = new ClockWatch(clock);
  t.deepEqual(watch.notices, []);
  watch.note({skew: undefined});
  t.is(watch.skew, undefined);
  watch.note({skew: -90_000});
  t.like(watch.notices[0], {
    level: 'warning',
    about: 'clock',
    message: "this machine's clock is 90 s behind",
  });
  watch.note({skew: undefined});
  t.is(watch.skew, -90_000, 'an answer without a time changes nothing');
  clock.pass(HOUR);
  t.is(watch.skew, -90_000, 'elapsed time changes nothing');
  clock.set(90_000);
  t.deepEqual(watch.notices, [], 'corrected before the next answer');
  clock.set(HOUR);
  watch.note({skew: 400});
  t.deepEqual(watch.notices, []);
  t.is(describeSkew(60_000), undefined);
  t.is(describeSkew(3_600_000), "this machine's clock is 60 min ahead");
});
