import test from 'ava';
import {ClockWatch, describeSkew} from '../../src/daemon/status/clock-watch.ts';
import {toldVariables} from '../../src/daemon/told-variables.ts';
import {FakeClock, HOUR} from '../helpers/fake-clock.ts';

const rows: readonly [given: Record<string, string>, told: Record<string, string>][] = [
  [{}, {}],
  [{PATH: '/bin', AZURE_CLIENT_SECRET: 'canary'}, {}],
  [{HTTPS_PROXY: 'http://proxy:3128'}, {HTTPS_PROXY: 'http://proxy:3128'}],
  [{https_proxy: 'http://low:1', HTTPS_PROXY: 'http://high:1'}, {HTTPS_PROXY: 'http://low:1'}],
  [{https_proxy: '', HTTPS_PROXY: 'http://high:1'}, {HTTPS_PROXY: 'http://high:1'}],
  [{HTTPS_PROXY: 'http://me:canary@proxy:3128/'}, {HTTPS_PROXY: 'http://proxy:3128'}],
  [{HTTPS_PROXY: 'me:canary@proxy:3128'}, {HTTPS_PROXY: 'http://proxy:3128'}],
  [{HTTPS_PROXY: 'http://me:can/ary@proxy:3128'}, {HTTPS_PROXY: '[set]'}],
  [{HTTPS_PROXY: 'http://me:can@ary@proxy:3128'}, {HTTPS_PROXY: 'http://proxy:3128'}],
  [{NO_PROXY: 'localhost,.example.org'}, {NO_PROXY: 'localhost,.example.org'}],
  [{NODE_EXTRA_CA_CERTS: '/etc/ca.pem'}, {NODE_EXTRA_CA_CERTS: '/etc/ca.pem'}],
  [
    {IDENTITY_HEADER: 'canary', MSI_SECRET: 'canary'},
    {IDENTITY_HEADER: '[set]', MSI_SECRET: '[set]'},
  ],
  [
    {
      ACTIONS_ID_TOKEN_REQUEST_URL: 'https://actions.example/id?key=canary',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'canary',
    },
    {ACTIONS_ID_TOKEN_REQUEST_URL: 'https://actions.example/id', ACTIONS_ID_TOKEN_REQUEST_TOKEN: '[set]'},
  ],
  [{HTTPS_PROXY: 'http://pro\u001b[31mxy:1'}, {HTTPS_PROXY: '[set]'}],
  [{NO_PROXY: 'a\u001b[31m'}, {NO_PROXY: String.raw`a\u{1b}[31m`}],
];

for (const [given, told] of rows)
  test(`of ${JSON.stringify(given)} is told ${JSON.stringify(told)}`, (t) => {
    t.deepEqual(toldVariables(given), told);
  });

test('a clock that is off by more than a minute is noticed, until it is right again', (t) => {
  const clock = new FakeClock();
  const watch = new ClockWatch(clock);
  t.deepEqual(watch.notices, []);
  watch.note({skew: undefined});
  t.is(watch.skew, undefined);
  watch.note({skew: -90_000});
  t.like(watch.notices[0], {level: 'yellow', about: 'clock', message: "this machine's clock is 90 s behind"});
  watch.note({skew: undefined});
  t.is(watch.skew, -90_000, 'who tells no time changes nothing');
  clock.pass(HOUR);
  t.is(watch.skew, -90_000, 'time that goes by changes nothing');
  clock.set(90_000);
  t.deepEqual(watch.notices, [], 'set right, before anybody was asked again');
  clock.set(HOUR);
  watch.note({skew: 400});
  t.deepEqual(watch.notices, []);
  t.is(describeSkew(60_000), undefined);
  t.is(describeSkew(3_600_000), "this machine's clock is 60 min ahead");
});
