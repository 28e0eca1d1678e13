import test from 'ava';
import {startTimer} from '../src/start-timer.ts';

/** Timers that fire when the test says so. */
function handTimers() {
  const due: {readonly milliseconds: number; readonly act: () => void}[] = [];
  const schedule: NonNullable<Parameters<typeof startTimer>[2]> = (act, milliseconds) => {
    const timer = {milliseconds, act};
    due.push(timer);
    return () => void due.splice(due.indexOf(timer), 1);
  };
  return {due, schedule, fire: () => due.shift()?.act()};
}

test('the last tenth of a limit starts when the rest has passed', (t) => {
  const {due, schedule, fire} = handTimers();
  let acted = 0;
  startTimer(400, () => acted++, schedule);
  t.deepEqual(
    due.map(({milliseconds}) => milliseconds),
    [360],
  );
  fire();
  t.is(acted, 0, 'a stalled process reads what has arrived first');
  t.deepEqual(
    due.map(({milliseconds}) => milliseconds),
    [40],
  );
  fire();
  t.is(acted, 1);
  t.deepEqual(due, []);
});

for (const [when, fired] of [
  ['at once', 0],
  ['during the last tenth', 1],
] as const) {
  test(`a timer that is cancelled ${when} does not act`, (t) => {
    const {due, schedule, fire} = handTimers();
    const cancel = startTimer(400, () => t.fail(), schedule);
    for (let times = 0; times < fired; times++) fire();
    cancel();
    t.deepEqual(due, []);
  });
}

test('without a schedule, Node runs it', async (t) => {
  await t.notThrowsAsync(new Promise<void>((resolve) => startTimer(1, resolve)));
});
