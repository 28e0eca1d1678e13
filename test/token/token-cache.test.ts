import test from 'ava';
import type {Acquire} from '../../src/token/acquire.ts';
import {TokenCache, type Found} from '../../src/token/token-cache.ts';
import {DAY, FakeClock, HOUR, MINUTE, SECOND, YEAR} from '../helpers/fake-clock.ts';
import {
  FakeIssuer,
  identityNamed,
  makeToken,
  settle,
  wantedBy,
  type TokenShape,
} from '../helpers/fake-issuer.ts';

const contoso = wantedBy('contoso');
const fabrikam = wantedBy('fabrikam');

function setUp({random = () => 0, capacity = 100}: {random?: () => number; capacity?: number} = {}) {
  const clock = new FakeClock();
  const issuer = new FakeIssuer(clock);
  const tokens = new TokenCache({acquire: issuer.acquire, clock, random, capacity});
  return {clock, issuer, tokens};
}

/** What was found, in a line. */
function told(found: Found): string {
  return found.kind === 'failed'
    ? found.failure.code
    : `${found.token.secret.revealText()} (${found.source})`;
}

/** Returns the tokens of this shape, under names of their own. */
function shapedAs(issuer: FakeIssuer, shape: TokenShape): void {
  issuer.answers((_, count) => issuer.token(`token-${count}`, shape));
}

test('the first is from the issuer, the next from the cache', async (t) => {
  const {issuer, tokens} = setUp();
  t.is(told(await tokens.get(contoso)), 'token-1 of contoso (issuer)');
  t.is(told(await tokens.get(contoso)), 'token-1 of contoso (cache)');
  t.is(issuer.count, 1);
});

test('a thousand at once are one acquisition', async (t) => {
  const {issuer, tokens} = setUp();
  issuer.holdBack();
  const all = Array.from({length: 1000}, () => tokens.get(contoso));
  await settle();
  t.is(issuer.count, 1);
  await issuer.release();
  const found = new Set((await Promise.all(all)).map(told));
  t.deepEqual([...found], ['token-1 of contoso (issuer)']);
  t.is(issuer.count, 1);
});

test('a thousand at once share a failure, and nothing of it is kept as a token', async (t) => {
  const {clock, issuer, tokens} = setUp();
  issuer.fails();
  const found = await Promise.all(Array.from({length: 1000}, () => tokens.get(contoso)));
  t.deepEqual([...new Set(found.map(told))], ['ERR_UNREACHABLE']);
  t.is(issuer.count, 1);
  t.is(tokens.peek(contoso), undefined);
  clock.pass(SECOND);
  issuer.answers();
  t.is(told(await tokens.get(contoso)), 'token-2 of contoso (issuer)');
});

test('a thousand callers with an expired token cause one acquisition', async (t) => {
  const {clock, issuer, tokens} = setUp();
  await tokens.get(contoso);
  clock.pass(55 * MINUTE);
  issuer.holdBack();
  const all = Array.from({length: 1000}, () => tokens.get(contoso));
  await issuer.release();
  t.deepEqual([...new Set((await Promise.all(all)).map(told))], ['token-2 of contoso (issuer)']);
  t.is(issuer.count, 2);
});

test('identities, tenants and scopes never share a token', async (t) => {
  const {issuer, tokens} = setUp();
  const clientId = '9f000000-0000-0000-0000-000000000000';
  const assertion = {
    kind: 'managed-identity-assertion',
    clientId,
    managedIdentityClientId: clientId,
  } as const;
  const wanted = [
    {identity: {...assertion, tenantId: 'a', key: 'assertion:a'}, scope: 's'},
    {identity: {...assertion, tenantId: 'b', key: 'assertion:b'}, scope: 's'},
    {identity: {...assertion, tenantId: 'a', key: 'assertion:a'}, scope: 's2'},
    {identity: identityNamed('assertion'), scope: 's'},
  ];
  const at = await Promise.all([...wanted, ...wanted].map((each) => tokens.get(each)));
  const texts = at.map((found) => (found.kind === 'token' ? found.token.secret.revealText() : ''));
  t.is(new Set(texts).size, wanted.length);
  t.deepEqual(texts.slice(0, wanted.length), texts.slice(wanted.length));
  t.is(issuer.count, wanted.length);
  for (const [index, each] of wanted.entries()) t.is(tokens.peek(each)?.secret.revealText(), texts[index]);
});

test('should-refresh: the old one is served at once, the new one is acquired behind', async (t) => {
  const {clock, issuer, tokens} = setUp();
  await tokens.get(contoso);
  clock.pass(45 * MINUTE);
  issuer.holdBack();
  t.is(told(await tokens.get(contoso)), 'token-1 of contoso (cache)');
  t.is(told(await tokens.get(contoso)), 'token-1 of contoso (cache)');
  t.is(issuer.count, 2);
  await issuer.release();
  t.is(told(await tokens.get(contoso)), 'token-2 of contoso (cache)');
  t.is(issuer.count, 2);
});

test('must-refresh: the new one is waited for', async (t) => {
  const {clock, issuer, tokens} = setUp();
  await tokens.get(contoso);
  clock.pass(51 * MINUTE);
  t.is(told(await tokens.get(contoso)), 'token-2 of contoso (issuer)');
  t.is(issuer.count, 2);
});

test('a token that is handed out lives for at least ten minutes', async (t) => {
  const {clock, tokens} = setUp();
  for (let minute = 0; minute < 300; minute++) {
    const found = await tokens.get(contoso);
    const expiresAt = found.kind === 'token' ? found.token.expiresAt : undefined;
    t.true((expiresAt ?? 0) - clock.wall() >= 10 * MINUTE, `minute ${minute}`);
    clock.pass(MINUTE);
  }
});

test('an outage: the old one is served until a minute before its end, then nothing', async (t) => {
  const {clock, issuer, tokens} = setUp();
  await tokens.get(contoso);
  issuer.fails();
  clock.pass(45 * MINUTE);
  for (let second = 45 * 60; second <= 59 * 60; second++) {
    t.is(told(await tokens.get(contoso)), 'token-1 of contoso (cache)', `second ${second}`);
    clock.pass(SECOND);
  }
  t.is(told(await tokens.get(contoso)), 'ERR_UNREACHABLE');
  t.is(tokens.peek(contoso), undefined);
  t.true(issuer.given[0]?.secret.erased);
  issuer.answers();
  clock.pass(MINUTE);
  t.regex(told(await tokens.get(contoso)), /^token-\d+ of contoso \(issuer\)$/);
});

test('an outage: one try after 1, 2, 4, 8, 16, 32 and then each 60 seconds, however many ask', async (t) => {
  const {clock, issuer, tokens} = setUp();
  issuer.fails();
  const start = clock.uptime();
  const tries: number[] = [];
  for (let second = 0; second < 250; second++) {
    const before = issuer.count;
    for (let many = 0; many < 5; many++) t.is(told(await tokens.get(contoso)), 'ERR_UNREACHABLE');
    if (issuer.count > before) tries.push((clock.uptime() - start) / SECOND);
    clock.pass(SECOND);
  }
  t.deepEqual(tries, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
  t.is(issuer.count, tries.length);
});

test('after a success the pause starts from the beginning', async (t) => {
  const {clock, issuer, tokens} = setUp();
  issuer.fails();
  for (const rest of [1, 2, 4]) {
    await tokens.get(contoso);
    clock.pass(rest * SECOND);
  }
  issuer.answers();
  await tokens.get(contoso);
  clock.pass(2 * HOUR);
  issuer.fails();
  await tokens.get(contoso);
  const before = issuer.count;
  clock.pass(SECOND);
  await tokens.get(contoso);
  t.is(issuer.count, before + 1);
});

const rests = test.macro({
  exec: async (t, retryAfter: number | undefined, rest: number) => {
    const {clock, issuer, tokens} = setUp();
    issuer.fails('HTTP_429', retryAfter);
    await tokens.get(contoso);
    clock.pass(rest - 1);
    t.is(told(await tokens.get(contoso)), 'HTTP_429');
    t.is(issuer.count, 1);
    clock.pass(1);
    await tokens.get(contoso);
    t.is(issuer.count, 2);
  },
  title: (_, retryAfter: number | undefined, rest: number) =>
    `Retry-After of ${retryAfter} ms: a rest of ${rest} ms`,
});

test(rests, undefined, SECOND);
test(rests, 0, SECOND);
test(rests, 500, SECOND);
test(rests, 17 * SECOND, 17 * SECOND);
test(rests, HOUR, HOUR);
test(rests, -5, SECOND);
test(rests, NaN, SECOND);

test('the rest of one identity is not that of others', async (t) => {
  const {issuer, tokens} = setUp();
  issuer.fails('HTTP_429', HOUR);
  await tokens.get(contoso);
  issuer.answers();
  t.is(told(await tokens.get(fabrikam)), 'token-2 of fabrikam (issuer)');
});

test('an issuer that has only the same token is asked more and more seldom, and its token served', async (t) => {
  const {clock, issuer, tokens} = setUp();
  const end = clock.wall() + DAY;
  issuer.answers(() => issuer.token('the same', {life: end - clock.wall()}));
  await tokens.get(contoso);
  const {secret} = tokens.peek(contoso) ?? t.fail();
  clock.pass(18 * HOUR);
  for (let minute = 0; minute < 330; minute++) {
    t.is(told(await tokens.get(contoso)).slice(0, 8), 'the same');
    await settle();
    clock.pass(MINUTE);
  }
  // at first more often than each minute, but it is asked once a minute only
  t.true(issuer.count <= 1 + 330, `${issuer.count} acquisitions`);
  for (let second = 0; second < 120; second++) {
    await tokens.get(contoso);
    await settle();
    clock.pass(SECOND);
  }
  t.true(issuer.count <= 1 + 330 + 3, `${issuer.count} acquisitions`);
  // a caller that would wait does not wait more often
  clock.pass(19 * MINUTE);
  const before = issuer.count;
  for (let second = 0; second < 120; second++) {
    for (let many = 0; many < 10; many++) t.is(told(await tokens.get(contoso)).slice(0, 8), 'the same');
    clock.pass(SECOND);
  }
  t.true(issuer.count <= before + 3, `${issuer.count - before} acquisitions`);
  t.is(tokens.peek(contoso)?.secret, secret);
  t.false(secret.erased);
  t.true(issuer.given.slice(1).every((token) => token.secret.erased));
});

test('new tokens that all end at the same moment are asked for a few times, not at each request', async (t) => {
  const {clock, issuer, tokens} = setUp();
  const end = clock.wall() + HOUR;
  issuer.answers((_, count) =>
    issuer.token(`token-${count}`, {life: end - clock.wall() + (count % 2) * 900}),
  );
  for (let second = 0; second < 59 * 60; second++) {
    for (let many = 0; many < 5; many++) await tokens.get(contoso);
    await settle();
    clock.pass(SECOND);
  }
  t.true(issuer.count < 10, `${issuer.count} acquisitions`);
});

test('an issuer that wants a refresh at once is not asked at each request', async (t) => {
  const {clock, issuer, tokens} = setUp();
  shapedAs(issuer, {life: HOUR, refreshIn: 0});
  for (let minute = 0; minute < 120; minute++) {
    for (let many = 0; many < 10; many++) await tokens.get(contoso);
    await settle();
    clock.pass(MINUTE);
  }
  t.is(issuer.count, 4);
});

test('a token that has expired on arrival is rejected and overwritten', async (t) => {
  const {issuer, tokens} = setUp();
  for (const life of [0, -HOUR, 59 * SECOND]) {
    tokens.clear();
    shapedAs(issuer, {life});
    t.is(told(await tokens.get(contoso)), 'ERR_TOKEN_EXPIRED');
    t.is(told(await tokens.get(contoso)), 'ERR_TOKEN_EXPIRED');
    t.is(tokens.peek(contoso), undefined);
  }
  t.is(issuer.count, 3);
  t.true(issuer.given.every(({secret}) => secret.erased));
});

test('an acquirer that breaks is a failure, and no caller waits forever', async (t) => {
  const clock = new FakeClock();
  let count = 0;
  const acquires: Acquire[] = [
    async () => Promise.reject(new Error('canary')),
    () => {
      throw new Error('canary');
    },
  ];
  for (const acquire of acquires) {
    const counted: Acquire = (wanted) => {
      count += 1;
      return acquire(wanted);
    };
    const tokens = new TokenCache({acquire: counted, clock, random: () => 0});
    const prefetched = tokens.prefetch([contoso]);
    const found = await tokens.get(contoso);
    t.is(told(found), 'ERR_BROKE_OFF');
    t.false(JSON.stringify(found).includes('canary'));
    t.is(told(await tokens.get(contoso)), 'ERR_BROKE_OFF');
    await prefetched;
  }
  t.is(count, 2);
});

test('jitter: a thousand that were started together do not refresh together', async (t) => {
  const moments = new Set<number>();
  for (let agent = 0; agent < 1000; agent++) {
    const {clock, issuer, tokens} = setUp({random: () => agent / 1000});
    await tokens.get(contoso);
    clock.pass(39 * MINUTE - SECOND);
    tokens.refreshDue();
    t.is(issuer.count, 1);
    let second = 0;
    for (; issuer.count === 1 && second < 1000; second++) {
      clock.pass(SECOND);
      tokens.refreshDue();
    }
    moments.add(second);
  }
  // a tenth of an hour, in seconds
  t.is(moments.size, 360);
});

test('a token in use is refreshed ahead, so that no caller waits', async (t) => {
  const {clock, issuer, tokens} = setUp();
  await tokens.get(contoso);
  for (let half = 1; half <= 2 * 60 * 8; half++) {
    clock.pass(30 * SECOND);
    tokens.refreshDue();
    await settle();
    if (half % 240 === 0) t.regex(told(await tokens.get(contoso)), /\(cache\)$/);
  }
  // eight hours, a refresh each 45 minutes
  t.is(issuer.count, 11);
});

test('an unused token is not refreshed forever', async (t) => {
  const {clock, issuer, tokens} = setUp();
  await tokens.get(contoso);
  await tokens.prefetch([fabrikam]);
  for (let half = 0; half < 2 * 60 * 24; half++) {
    clock.pass(30 * SECOND);
    tokens.refreshDue();
    await settle();
  }
  const of = (name: string) => issuer.asked.filter((asked) => asked === name).length;
  // the last refresh is within three hours of the last use: 0, 0:45, 1:30, 2:15
  t.is(of('contoso'), 4);
  t.is(of('fabrikam'), 4);
  t.true(issuer.given.every(({secret}) => secret.erased));
  t.is(told(await tokens.get(contoso)), 'token-9 of contoso (issuer)');
});

test('a prefetch asks for what is not held, and for nothing twice', async (t) => {
  const {issuer, tokens} = setUp();
  await tokens.get(contoso);
  await Promise.all([tokens.prefetch([contoso, fabrikam, fabrikam]), tokens.prefetch([fabrikam])]);
  t.deepEqual(issuer.asked, ['contoso', 'fabrikam']);
  t.is(told(await tokens.get(fabrikam)), 'token-2 of fabrikam (cache)');
});

test('a prefetch of many leaves room for a git that waits', async (t) => {
  const under = {now: 0, most: 0};
  const gate = Promise.withResolvers<void>();
  const {clock, issuer} = setUp();
  const acquire: Acquire = async (wanted) => {
    under.most = Math.max(under.most, ++under.now);
    await gate.promise;
    under.now -= 1;
    return issuer.acquire(wanted);
  };
  const tokens = new TokenCache({acquire, clock, random: () => 0});
  const many = Array.from({length: 200}, (_, at) => ({
    ...contoso,
    identity: {...contoso.identity, key: `identity-${at}`},
  }));
  const prefetched = tokens.prefetch(many);
  await settle();
  gate.resolve();
  await prefetched;
  t.is(under.most, 3);
  t.is(issuer.count, 200);
});

test('what is no longer configured is not asked ahead for', async (t) => {
  const {issuer, tokens} = setUp();
  const removed = Array.from({length: 20}, (_, at) => wantedBy(`removed-${at}`));
  issuer.holdBack();
  const before = tokens.prefetch([...removed, contoso]);
  tokens.keepOnly([contoso.identity]);
  await issuer.release();
  await before;
  t.deepEqual(issuer.asked, ['removed-0', 'removed-1', 'removed-2', 'contoso']);
  t.is(told(await tokens.get(contoso)), 'token-4 of contoso (cache)');
  t.is([...tokens.secrets()].length, 1);
});

test('a prefetch takes the place of the one before it, and leaves as much room', async (t) => {
  const {issuer, tokens} = setUp();
  issuer.holdBack();
  const all = Array.from({length: 5}, (_, round) =>
    tokens.prefetch(Array.from({length: 4}, (__, at) => wantedBy(`${at} of ${round}`))),
  );
  await settle();
  t.deepEqual(issuer.asked, ['0 of 0', '1 of 0', '2 of 0']);
  await issuer.release();
  await Promise.all(all);
  t.deepEqual(issuer.asked.slice(3), ['0 of 4', '1 of 4', '2 of 4', '3 of 4']);
});

test('a failed background refresh harms no caller, and is not tried at each request', async (t) => {
  const {clock, issuer, tokens} = setUp();
  await tokens.get(contoso);
  clock.pass(46 * MINUTE);
  issuer.fails();
  for (let many = 0; many < 100; many++) t.is(told(await tokens.get(contoso)), 'token-1 of contoso (cache)');
  await settle();
  t.is(issuer.count, 2);
});

const steps = test.macro({
  exec: async (t, _: string, step: number, expected: string) => {
    const {clock, issuer, tokens} = setUp();
    await tokens.get(contoso);
    clock.pass(5 * MINUTE);
    clock.set(step);
    t.is(told(await tokens.get(contoso)), expected);
    // nor is anything served beyond its life afterwards
    const [first] = issuer.given;
    clock.pass(55 * MINUTE);
    const later = await tokens.get(contoso);
    t.true(later.kind === 'token' && later.token !== first);
    t.true(first?.secret.erased);
  },
  title: (_, step: string) => `the clock is set ${step}`,
});

test(steps, 'an hour back', -HOUR, 'token-1 of contoso (cache)');
test(steps, 'a year back', -YEAR, 'token-1 of contoso (cache)');
test(steps, 'an hour on', HOUR, 'token-2 of contoso (issuer)');
test(steps, 'a year on', YEAR, 'token-2 of contoso (issuer)');
test(steps, 'half an hour on', 30 * MINUTE, 'token-1 of contoso (cache)');

test('a step back of the clock does not age a fresh token', async (t) => {
  const {clock, issuer, tokens} = setUp();
  await tokens.get(contoso);
  clock.pass(46 * MINUTE);
  clock.set(-HOUR);
  await tokens.get(contoso);
  await settle();
  t.is(issuer.count, 2);
  // a rest would show in the next refresh: it must not exist
  clock.pass(46 * MINUTE);
  await tokens.get(contoso);
  await settle();
  t.is(issuer.count, 3);
});

test('suspend: what ended in sleep is not served afterwards', async (t) => {
  const {clock, issuer, tokens} = setUp();
  await tokens.get(contoso);
  const [first] = issuer.given;
  clock.pass(8 * HOUR);
  t.is(tokens.peek(contoso), undefined);
  t.is(told(await tokens.get(contoso)), 'token-2 of contoso (issuer)');
  t.true(first?.secret.erased);
});

test('no token with less than a minute is ever given, whatever happens to the clocks', async (t) => {
  const {clock, issuer, tokens} = setUp();
  let seed = 1;
  const roll = (sides: number) => (seed = (seed * 48_271) % 2_147_483_647) % sides;
  for (let round = 0; round < 3000; round++) {
    await settle();
    const life = (1 + roll(90)) * MINUTE;
    if (roll(4) === 0) issuer.fails();
    else shapedAs(issuer, {life, ...(roll(2) === 0 ? {refreshIn: roll(life)} : {})});
    if (roll(3) === 0) clock.set([HOUR, -HOUR, YEAR, -YEAR, 1][roll(5)] ?? 0);
    clock.pass(roll(20 * MINUTE));
    if (roll(5) === 0) tokens.refreshDue();
    const found = await tokens.get(contoso);
    if (found.kind === 'failed') continue;
    const {token} = found;
    t.false(token.secret.erased);
    const left = token.acquiredUptime + (token.expiresAt ?? 0) - token.acquiredAt - clock.uptime();
    t.true(left >= MINUTE, `${left} ms left`);
    t.true((token.expiresAt ?? 0) - clock.wall() >= MINUTE);
  }
  t.true(issuer.count > 100);
});

test('tokens without an end stay', async (t) => {
  const {clock, issuer, tokens} = setUp();
  shapedAs(issuer, {kind: 'pat', life: undefined});
  await tokens.get(contoso);
  clock.pass(YEAR);
  tokens.refreshDue();
  t.is(told(await tokens.get(contoso)), 'token-1 (cache)');
  t.is(issuer.count, 1);
});

test('a replaced token is overwritten', async (t) => {
  const {clock, issuer, tokens} = setUp();
  await tokens.get(contoso);
  clock.pass(51 * MINUTE);
  await tokens.get(contoso);
  t.deepEqual(
    issuer.given.map(({secret}) => secret.erased),
    [true, false],
  );
});

test('there is room for so many, and what has to go is overwritten', async (t) => {
  const {issuer, tokens} = setUp({capacity: 2});
  for (const name of ['a', 'b', 'c']) await tokens.get(wantedBy(name));
  t.deepEqual(
    issuer.given.map(({secret}) => secret.erased),
    [true, false, false],
  );
  t.is(tokens.peek(wantedBy('a')), undefined);
});

test('clear drops and overwrites all, forgets failures, and tells how many', async (t) => {
  const {issuer, tokens} = setUp();
  await tokens.get(contoso);
  await tokens.get(fabrikam);
  issuer.fails('HTTP_429', HOUR);
  await tokens.get(wantedBy('failing'));
  t.is([...tokens.secrets()].length, 2);
  t.is(tokens.clear(), 2);
  t.is(tokens.clear(), 0);
  t.deepEqual([...tokens.secrets()], []);
  t.true(issuer.given.every(({secret}) => secret.erased));
  issuer.answers();
  t.regex(told(await tokens.get(wantedBy('failing'))), /issuer/);
  t.regex(told(await tokens.get(contoso)), /issuer/);
});

test('clear while a token is on its way: that one is overwritten, who waits gets another', async (t) => {
  const {issuer, tokens} = setUp();
  issuer.holdBack();
  const waiting = tokens.get(contoso);
  tokens.clear();
  const later = tokens.get(contoso);
  await issuer.release();
  t.is(told(await waiting), 'token-2 of contoso (issuer)');
  t.is(told(await later), 'token-2 of contoso (issuer)');
  t.is(issuer.count, 2);
  t.is(issuer.given.filter(({secret}) => secret.erased).length, 1);
});

test('keepOnly keeps what is still configured, and overwrites the rest', async (t) => {
  const {issuer, tokens} = setUp();
  await tokens.get(contoso);
  await tokens.get(fabrikam);
  tokens.keepOnly([contoso.identity]);
  t.deepEqual(
    issuer.given.map(({secret}) => secret.erased),
    [false, true],
  );
  t.is(told(await tokens.get(contoso)), 'token-1 of contoso (cache)');
  t.is(tokens.peek(fabrikam), undefined);
});

test('keepOnly forgets the failures of what is no longer configured', async (t) => {
  const {issuer, tokens} = setUp();
  issuer.fails('HTTP_429', HOUR);
  await tokens.get(contoso);
  tokens.keepOnly([]);
  issuer.answers();
  t.is(told(await tokens.get(contoso)), 'token-2 of contoso (issuer)');
});

test('keepOnly while tokens are on their way: only what is still configured arrives', async (t) => {
  const {clock, issuer, tokens} = setUp();
  issuer.holdBack();
  const kept = tokens.get(contoso);
  const dropped = tokens.get(fabrikam);
  tokens.keepOnly([contoso.identity]);
  await issuer.release();
  t.is(told(await kept), 'token-1 of contoso (issuer)');
  t.is(told(await dropped), 'ERR_DROPPED');
  t.is(tokens.peek(fabrikam), undefined);
  t.deepEqual(
    issuer.given.map(({secret}) => secret.erased),
    [false, true],
  );
  // and it is not refreshed for hours to come
  clock.pass(50 * MINUTE);
  tokens.refreshDue();
  await settle();
  t.deepEqual(issuer.asked, ['contoso', 'fabrikam', 'contoso']);
});

test('clear and then keepOnly while a token is on its way: removed identities are not asked for again', async (t) => {
  const {issuer, tokens} = setUp();
  issuer.holdBack();
  const waiting = [tokens.get(contoso), tokens.get(fabrikam)];
  tokens.clear();
  tokens.keepOnly([contoso.identity]);
  tokens.clear();
  await issuer.release();
  t.deepEqual((await Promise.all(waiting)).map(told), ['token-3 of contoso (issuer)', 'ERR_DROPPED']);
  t.deepEqual(issuer.asked, ['contoso', 'fabrikam', 'contoso']);
  t.is(tokens.peek(fabrikam), undefined);
});

test('an old token that was dropped while a new one failed is not served', async (t) => {
  const {clock, issuer, tokens} = setUp();
  await tokens.get(contoso);
  clock.pass(51 * MINUTE);
  issuer.holdBack();
  issuer.fails();
  const waiting = tokens.get(contoso);
  tokens.clear();
  await issuer.release();
  t.is(told(await waiting), 'ERR_UNREACHABLE');
});

test('drop: one is overwritten, its failure forgotten, and what is on its way as well', async (t) => {
  const {issuer, tokens} = setUp();
  await tokens.get(contoso);
  await tokens.get(fabrikam);
  tokens.drop([contoso.identity]);
  t.deepEqual(
    issuer.given.map(({secret}) => secret.erased),
    [true, false],
  );
  issuer.fails('HTTP_429', HOUR);
  t.is(told(await tokens.get(contoso)), 'HTTP_429');
  tokens.drop([contoso.identity]);
  issuer.answers();
  issuer.holdBack();
  const waiting = tokens.get(contoso);
  tokens.drop([contoso.identity]);
  await issuer.release();
  t.is(told(await waiting), 'token-5 of contoso (issuer)');
  t.is(told(await tokens.get(fabrikam)), 'token-2 of fabrikam (cache)');
});

test('an identity is dropped and kept with all that it has, for whichever resource', async (t) => {
  const {issuer, tokens} = setUp();
  const graph = {...contoso, scope: 'https://graph.microsoft.com/.default'};
  const erased = () => issuer.given.map(({secret}) => secret.erased);
  await tokens.get(contoso);
  await tokens.get(graph);
  tokens.keepOnly([contoso.identity]);
  t.deepEqual(erased(), [false, false]);
  tokens.drop([contoso.identity]);
  t.deepEqual(erased(), [true, true]);
  issuer.holdBack();
  const waiting = tokens.get(graph);
  tokens.keepOnly([contoso.identity]);
  await issuer.release();
  t.is(told(await waiting), 'token-3 of contoso (issuer)');
});

test('an expired token is overwritten by the next round of refreshes, in use or not', async (t) => {
  for (const time of [8 * HOUR, 59 * MINUTE + SECOND]) {
    const {clock, issuer, tokens} = setUp();
    await tokens.get(contoso);
    issuer.fails();
    clock.pass(time);
    tokens.refreshDue();
    t.true(issuer.given[0]?.secret.erased);
    t.is(issuer.count, 1);
  }
});

test('what has a minute left is still held, and no longer after it', async (t) => {
  const {clock, tokens} = setUp();
  await tokens.get(contoso);
  clock.pass(59 * MINUTE);
  t.not(tokens.peek(contoso), undefined);
  clock.pass(1);
  t.is(tokens.peek(contoso), undefined);
});

test('status: none, refreshing, ok, failed', async (t) => {
  const {clock, issuer, tokens} = setUp();
  const state = () => tokens.statusOf(contoso).state;
  t.is(state(), 'none');
  issuer.holdBack();
  const found = tokens.get(contoso);
  t.is(state(), 'refreshing');
  await issuer.release();
  await found;
  t.is(state(), 'ok');
  t.is(tokens.statusOf(contoso).expiresAt, clock.wall() + HOUR);
  t.is(tokens.statusOf(contoso).fingerprint, makeToken('token-1 of contoso', clock).fingerprint);
  clock.pass(50 * MINUTE);
  issuer.fails();
  await tokens.get(contoso);
  await settle();
  t.is(state(), 'failed');
  t.is(tokens.statusOf(contoso).failure?.code, 'ERR_UNREACHABLE');
  t.is(tokens.statusOf(contoso).acquisitions, 2);
  t.not(tokens.statusOf(contoso).expiresAt, undefined);
  clock.pass(HOUR);
  t.is(tokens.statusOf(contoso).expiresAt, undefined);
});

const never = (...texts: readonly string[]) => {
  const fingerprints = new Set(texts.map((text) => makeToken(text, new FakeClock()).fingerprint));
  return (fingerprint: string) => fingerprints.has(fingerprint);
};

test('a rejected token is replaced at once, for everybody', async (t) => {
  const {issuer, tokens} = setUp();
  await tokens.get(contoso);
  const rejected = never('token-1 of contoso');
  t.is(told(await tokens.get(contoso, rejected)), 'token-2 of contoso (issuer)');
  t.is(told(await tokens.get(contoso, rejected)), 'token-2 of contoso (cache)');
  t.is(told(await tokens.get(contoso)), 'token-2 of contoso (cache)');
  t.is(issuer.count, 2);
});

test('a thousand that reject a token are one acquisition', async (t) => {
  const {issuer, tokens} = setUp();
  await tokens.get(contoso);
  const all = Array.from({length: 1000}, () => tokens.get(contoso, never('token-1 of contoso')));
  t.deepEqual([...new Set((await Promise.all(all)).map(told))], ['token-2 of contoso (issuer)']);
  t.is(issuer.count, 2);
});

test('the same token again is not a new one, and is asked for again after a pause only', async (t) => {
  const {clock, issuer, tokens} = setUp();
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  await tokens.get(contoso);
  for (let many = 0; many < 100; many++)
    t.is(told(await tokens.get(contoso, never('the same'))), 'ERR_SAME_TOKEN');
  t.is(issuer.count, 2);
  t.is(told(await tokens.get(contoso)), 'the same (cache)');
  clock.pass(SECOND);
  for (let many = 0; many < 100; many++)
    t.is(told(await tokens.get(contoso, never('the same'))), 'ERR_SAME_TOKEN');
  t.is(issuer.count, 3);
});

test('another token is another one, though it does not live longer', async (t) => {
  const {issuer, tokens} = setUp();
  issuer.answers((_, count) => issuer.token(`token-${count}`, {life: (100 - count) * MINUTE}));
  await tokens.get(contoso);
  t.is(told(await tokens.get(contoso, never('token-1'))), 'token-2 (issuer)');
  t.is(told(await tokens.get(contoso, never('token-1', 'token-2'))), 'token-3 (issuer)');
});

test('a rejected token is not served in an outage either', async (t) => {
  const {clock, issuer, tokens} = setUp();
  await tokens.get(contoso);
  issuer.fails();
  t.is(told(await tokens.get(contoso, never('token-1 of contoso'))), 'ERR_UNREACHABLE');
  clock.pass(51 * MINUTE);
  t.is(told(await tokens.get(contoso, never('token-1 of contoso'))), 'ERR_UNREACHABLE');
  t.is(told(await tokens.get(contoso)), 'token-1 of contoso (cache)');
});

test('once renewing has failed, a living token is served without a wait, and renewed behind', async (t) => {
  const clock = new FakeClock();
  const issuer = new FakeIssuer(clock);
  const reports: string[] = [];
  const tokens = new TokenCache({
    acquire: issuer.acquire,
    clock,
    random: () => 0,
    onRenewal: (_, failure) => reports.push(failure?.code ?? 'renewed'),
  });
  await tokens.get(contoso);
  clock.pass(51 * MINUTE);
  issuer.fails();
  t.is(told(await tokens.get(contoso)), 'token-1 of contoso (cache)');
  clock.pass(2 * SECOND);
  issuer.holdBack();
  t.is(told(await tokens.get(contoso)), 'token-1 of contoso (cache)', 'although the issuer hangs');
  await issuer.release();
  await settle();
  t.deepEqual(reports, ['ERR_UNREACHABLE'], 'once');
  clock.pass(MINUTE);
  issuer.answers((wanted, count) => issuer.token(`token-${count} of ${wanted.identity.key}`, {}));
  await tokens.get(contoso);
  await settle();
  t.deepEqual(reports, ['ERR_UNREACHABLE', 'renewed']);
  t.regex(told(await tokens.get(contoso)), /^token-4 /);
});

test('no request waits for a token of a few minutes that is in use, while its issuer hangs', async (t) => {
  const clock = new FakeClock();
  const issuer = new FakeIssuer(clock);
  issuer.answers(() => issuer.token('short', {life: 200 * SECOND}));
  const tokens = new TokenCache({acquire: issuer.acquire, clock, random: () => 0});
  await tokens.get(contoso);
  clock.pass(95 * SECOND);
  issuer.holdBack();
  t.is(told(await tokens.get(contoso)), 'short (cache)');
  issuer.fails();
  await issuer.release();
  await settle();
  clock.pass(10 * SECOND);
  issuer.holdBack();
  t.is(told(await tokens.get(contoso)), 'short (cache)', 'although a request without a failure would wait');
  await issuer.release();
});

test('a failed prefetch is tried again without a request, after growing pauses', async (t) => {
  const {clock, issuer, tokens} = setUp();
  issuer.fails();
  await tokens.prefetch([contoso]);
  const counts: number[] = [];
  for (const pause of [20, 10, 30, 30, 200, 100]) {
    clock.pass(pause * SECOND);
    tokens.refreshDue();
    await settle();
    counts.push(issuer.count);
  }
  t.deepEqual(counts, [1, 2, 2, 3, 3, 4]);
  issuer.answers((_, count) => issuer.token(`token-${count}`, {}));
  clock.pass(15 * MINUTE);
  tokens.refreshDue();
  await settle();
  t.is(tokens.statusOf(contoso).state, 'ok');
  t.is(issuer.count, 5);
});

test('what is no longer configured is not tried again', async (t) => {
  const {clock, issuer, tokens} = setUp();
  issuer.fails();
  await tokens.prefetch([contoso]);
  tokens.keepOnly([]);
  clock.pass(HOUR);
  tokens.refreshDue();
  await settle();
  t.is(issuer.count, 1);
});
