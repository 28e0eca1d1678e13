import test from 'ava';
import {AZURE_DEVOPS_SCOPE} from '../../src/token/acquire.ts';
import {findToken} from '../../src/token/find-token.ts';
import type {Verdict} from '../../src/token/organization-rejections.ts';
import type {Asker} from '../../src/token/asker.ts';
import {Rejections} from '../../src/token/rejections.ts';
import {TokenCache} from '../../src/token/token-cache.ts';
import {DAY, FakeClock, HOUR, MINUTE, SECOND} from '../helpers/fake-clock.ts';
import {
  FakeIssuer,
  fingerprintOf,
  identityNamed,
  patNamed,
  settle,
  wantedBy,
} from '../helpers/fake-issuer.ts';

const identity = wantedBy('identity');
const contoso: Asker = {
  socket: 'git',
  scoped: false,
  owner: 'contoso',
  path: 'p/_git/r',
  identity: 'identity',
};
const fabrikam: Asker = {...contoso, owner: 'fabrikam'};
const scoped: Asker = {...contoso, socket: 'team-a', scoped: true};

function setUp(verdict: () => Verdict = () => 'rejected') {
  const clock = new FakeClock();
  const issuer = new FakeIssuer(clock);
  issuer.answers((_, count) => issuer.token(`token-${count}`, {life: DAY}));
  const tokens = new TokenCache({acquire: issuer.acquire, clock, random: () => 0});
  const rejections = new Rejections(clock);
  const held = () => tokens.peek(identity)?.fingerprint ?? 'none';
  return {
    clock,
    issuer,
    rejections,
    /** What the asker gets, in a word. */
    get: async (asker: Asker, wanted = identity): Promise<string> => {
      const found = await findToken(wanted, asker, undefined, {
        tokens,
        rejections,
        verify: async () => verdict(),
      });
      return found.kind === 'failed' ? found.failure.code : found.token.secret.revealText();
    },
    /** The server rejects what is held. */
    reject: (asker: Asker) => rejections.reject(asker, held()),
    confirm: (asker: Asker) => rejections.confirm(asker, held()),
  };
}

test('a rejected token is replaced once', async (t) => {
  const {get, issuer, reject} = setUp();
  t.is(await get(contoso), 'token-1');
  reject(contoso);
  t.is(await get(contoso), 'token-2');
  t.is(await get(contoso), 'token-2');
  t.is(issuer.count, 2);
});

test('a second rejection in a row is explained for a minute without asking the issuer', async (t) => {
  const {clock, get, issuer, reject} = setUp();
  await get(contoso);
  reject(contoso);
  await get(contoso);
  reject(contoso);
  for (let second = 0; second < 60; second++) {
    t.is(await get(contoso), 'ERR_NOT_ACCEPTED', `second ${second}`);
    clock.pass(SECOND);
  }
  t.is(issuer.count, 2);
});

test('an issuer that returns the rejected token again is explained for a minute', async (t) => {
  const {clock, get, issuer, reject} = setUp();
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  t.is(await get(contoso), 'the same');
  reject(contoso);
  for (let second = 0; second < 60; second++) {
    t.is(await get(contoso), 'ERR_NOT_ACCEPTED', `second ${second}`);
    clock.pass(SECOND);
  }
  t.is(issuer.count, 2);
});

test('after the minute a fresh token is tried once', async (t) => {
  const {clock, get, issuer, reject, rejections} = setUp();
  await get(contoso);
  reject(contoso);
  await get(contoso);
  reject(contoso);
  clock.pass(MINUTE);
  t.is(await get(contoso), 'token-3');
  t.true(rejections.isRejected(contoso, fingerprintOf('token-2')));
  reject(contoso);
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
  t.is(issuer.count, 3);
});

test('after the minute the same token is tried once if no other exists', async (t) => {
  const {clock, get, issuer, reject} = setUp();
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  await get(contoso);
  for (let minute = 1; minute <= 5; minute++) {
    reject(contoso);
    t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
    clock.pass(MINUTE);
    t.is(await get(contoso), 'the same');
    t.is(await get(contoso), 'the same');
  }
  t.true(issuer.count <= 7, `${issuer.count} acquisitions`);
});

test('after the minute the same token is tried once if the issuer is down', async (t) => {
  const {clock, get, issuer, reject} = setUp();
  await get(contoso);
  reject(contoso);
  await get(contoso);
  reject(contoso);
  issuer.fails();
  clock.pass(MINUTE);
  t.is(await get(contoso), 'token-2');
});

test('a new try that succeeds ends the explanation', async (t) => {
  const {clock, confirm, get, issuer, reject} = setUp();
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  await get(contoso);
  reject(contoso);
  await get(contoso);
  clock.pass(MINUTE);
  await get(contoso);
  confirm(contoso);
  issuer.answers((_, count) => issuer.token(`token-${count}`, {life: DAY}));
  clock.pass(5 * SECOND);
  reject(contoso);
  t.regex(await get(contoso), /^token-/);
});

test('a confirmed token ends earlier rejections', async (t) => {
  const {confirm, get, issuer, reject} = setUp();
  for (let round = 1; round <= 3; round++) {
    t.is(await get(contoso), `token-${round}`);
    confirm(contoso);
    reject(contoso);
  }
  t.is(await get(contoso), 'token-4');
  t.is(issuer.count, 4);
});

test('tokens that are accepted and rejected in turn are explained after four times', async (t) => {
  const {clock, confirm, get, issuer, reject} = setUp();
  const rounds = async () => {
    let round = 0;
    for (; (await get(contoso)) !== 'ERR_NOT_ACCEPTED'; round++) {
      confirm(contoso);
      reject(contoso);
      clock.pass(SECOND);
    }
    return round;
  };
  t.is(await rounds(), 4);
  t.is(issuer.count, 4);
  clock.pass(MINUTE);
  t.is(await rounds(), 1, 'one new try');
  clock.pass(10 * MINUTE);
  t.is(await rounds(), 4, 'after ten minutes it is another matter');
});

test('a rejected token cannot be confirmed', async (t) => {
  const {confirm, get, issuer, reject} = setUp();
  await get(contoso);
  reject(contoso);
  confirm(contoso);
  t.is(await get(contoso), 'token-2');
  t.is(issuer.count, 2);
});

test('two rejections that are far apart are unrelated', async (t) => {
  const {clock, get, reject} = setUp();
  await get(contoso);
  reject(contoso);
  await get(contoso);
  clock.pass(10 * MINUTE);
  reject(contoso);
  t.is(await get(contoso), 'token-3');
});

test('a new identity gets its token at once and is explained separately', async (t) => {
  const {get, issuer, reject, rejections} = setUp();
  await get(contoso);
  reject(contoso);
  await get(contoso);
  reject(contoso);
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
  const other = {...contoso, identity: 'other'};
  t.is(await get(other, wantedBy('other')), 'token-3');
  rejections.reject(other, fingerprintOf('token-3'));
  t.is(await get(other, wantedBy('other')), 'token-4');
  rejections.reject(other, fingerprintOf('token-4'));
  t.is(await get(other, wantedBy('other')), 'ERR_NOT_ACCEPTED');
  t.is(issuer.count, 4);
});

test('a new identity with the rejected token is explained', async (t) => {
  const {get, issuer, reject} = setUp();
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  await get(contoso);
  reject(contoso);
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
  const other = {...contoso, identity: 'other'};
  t.is(await get(other, wantedBy('other')), 'ERR_NOT_ACCEPTED');
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
});

test('a PAT replaced at its source is served at once; an unchanged one only after the minute', async (t) => {
  const {clock, get, issuer, rejections} = setUp();
  const pat = {identity: patNamed('identity'), scope: AZURE_DEVOPS_SCOPE};
  const holds = (text: string) => issuer.answers(() => issuer.token(text, {kind: 'pat', life: undefined}));
  holds('first');
  t.is(await get(contoso, pat), 'first');
  rejections.reject(contoso, fingerprintOf('first'));
  for (let second = 0; second < 30; second++) {
    t.is(await get(contoso, pat), 'ERR_NOT_ACCEPTED', `second ${second}`);
    clock.pass(SECOND);
  }
  t.true(issuer.count <= 7, `read ${issuer.count} times`);
  holds('second');
  clock.pass(SECOND);
  t.is(await get(contoso, pat), 'second');
  rejections.reject(contoso, fingerprintOf('second'));
  holds('first');
  t.is(await get(contoso, pat), 'ERR_NOT_ACCEPTED');
  clock.pass(MINUTE);
  t.is(await get(contoso, pat), 'first');
});

test('a forgotten rejection has no effect', async (t) => {
  for (const forget of [
    (rejections: Rejections) => rejections.clear(),
    (rejections: Rejections) => rejections.forget([identityNamed('identity')]),
  ]) {
    const {get, issuer, reject, rejections} = setUp();
    issuer.answers(() => issuer.token('the same', {life: DAY}));
    await get(contoso);
    reject(contoso);
    t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
    rejections.forget([identityNamed('other')]);
    t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
    forget(rejections);
    t.is(await get(contoso), 'the same');
  }
});

test('a token that is rejected after the minute is not served again', async (t) => {
  const {clock, get, issuer, reject} = setUp();
  await get(contoso);
  reject(contoso);
  await get(contoso);
  reject(contoso);
  issuer.answers(() => issuer.token('the next', {life: DAY}));
  clock.pass(HOUR);
  t.is(await get(contoso), 'the next');
  reject(contoso);
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
});

test('a rejection by one organization concerns no other', async (t) => {
  const {get, issuer, reject} = setUp();
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  await get(contoso);
  reject(contoso);
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
  t.is(await get(fabrikam), 'the same');
  t.is(issuer.count, 2);
});

test('an asker never gets its rejected token back', async (t) => {
  const {clock, get, issuer, reject} = setUp();
  issuer.answers((_, count) => issuer.token(count % 2 === 1 ? 'old' : 'new', {life: HOUR}));
  t.is(await get(contoso), 'old');
  reject(contoso);
  t.is(await get(contoso), 'new');
  clock.pass(51 * MINUTE);
  // the issuer’s cache still has the old one, and others may use it
  t.is(await get(fabrikam), 'old');
  t.is(await get(contoso), 'new');
});

test('in an outage only the rejected asker fails, with the outage as the reason', async (t) => {
  const {get, issuer, reject} = setUp();
  await get(contoso);
  reject(contoso);
  issuer.fails();
  t.is(await get(contoso), 'ERR_UNREACHABLE');
  t.is(await get(contoso), 'ERR_UNREACHABLE');
  t.is(await get(fabrikam), 'token-1');
});

test('eight parallel rejections cause one acquisition, and all get the new token', async (t) => {
  for (const asker of [contoso, scoped]) {
    const {get, issuer, reject} = setUp();
    await get(asker);
    issuer.holdBack();
    const all = Array.from({length: 8}, () => {
      reject(asker);
      return get(asker);
    });
    await settle();
    await issuer.release();
    t.deepEqual([...new Set(await Promise.all(all))], ['token-2'], asker.socket);
    t.is(issuer.count, 2);
    reject({...asker, owner: 'nobody'});
    t.is(await get(asker), 'token-2');
  }
});

test('a scoped socket forces one acquisition a minute for all its organizations', async (t) => {
  const {clock, get, issuer, rejections} = setUp();
  let forced = 0;
  for (let second = 0; second < 600; second++) {
    for (let number = 0; number < 20; number++) {
      const asker = {...scoped, owner: `organization-${number}`};
      const wanted = wantedBy(`identity-${number % 3}`);
      const first = issuer.count;
      const text = await get(asker, wanted);
      if (second > 0 && issuer.count > first) forced += 1;
      const found = issuer.given.find(({secret}) => !secret.erased && secret.revealText() === text);
      if (found) rejections.reject(asker, found.fingerprint);
    }
    clock.pass(SECOND);
  }
  t.true(forced > 0);
  t.true(forced <= 11, `${forced} in ten minutes`);
});

test('a scoped socket beyond its share gets a reason, and a token a minute later', async (t) => {
  const {clock, get, issuer, reject} = setUp(() => 'unknown');
  await get(scoped);
  reject(scoped);
  t.is(await get(scoped), 'token-2');
  const other = {...scoped, owner: 'fabrikam'};
  reject(other);
  t.is(await get(other), 'ERR_REPOSITORY_REJECTED');
  t.is(issuer.count, 2);
  // other sockets are not affected
  reject(fabrikam);
  t.is(await get(fabrikam), 'token-3');
  t.is(await get(other), 'token-3');
  reject(other);
  t.is(await get(other), 'ERR_REPOSITORY_REJECTED');
  clock.pass(MINUTE);
  t.is(await get(other), 'token-4');
});

test('clients that reject the same token share an acquisition', (t) => {
  const {rejections} = setUp();
  t.true(rejections.startForcing(scoped, 'a'));
  t.true(rejections.startForcing(scoped, 'a'));
  t.false(rejections.startForcing(scoped, 'b'));
  rejections.endForcing(scoped, 'b');
  t.true(rejections.startForcing(scoped, 'a'), 'only its own end ends it');
  rejections.endForcing(scoped, 'a');
  t.false(rejections.startForcing(scoped, 'a'));
});

test('scoped sockets have separate shares', async (t) => {
  const {get, reject} = setUp();
  const sockets = ['team-a', 'team-b', 'team-c'].map((socket) => ({...scoped, socket}));
  for (const [index, asker] of sockets.entries()) {
    await get(asker);
    reject(asker);
    t.is(await get(asker), `token-${index + 2}`);
  }
});

test('a finished acquisition does not free the share', async (t) => {
  const {get, issuer, reject} = setUp();
  await get(scoped);
  reject(scoped);
  issuer.fails();
  t.is(await get(scoped), 'ERR_UNREACHABLE');
  t.is(await get(scoped), 'ERR_REPOSITORY_REJECTED');
  t.is(issuer.count, 2);
});

test('made-up rejections take little memory and prolong no explanation', (t) => {
  const clock = new FakeClock();
  const rejections = new Rejections(clock);
  rejections.reject(contoso, 'a');
  rejections.reject(contoso, 'b');
  t.true(rejections.isExplained(contoso));
  for (let second = 0; second < 60; second++) {
    rejections.reject(contoso, `c${second}`);
    t.false(rejections.isRejected(contoso, `c${second}`));
    clock.pass(SECOND);
  }
  t.false(rejections.isExplained(contoso));
});

test('rejections that are far apart take little memory', (t) => {
  const clock = new FakeClock();
  const rejections = new Rejections(clock);
  for (let number = 0; number < 1000; number++) {
    rejections.reject(contoso, `f${number}`);
    clock.pass(10 * MINUTE);
  }
  const kept = Array.from({length: 1000}, (_, number) => rejections.isRejected(contoso, `f${number}`));
  t.is(kept.filter(Boolean).length, 8);
  t.true(kept.at(-1));
});

test('a bounded number of organizations is remembered, the newest ones', (t) => {
  const rejections = new Rejections(new FakeClock());
  for (let number = 0; number < 10_001; number++) rejections.reject({...contoso, owner: `o${number}`}, 'f');
  t.false(rejections.isRejected({...contoso, owner: 'o0'}, 'f'));
  t.true(rejections.isRejected({...contoso, owner: 'o1'}, 'f'));
  t.true(rejections.isRejected({...contoso, owner: 'o10000'}, 'f'));
});

test('no asker is forgiven before the minute has passed, or without a rejection', (t) => {
  const clock = new FakeClock();
  const rejections = new Rejections(clock);
  t.false(rejections.forgive(contoso));
  rejections.giveUp(contoso);
  t.false(rejections.isExplained(contoso));
  rejections.reject(contoso, 'a');
  t.false(rejections.forgive(contoso));
  rejections.giveUp(contoso);
  t.false(rejections.forgive(contoso));
  clock.pass(MINUTE);
  t.true(rejections.isRejected(contoso, 'a'));
  t.true(rejections.forgive(contoso));
  t.false(rejections.isRejected(contoso, 'a'));
  t.false(rejections.forgive(contoso));
});

test('an organization is settled until it rejects, and again once a token works', (t) => {
  const clock = new FakeClock();
  const rejections = new Rejections(clock);
  t.true(rejections.isSettled(contoso));
  rejections.reject(contoso, 'a');
  rejections.confirm(contoso, 'a');
  clock.pass(10 * MINUTE);
  t.false(rejections.isSettled(contoso), 'the refused one cannot confirm');
  rejections.giveUp(contoso);
  clock.pass(10 * MINUTE);
  t.false(rejections.isSettled(contoso), 'it was told why');
  rejections.confirm(contoso, 'b');
  t.true(rejections.isSettled(contoso));
  rejections.reject(contoso, 'b');
  rejections.confirm(contoso, 'c');
  t.false(rejections.isSettled(contoso), 'refused anew, and lately');
  clock.pass(10 * MINUTE);
  t.true(rejections.isSettled(contoso));
});

test('a new try that is rejected is explained, and not forgiven meanwhile', (t) => {
  const clock = new FakeClock();
  const rejections = new Rejections(clock);
  rejections.reject(contoso, 'a');
  rejections.giveUp(contoso);
  clock.pass(MINUTE);
  rejections.reject(contoso, 'b');
  t.true(rejections.isExplained(contoso));
  t.false(rejections.forgive(contoso));
  t.true(rejections.isExplained(contoso));
});

test('a changed wall clock has no effect', async (t) => {
  const {clock, get, reject} = setUp();
  await get(contoso);
  reject(contoso);
  await get(contoso);
  reject(contoso);
  clock.set(-HOUR);
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
  clock.pass(MINUTE);
  t.is(await get(contoso), 'token-3');
});

test('a rejection of one repository concerns no other repository of the organization', async (t) => {
  const {get, issuer, reject} = setUp(() => 'accepted');
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  await get(contoso);
  reject(contoso);
  t.is(await get(contoso), 'ERR_REPOSITORY_REJECTED');
  t.is(await get({...contoso, path: 'p/_git/other'}), 'the same');
});

for (const [verdict, code] of [
  ['works', undefined],
  ['accepted', undefined],
  ['unknown', undefined],
  ['rejected', 'ERR_NOT_ACCEPTED'],
  ['ended', 'ERR_CLAIMS_CHALLENGE'],
] as const)
  test(`a token that Azure DevOps calls ${verdict} is ${code ? 'withheld from' : 'served to'} other repositories`, async (t) => {
    const {get, issuer, reject} = setUp(() => verdict);
    issuer.answers(() => issuer.token('the same', {life: DAY}));
    await get(contoso);
    reject(contoso);
    await get(contoso);
    t.is(await get({...contoso, path: 'p/_git/other'}), code ?? 'the same');
  });

test('a report that Azure DevOps contradicts has no effect', async (t) => {
  const {get, issuer, reject} = setUp(() => 'works');
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  await get(contoso);
  reject(contoso);
  t.is(await get(contoso), 'the same');
  t.is(await get({...contoso, path: 'p/_git/other'}), 'the same');
});

test('a client that contradicts Azure DevOps again and again comes to an end', async (t) => {
  let questions = 0;
  const {clock, get, issuer, reject} = setUp(() => {
    questions++;
    return 'works';
  });
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  await get(contoso);
  reject(contoso);
  t.is(await get(contoso), 'the same');
  let served = 0;
  for (let second = 0; second < 50; second++) {
    reject(contoso);
    if ((await get(contoso)) === 'the same') served++;
    clock.pass(SECOND);
  }
  t.is(questions, 4);
  t.is(served, 3);
});

test('many reports for many repositories ask Azure DevOps a bounded number of times', async (t) => {
  let questions = 0;
  const {get, issuer, reject} = setUp(() => {
    questions++;
    return 'unknown';
  });
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  for (let at = 0; at < 100; at++) {
    const asker = {...contoso, path: `p/_git/${at}`};
    await get(asker);
    reject(asker);
    await get(asker);
  }
  t.true(questions <= 8, `${questions}`);
  t.true(issuer.count <= 10, `${issuer.count}`);
});

test('a token that works elsewhere ends the rejection of the organization', async (t) => {
  const {confirm, get, reject, rejections} = setUp();
  await get(contoso);
  reject(contoso);
  t.is(rejections.organizations.all.length, 1);
  confirm({...contoso, path: 'p/_git/other'});
  t.is(rejections.organizations.all.length, 0);
});
