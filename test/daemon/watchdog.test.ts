import {setImmediate} from 'node:timers/promises';
import test from 'ava';
import {feedWatchdog, takeNotifySocket} from '../../src/daemon/watchdog.ts';
import {ManualTimers} from '../helpers/timers.ts';

const SECONDS = 1000;

const well = async () => 'serving 1 organization';

test('the first report sets a limit into which several reports fit', async (t) => {
  const timers = new ManualTimers();
  const reports: string[] = [];
  const stop = feedWatchdog((report) => reports.push(report.join(' ')), timers.start, well);
  t.deepEqual(reports, ['WATCHDOG_USEC=90000000']);
  t.is(timers.fire(25 * SECONDS), 1);
  t.is(timers.fire(25 * SECONDS), 1);
  await setImmediate();
  const each = 'WATCHDOG=1 STATUS=serving 1 organization';
  t.deepEqual(reports.slice(1), [each, each]);
  stop();
  t.is(reports.at(-1), 'WATCHDOG_USEC=0');
  t.is(timers.fire(25 * SECONDS), 0);
});

test('a status that cannot be had does not end the daemon', async (t) => {
  const timers = new ManualTimers();
  const reports: string[] = [];
  feedWatchdog(
    (report) => reports.push(...report),
    timers.start,
    () => Promise.reject(new Error('x')),
  );
  timers.fire(25 * SECONDS);
  await setImmediate();
  t.deepEqual(reports.slice(1), ['WATCHDOG=1']);
});

test('without a service manager nothing is reported', (t) => {
  const timers = new ManualTimers();
  const stop = feedWatchdog(takeNotifySocket({}), timers.start, well);
  t.is(timers.fire(25 * SECONDS), 0);
  t.notThrows(stop);
});

test('children do not inherit the socket of the service manager', (t) => {
  const environment = {NOTIFY_SOCKET: '/run/nowhere', PATH: '/nowhere'};
  const report = takeNotifySocket(environment);
  t.deepEqual(environment, {PATH: '/nowhere'});
  // the program is missing or nothing listens, and the daemon goes on
  t.notThrows(() => report?.(['WATCHDOG=1']));
});
