import test from 'ava';
import {AZURE_DEVOPS_SCOPE} from '../../src/token/acquire.ts';
import {findToken} from '../../src/token/find-token.ts';
import {Rejections, type Asker} from '../../src/token/rejections.ts';
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
const contoso: Asker = {socket: 'git', scoped: false, owner: 'contoso', identity: 'identity'};
const fabrikam: Asker = {...contoso, owner: 'fabrikam'};
const scoped: Asker = {...contoso, socket: 'team-a', scoped: true};

function setUp() {
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
      const found = await findToken(wanted, asker, undefined, {tokens, rejections});
      return found.kind === 'failed' ? found.failure.code : found.token.secret.revealText();
    },
    /** The server refuses what is held. */
    refuse: (asker: Asker) => rejections.reject(asker, held()),
    confirm: (asker: Asker) => rejections.confirm(asker, held()),
  };
}

test('a refused token is replaced, once', async (t) => {
  const {get, issuer, refuse} = setUp();
  t.is(await get(contoso), 'token-1');
  refuse(contoso);
  t.is(await get(contoso), 'token-2');
  t.is(await get(contoso), 'token-2');
  t.is(issuer.count, 2);
});

test('is the new one refused too, it is a matter of permission: explained for a minute, without an acquisition', async (t) => {
  const {clock, get, issuer, refuse} = setUp();
  await get(contoso);
  refuse(contoso);
  await get(contoso);
  refuse(contoso);
  for (let second = 0; second < 60; second++) {
    t.is(await get(contoso), 'ERR_NOT_ACCEPTED', `second ${second}`);
    clock.pass(SECOND);
  }
  t.is(issuer.count, 2);
});

test('the same token again: explained for a minute, and never given meanwhile', async (t) => {
  const {clock, get, issuer, refuse} = setUp();
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  t.is(await get(contoso), 'the same');
  refuse(contoso);
  for (let second = 0; second < 60; second++) {
    t.is(await get(contoso), 'ERR_NOT_ACCEPTED', `second ${second}`);
    clock.pass(SECOND);
  }
  t.is(issuer.count, 2);
});

test('after the minute there is one new try: with a fresh token, if there is one', async (t) => {
  const {clock, get, issuer, refuse, rejections} = setUp();
  await get(contoso);
  refuse(contoso);
  await get(contoso);
  refuse(contoso);
  clock.pass(MINUTE);
  t.is(await get(contoso), 'token-3');
  t.true(rejections.isRejected(contoso, fingerprintOf('token-2')));
  refuse(contoso);
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
  t.is(issuer.count, 3);
});

test('after the minute there is one new try: with the same token, if there is no other', async (t) => {
  const {clock, get, issuer, refuse} = setUp();
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  await get(contoso);
  for (let minute = 1; minute <= 5; minute++) {
    refuse(contoso);
    t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
    clock.pass(MINUTE);
    t.is(await get(contoso), 'the same');
    t.is(await get(contoso), 'the same');
  }
  t.true(issuer.count <= 7, `${issuer.count} acquisitions`);
});

test('after the minute there is one new try: with the same token, if the issuer is down', async (t) => {
  const {clock, get, issuer, refuse} = setUp();
  await get(contoso);
  refuse(contoso);
  await get(contoso);
  refuse(contoso);
  issuer.fails();
  clock.pass(MINUTE);
  t.is(await get(contoso), 'token-2');
});

test('a new try that succeeds ends the matter', async (t) => {
  const {clock, confirm, get, issuer, refuse} = setUp();
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  await get(contoso);
  refuse(contoso);
  await get(contoso);
  clock.pass(MINUTE);
  await get(contoso);
  confirm(contoso);
  issuer.answers((_, count) => issuer.token(`token-${count}`, {life: DAY}));
  clock.pass(5 * SECOND);
  refuse(contoso);
  t.regex(await get(contoso), /^token-/);
});

test('a confirmed token forgets what was refused before it', async (t) => {
  const {confirm, get, issuer, refuse} = setUp();
  for (let round = 1; round <= 3; round++) {
    t.is(await get(contoso), `token-${round}`);
    confirm(contoso);
    refuse(contoso);
  }
  t.is(await get(contoso), 'token-4');
  t.is(issuer.count, 4);
});

test('tokens that work here and are refused there, again and again, are explained in the end', async (t) => {
  const {clock, confirm, get, issuer, refuse} = setUp();
  const rounds = async () => {
    let round = 0;
    for (; (await get(contoso)) !== 'ERR_NOT_ACCEPTED'; round++) {
      confirm(contoso);
      refuse(contoso);
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

test('a refused token is not confirmed', async (t) => {
  const {confirm, get, issuer, refuse} = setUp();
  await get(contoso);
  refuse(contoso);
  confirm(contoso);
  t.is(await get(contoso), 'token-2');
  t.is(issuer.count, 2);
});

test('two refusals that are far apart have nothing to do with each other', async (t) => {
  const {clock, get, refuse} = setUp();
  await get(contoso);
  refuse(contoso);
  await get(contoso);
  clock.pass(10 * MINUTE);
  refuse(contoso);
  t.is(await get(contoso), 'token-3');
});

test('another identity is given its token at once, and is explained by itself', async (t) => {
  const {get, issuer, refuse, rejections} = setUp();
  await get(contoso);
  refuse(contoso);
  await get(contoso);
  refuse(contoso);
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
  const other = {...contoso, identity: 'other'};
  t.is(await get(other, wantedBy('other')), 'token-3');
  rejections.reject(other, fingerprintOf('token-3'));
  t.is(await get(other, wantedBy('other')), 'token-4');
  rejections.reject(other, fingerprintOf('token-4'));
  t.is(await get(other, wantedBy('other')), 'ERR_NOT_ACCEPTED');
  t.is(issuer.count, 4);
});

test('another identity with the refused token is not given it, and is explained', async (t) => {
  const {get, issuer, refuse} = setUp();
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  await get(contoso);
  refuse(contoso);
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
  const other = {...contoso, identity: 'other'};
  t.is(await get(other, wantedBy('other')), 'ERR_NOT_ACCEPTED');
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
});

test('a personal access token that was replaced where only its source knows is given at once, the refused one a minute later', async (t) => {
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

test('what is forgotten was not refused', async (t) => {
  for (const forget of [
    (rejections: Rejections) => rejections.clear(),
    (rejections: Rejections) => rejections.forget([identityNamed('identity')]),
  ]) {
    const {get, issuer, refuse, rejections} = setUp();
    issuer.answers(() => issuer.token('the same', {life: DAY}));
    await get(contoso);
    refuse(contoso);
    t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
    rejections.forget([identityNamed('other')]);
    t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
    forget(rejections);
    t.is(await get(contoso), 'the same');
  }
});

test('a token that came after the minute and is refused is not given again, however long ago the minute was', async (t) => {
  const {clock, get, issuer, refuse} = setUp();
  await get(contoso);
  refuse(contoso);
  await get(contoso);
  refuse(contoso);
  issuer.answers(() => issuer.token('the next', {life: DAY}));
  clock.pass(HOUR);
  t.is(await get(contoso), 'the next');
  refuse(contoso);
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
});

test('one organization’s refusal is not that of the others', async (t) => {
  const {get, issuer, refuse} = setUp();
  issuer.answers(() => issuer.token('the same', {life: DAY}));
  await get(contoso);
  refuse(contoso);
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
  t.is(await get(fabrikam), 'the same');
  t.is(await get({...contoso, socket: 'other'}), 'the same');
  t.is(issuer.count, 2);
});

test('the one who was refused never gets that token, whoever brings it back', async (t) => {
  const {clock, get, issuer, refuse} = setUp();
  issuer.answers((_, count) => issuer.token(count % 2 === 1 ? 'old' : 'new', {life: HOUR}));
  t.is(await get(contoso), 'old');
  refuse(contoso);
  t.is(await get(contoso), 'new');
  clock.pass(51 * MINUTE);
  // the issuer’s cache still has the old one, and others may use it
  t.is(await get(fabrikam), 'old');
  t.is(await get(contoso), 'new');
});

test('in an outage the one who was refused is told of the outage, the others are served', async (t) => {
  const {get, issuer, refuse} = setUp();
  await get(contoso);
  refuse(contoso);
  issuer.fails();
  t.is(await get(contoso), 'ERR_UNREACHABLE');
  t.is(await get(contoso), 'ERR_UNREACHABLE');
  t.is(await get(fabrikam), 'token-1');
});

test('eight parallel gits are refused: one acquisition, and all get the new token', async (t) => {
  for (const asker of [contoso, scoped]) {
    const {get, issuer, refuse} = setUp();
    await get(asker);
    issuer.holdBack();
    const all = Array.from({length: 8}, () => {
      refuse(asker);
      return get(asker);
    });
    await settle();
    await issuer.release();
    t.deepEqual([...new Set(await Promise.all(all))], ['token-2'], asker.socket);
    t.is(issuer.count, 2);
    refuse({...asker, owner: 'nobody'});
    t.is(await get(asker), 'token-2');
  }
});

test('a scoped socket forces one acquisition a minute, whatever its organizations and identities', async (t) => {
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

test('a scoped socket that has had its share is told why, and gets its token a minute later', async (t) => {
  const {clock, get, issuer, refuse} = setUp();
  await get(scoped);
  refuse(scoped);
  t.is(await get(scoped), 'token-2');
  const other = {...scoped, owner: 'fabrikam'};
  refuse(other);
  t.is(await get(other), 'ERR_NOT_ACCEPTED');
  t.is(issuer.count, 2);
  // nobody else is held back
  refuse(fabrikam);
  t.is(await get(fabrikam), 'token-3');
  t.is(await get(other), 'token-3');
  refuse(other);
  t.is(await get(other), 'ERR_NOT_ACCEPTED');
  clock.pass(MINUTE);
  t.is(await get(other), 'token-4');
});

test('those who want the same token away share an acquisition of a scoped socket, others do not', (t) => {
  const {rejections} = setUp();
  t.true(rejections.startForcing(scoped, 'a'));
  t.true(rejections.startForcing(scoped, 'a'));
  t.false(rejections.startForcing(scoped, 'b'));
  rejections.endForcing(scoped, 'b');
  t.true(rejections.startForcing(scoped, 'a'), 'only its own end ends it');
  rejections.endForcing(scoped, 'a');
  t.false(rejections.startForcing(scoped, 'a'));
});

test('the share of one scoped socket is not that of another', async (t) => {
  const {get, refuse} = setUp();
  const sockets = ['team-a', 'team-b', 'team-c'].map((socket) => ({...scoped, socket}));
  for (const [index, asker] of sockets.entries()) {
    await get(asker);
    refuse(asker);
    t.is(await get(asker), `token-${index + 2}`);
  }
});

test('a forced acquisition that is over does not let the next one pass', async (t) => {
  const {get, issuer, refuse} = setUp();
  await get(scoped);
  refuse(scoped);
  issuer.fails();
  t.is(await get(scoped), 'ERR_UNREACHABLE');
  t.is(await get(scoped), 'ERR_NOT_ACCEPTED');
  t.is(issuer.count, 2);
});

test('made-up refusals are no more than a few in memory, and prolong no explanation', (t) => {
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

test('refusals that are far apart are no more than a few in memory', (t) => {
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

test('so many organizations are remembered, and the newest of them', (t) => {
  const rejections = new Rejections(new FakeClock());
  for (let number = 0; number < 10_001; number++) rejections.reject({...contoso, owner: `o${number}`}, 'f');
  t.false(rejections.isRejected({...contoso, owner: 'o0'}, 'f'));
  t.true(rejections.isRejected({...contoso, owner: 'o1'}, 'f'));
  t.true(rejections.isRejected({...contoso, owner: 'o10000'}, 'f'));
});

test('nobody is forgiven before the minute is over, or without a refusal', (t) => {
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

test('an organization is settled until it refuses, and again ten minutes after, once a token works', (t) => {
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

test('a new try that is refused is explained, and nobody is forgiven meanwhile', (t) => {
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

test('a clock that is set changes nothing of it', async (t) => {
  const {clock, get, refuse} = setUp();
  await get(contoso);
  refuse(contoso);
  await get(contoso);
  refuse(contoso);
  clock.set(-HOUR);
  t.is(await get(contoso), 'ERR_NOT_ACCEPTED');
  clock.pass(MINUTE);
  t.is(await get(contoso), 'token-3');
});
