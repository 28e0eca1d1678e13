import test from 'ava';
import {pauseAfter, TRIES} from '../../../src/entra/http/retry.ts';
import type {AcquirerFailure} from '../../../src/entra/failure.ts';
import {TIME_BUDGET} from '../../../src/time-budget.ts';

/** What an acquirer has from its start, in milliseconds. */
const TIME = TIME_BUDGET.acquirer - TIME_BUDGET.acquirerReport;

type Rejection = Extract<AcquirerFailure, {kind: 'rejected'}>;

function rejected(more: Partial<Rejection>): Rejection {
  return {
    kind: 'rejected',
    service: 'managed-identity',
    host: '169.254.169.254',
    status: 410,
    error: undefined,
    codes: [],
    description: '',
    retryAfter: undefined,
    ...more,
  };
}

/** When a request is sent that always fails at once, in milliseconds. */
function momentsOf(failure: AcquirerFailure, tries = TRIES, time = TIME): number[] {
  const moments = [0];
  for (let now = 0; ;) {
    const pause = pauseAfter(failure, {attempt: moments.length, tries, timeLeft: time - now});
    if (pause === undefined) return moments;
    now += pause;
    moments.push(now);
  }
}

for (const status of [404, 410, 429, 500, 503])
  test(`a metadata service that answers ${status} is asked every two to three seconds until the end`, (t) => {
    const moments = momentsOf(rejected({status}));
    t.is(moments.length, 4);
    for (const [at, moment] of moments.slice(1).entries()) {
      const pause = moment - (moments[at] ?? 0);
      t.true(pause >= 2000 && pause <= 3000, `${pause} ms`);
    }
    t.true((moments.at(-1) ?? 0) >= 6000);
  });

for (const [what, failure, count] of [
  ['a metadata service without the identity', rejected({status: 400}), 1],
  ['a metadata service that asks for a long pause', rejected({status: 429, retryAfter: 60_000}), 1],
  ['Entra that answers 410', rejected({service: 'entra'}), 1],
  ['Entra that answers 404', rejected({service: 'entra', status: 404}), 1],
  ['Entra that answers 429', rejected({service: 'entra', status: 429}), 3],
  ['Entra that answers 503', rejected({service: 'entra', status: 503}), 3],
  [
    'a metadata service that cannot be reached',
    {
      kind: 'unreachable',
      service: 'managed-identity',
      host: '169.254.169.254',
      code: 'EHOSTUNREACH',
      detail: '',
      proxy: undefined,
    },
    3,
  ],
  [
    'a proxy that is silent',
    {
      kind: 'unreachable',
      service: 'entra',
      host: 'login.microsoftonline.com',
      code: 'ERR_PROXY_SILENT',
      detail: '',
      proxy: 'proxy:3128',
    },
    3,
  ],
  ['a local failure', {kind: 'local', code: 'ERR_X', detail: '', hint: undefined}, 1],
] as const)
  test(`${what} is asked ${count === 1 ? 'once' : `${count} times`}`, (t) => {
    t.is(momentsOf(failure).length, count);
  });

test('a request that is valid once is sent once', (t) => {
  t.is(momentsOf(rejected({service: 'entra', status: 503}), 1).length, 1);
});

test('a try begins only if there is time for it', (t) => {
  t.is(momentsOf(rejected({}), TRIES, 2000).length, 1);
  t.is(momentsOf(rejected({service: 'entra', status: 503}), TRIES, 300).length, 1);
});
