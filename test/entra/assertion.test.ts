import test from 'ava';
import {assertionFactsFrom, readAssertion} from '../../src/entra/assertion.ts';

const NOW = Date.parse('2026-11-30T12:00:00Z');
const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
const seconds = NOW / 1000;

test('an assertion says who issued it, for whom, and how old it is', (t) => {
  t.deepEqual(readAssertion(jwt({iss: 'i', sub: 's', aud: 'a', iat: seconds - 90, exp: seconds - 1}), NOW), {
    issuer: 'i',
    subject: 's',
    audience: 'a',
    age: 90_000,
    hasExpired: true,
  });
  t.deepEqual(readAssertion(jwt({nbf: seconds, exp: seconds + 1}), NOW), {
    issuer: undefined,
    subject: undefined,
    audience: undefined,
    age: 0,
    hasExpired: false,
  });
});

test('an assertion that cannot be read says nothing', (t) => {
  for (const text of ['', 'garbage', 'a.b.c', jwt([]), jwt({iss: 7, sub: '', iat: 'now'})])
    t.true(
      Object.values(readAssertion(text, NOW)).every((value) => value === undefined),
      text,
    );
});

test('facts of other types are dropped', (t) => {
  t.is(assertionFactsFrom('x'), undefined);
  t.deepEqual(assertionFactsFrom({issuer: 7, subject: 's', age: '1', hasExpired: 1}), {
    issuer: undefined,
    subject: 's',
    audience: undefined,
    age: undefined,
    hasExpired: undefined,
  });
});
