import test from 'ava';
import {stripVTControlCharacters} from 'node:util';
import {describeStatus} from '../../src/cli/describe-status.ts';
import {isoTime} from '../../src/text/iso-time.ts';
import type {OrganizationStatus, Status} from '../../src/control/control-protocol.ts';

const now = 1_800_000_000_000;
const hostile = '\u001b[2J\u202eevil\r\nerror: everything is well';

function status(more: Partial<Status>): Status {
  return {
    version: '1.2.3',
    pid: 42,
    startedAt: isoTime(now - 3_660_000),
    health: 'ok',
    notices: [],
    configuration: {
      source: '/c.yaml',
      inForce: 'current',
      loadedAt: isoTime(now),
      warnings: [],
      problems: [],
    },
    sockets: [],
    gateways: [],
    organizations: [],
    locks: [],
    requests: {served: 12, passed: 3, failed: 1, medianMs: 0.42},
    memory: {residentBytes: 51_400_000},
    clockSkew: undefined,
    environment: {},
    ...more,
  };
}

function organization(more: Partial<OrganizationStatus>): OrganizationStatus {
  return {
    host: 'dev.azure.com',
    organization: 'contoso',
    identity: 'client secret 9f000000…',
    kind: 'client-secret',
    place: '/c.yaml:1:1',
    state: 'ok',
    health: 'ok',
    expiresAt: isoTime(now + 47 * 60_000),
    credentialExpiresAt: undefined,
    fingerprint: '0123456789abcdef',
    requests: 1234,
    lastFailure: undefined,
    ...more,
  };
}

function shown(more: Partial<Status>): string[] {
  return describeStatus(status(more), now, 80).map(stripVTControlCharacters);
}

test('status shows the table, the requests and the process', (t) => {
  const organizations = [
    organization({}),
    organization({organization: 'fabrikam', state: 'refreshing', expiresAt: isoTime(now + 59_000)}),
    organization({
      organization: undefined,
      identity: 'managed identity assertion 9f000000…',
      state: 'failed',
      expiresAt: undefined,
      lastFailure: {code: 'AADSTS7000222', message: 'expired', hint: undefined},
    }),
    organization({
      host: 'azure.example.org',
      organization: 'DefaultCollection',
      state: 'none',
      expiresAt: undefined,
    }),
  ];
  t.deepEqual(shown({organizations}), [
    'ORGANIZATION       IDENTITY            TOKEN             REQUESTS  LAST ERROR',
    'contoso            client secret 9f0…  ok, 47 min            1234',
    'fabrikam           client secret 9f0…  refreshing, 59 s      1234',
    '(any other)        managed identity …  failed                1234  AADSTS7000222',
    'azure.example.or…  client secret 9f0…  –                     1234',
    '',
    '12 served, 3 passed on, 1 failed, median 0.4 ms · orgkey 1.2.3, up 1 h 1 min',
    '51 MB · pid 42',
    'everything is well',
  ]);
});

test('all is not well before the first tokens have come', (t) => {
  const waiting = organization({state: 'refreshing', expiresAt: undefined});
  const one = shown({organizations: [organization({}), waiting]});
  t.is(one.at(-1), 'waiting for the first token of contoso');
  const two = shown({organizations: [waiting, waiting]});
  t.is(two.at(-1), 'waiting for the first token of 2 organizations');
});

test('without an organization the table is left out', (t) => {
  t.deepEqual(shown({requests: {served: 0, passed: 0, failed: 0, medianMs: undefined}}), [
    'no organization to show',
    '',
    '0 served, 0 passed on, 0 failed · orgkey 1.2.3, up 1 h 1 min · 51 MB · pid 42',
    'everything is well',
  ]);
});

test('a notice has a color, a word for its level, and its repair', (t) => {
  const lines = describeStatus(
    status({
      health: 'error',
      notices: [
        {level: 'error', message: 'another process listens', hint: 'restart it'},
        {level: 'warning', message: 'a warning', hint: undefined},
      ],
    }),
    now,
    80,
  ).slice(-3);
  t.deepEqual(lines.map(stripVTControlCharacters), [
    'error: another process listens',
    '  repair: restart it',
    'warning: a warning',
  ]);
  t.true(lines[0]?.startsWith('\u001b[31m'));
  t.true(lines[2]?.startsWith('\u001b[33m'));
});

test('the repair of several notices is printed once', (t) => {
  const notices = ['one', 'two', 'three'].map((message) => ({
    level: 'error' as const,
    message,
    hint: message === 'three' ? 'other' : 'same',
  }));
  const lines = describeStatus(status({health: 'error', notices}), now, 80).slice(-6);
  t.deepEqual(
    lines.map(stripVTControlCharacters).filter((line) => line.startsWith(' ')),
    ['  repair: same', '  repair: as above', '  repair: other'],
  );
});

test('text from elsewhere cannot draw on the screen', (t) => {
  const lines = shown({
    version: hostile,
    notices: [{level: 'error', message: hostile, hint: hostile}],
    sockets: [{name: hostile, path: hostile, organizations: [hostile]}],
    organizations: [
      organization({
        organization: hostile,
        identity: hostile,
        host: hostile,
        lastFailure: {code: hostile, message: hostile, hint: hostile},
      }),
    ],
  });
  for (const line of lines) t.notRegex(line, /[\u0000-\u001f\u202e]/);
  t.false(lines.some((line) => line.startsWith('error: everything')));
});

for (const columns of [64, 72, 80]) {
  test(`the table fits ${columns} columns`, (t) => {
    const long = 'o'.repeat(50);
    const lines = describeStatus(
      status({
        organizations: [
          organization({
            organization: long,
            identity: long,
            lastFailure: {code: long, message: '', hint: ''},
          }),
        ],
      }),
      now,
      columns,
    ).map(stripVTControlCharacters);
    for (const line of lines.slice(0, 2)) t.true(line.length <= columns, line);
  });
}
