import test from 'ava';
import type {Asker} from '../../src/token/asker.ts';
import {Rejections} from '../../src/token/rejections.ts';
import {FakeClock, MINUTE, SECOND} from '../helpers/fake-clock.ts';
import {identityNamed} from '../helpers/fake-issuer.ts';

const asker: Asker = {socket: 'git.sock', scoped: false, owner: 'contoso', path: 'web', identity: 'build'};
const scoped: Asker = {...asker, socket: 'scoped.sock', scoped: true};

function setUp() {
  const clock = new FakeClock();
  return {clock, rejections: new Rejections(clock)};
}

test('a second rejected token is explained for a minute, with the end shown', (t) => {
  const {clock, rejections} = setUp();
  rejections.reject(asker, 'a');
  t.deepEqual(rejections.locks, []);
  t.false(rejections.isExplained(asker));
  rejections.reject(asker, 'b');
  const lockedUntil = clock.wall() + MINUTE;
  clock.pass(MINUTE - SECOND);
  t.deepEqual(rejections.locks, [{...asker, lockedUntil}]);
  t.true(rejections.isExplained(asker));
  clock.pass(SECOND);
  t.deepEqual(rejections.locks, []);
  t.false(rejections.isExplained(asker));
});

test('the same token rejected twice is not explained', (t) => {
  const {rejections} = setUp();
  rejections.reject(asker, 'a');
  rejections.reject(asker, 'a');
  t.false(rejections.isExplained(asker));
});

test('a token rejected during an explanation changes nothing', (t) => {
  const {rejections} = setUp();
  rejections.reject(asker, 'a');
  rejections.reject(asker, 'b');
  rejections.reject(asker, 'c');
  t.false(rejections.isRejected(asker, 'c'));
  t.true(rejections.isRejected(asker, 'b'));
});

test('rejections ten minutes apart are unrelated', (t) => {
  const {clock, rejections} = setUp();
  rejections.reject(asker, 'a');
  clock.pass(10 * MINUTE);
  rejections.reject(asker, 'b');
  t.false(rejections.isExplained(asker));
  clock.pass(10 * MINUTE - SECOND);
  rejections.reject(asker, 'c');
  t.true(rejections.isExplained(asker));
});

test('eight rejected tokens of a repository are remembered, the oldest is not', (t) => {
  const {clock, rejections} = setUp();
  const tokens = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  for (const token of tokens) {
    rejections.reject(asker, token);
    clock.pass(10 * MINUTE);
  }
  t.deepEqual(
    tokens.filter((token) => !rejections.isRejected(asker, token)),
    ['a'],
  );
});

test('four rejections in a row are explained although tokens worked in between', (t) => {
  const {rejections} = setUp();
  for (const token of ['a', 'b', 'c']) {
    rejections.reject(asker, token);
    rejections.confirm(asker, `${token} replaced`);
    t.false(rejections.isExplained(asker));
  }
  rejections.reject(asker, 'd');
  t.true(rejections.isExplained(asker));
});

test('only a token that was not rejected ends the explanation by working', (t) => {
  const {rejections} = setUp();
  rejections.reject(asker, 'a');
  rejections.reject(asker, 'b');
  rejections.confirm(asker, 'b');
  t.true(rejections.isExplained(asker));
  rejections.confirm(asker, 'c');
  t.false(rejections.isExplained(asker));
  t.false(rejections.isRejected(asker, 'b'));
});

test('a rejection long after a token worked is not explained', (t) => {
  const {clock, rejections} = setUp();
  rejections.reject(asker, 'a');
  rejections.confirm(asker, 'b');
  clock.pass(10 * MINUTE - SECOND);
  t.false(rejections.isSettled(asker));
  clock.pass(SECOND);
  rejections.reject(asker, 'c');
  t.false(rejections.isExplained(asker));
});

test('giving up explains once, and not without a rejection', (t) => {
  const {clock, rejections} = setUp();
  rejections.giveUp(asker);
  t.false(rejections.isExplained(asker));
  rejections.reject(asker, 'a');
  rejections.giveUp(asker);
  const lockedUntil = clock.wall() + MINUTE;
  clock.pass(SECOND);
  rejections.giveUp(asker);
  t.deepEqual(rejections.locks, [{...asker, lockedUntil}]);
});

test('a rejected token is allowed once after its explanation, and not before', (t) => {
  const {clock, rejections} = setUp();
  t.false(rejections.forgive(asker));
  rejections.reject(asker, 'a');
  t.false(rejections.forgive(asker));
  rejections.giveUp(asker);
  t.false(rejections.forgive(asker));
  clock.pass(MINUTE);
  t.true(rejections.forgive(asker));
  t.false(rejections.isRejected(asker, 'a'));
  t.false(rejections.forgive(asker));
});

test('a new rejection or explanation takes the second chance away', (t) => {
  for (const again of ['reject', 'giveUp', 'confirm'] as const) {
    const {clock, rejections} = setUp();
    rejections.reject(asker, 'a');
    rejections.giveUp(asker);
    clock.pass(MINUTE);
    t.false(rejections.isExplained(asker));
    rejections[again](asker, 'b');
    t.false(rejections.forgive(asker), again);
  }
});

test('a replaced credential gets its chance, and rejected tokens stay rejected', (t) => {
  const {rejections} = setUp();
  rejections.startAfresh(asker);
  rejections.reject(asker, 'a');
  rejections.giveUp(asker);
  rejections.startAfresh(asker);
  t.false(rejections.isExplained(asker));
  t.true(rejections.isRejected(asker, 'a'));
  rejections.reject(asker, 'b');
  t.false(rejections.isExplained(asker));
});

test('another identity starts afresh, and does not get the rejected token', (t) => {
  const {rejections} = setUp();
  rejections.reject(asker, 'a');
  rejections.giveUp(asker);
  const release = {...asker, identity: 'release'};
  t.false(rejections.isExplained(release));
  t.true(rejections.isRejected(release, 'a'));
});

test('a forgotten identity has no rejections, and others keep theirs', (t) => {
  const {rejections} = setUp();
  const build = identityNamed('build');
  const known = {...asker, identity: build.key};
  const release = {...asker, path: 'app', identity: 'release'};
  rejections.reject(known, 'a');
  rejections.reject(release, 'b');
  rejections.forget([build]);
  t.false(rejections.isRejected(known, 'a'));
  t.true(rejections.isRejected(release, 'b'));
  rejections.clear();
  t.false(rejections.isRejected(release, 'b'));
  t.true(rejections.isSettled(release));
});

test('rejections of a repository, an organization and a socket are apart', (t) => {
  const {rejections} = setUp();
  rejections.reject(asker, 'a');
  for (const other of [{path: 'app'}, {owner: 'fabrikam'}, {socket: 'other.sock'}])
    t.false(rejections.isRejected({...asker, ...other}, 'a'));
});

test('a report that Azure DevOps contradicts is dropped, for a minute', (t) => {
  const {clock, rejections} = setUp();
  t.false(rejections.isContradicted(asker));
  rejections.reject(asker, 'a');
  rejections.judge(asker, 'accepted', 'a');
  t.false(rejections.isContradicted(asker));
  t.true(rejections.isRejected(asker, 'a'));
  rejections.judge(asker, 'works', 'a');
  t.false(rejections.isRejected(asker, 'a'));
  t.false(rejections.isContradicted({...asker, path: 'app'}));
  clock.pass(MINUTE - SECOND);
  t.true(rejections.isContradicted(asker));
  clock.pass(SECOND);
  t.false(rejections.isContradicted(asker));
});

test('a scoped socket forces one acquisition a minute, whatever the identity', (t) => {
  const {clock, rejections} = setUp();
  t.true(rejections.startForcing(scoped, 'a'));
  t.true(rejections.startForcing(scoped, 'a'));
  t.false(rejections.startForcing(scoped, 'b'));
  rejections.endForcing(scoped, 'b');
  t.true(rejections.startForcing(scoped, 'a'));
  rejections.endForcing(scoped, 'a');
  t.false(rejections.startForcing(scoped, 'a'));
  t.false(rejections.startForcing({...scoped, identity: 'release'}, 'a'));
  rejections.clear();
  clock.pass(MINUTE - SECOND);
  t.false(rejections.startForcing(scoped, 'b'));
  clock.pass(SECOND);
  t.true(rejections.startForcing(scoped, 'b'));
});

test('an identity on the main socket forces eight acquisitions a minute', (t) => {
  const {clock, rejections} = setUp();
  for (let n = 0; n < 8; n++) t.true(rejections.startForcing(asker, `token ${n}`));
  t.true(rejections.startForcing(asker, 'token 7'));
  t.false(rejections.startForcing(asker, 'token 8'));
  t.true(rejections.startForcing({...asker, identity: 'release'}, 'token 8'));
  clock.pass(MINUTE);
  t.true(rejections.startForcing(asker, 'token 8'));
});

test('a token that the organization rejects counts as rejected for a repository', (t) => {
  const {rejections} = setUp();
  rejections.judge(asker, 'rejected', 'a');
  t.true(rejections.isRejected(asker, 'a'));
  t.false(rejections.isRejected(asker, 'b'));
});

test('a contradiction for one repository says nothing of another', (t) => {
  const {rejections} = setUp();
  rejections.judge({...asker, path: 'app'}, 'works', 'a');
  rejections.reject(asker, 'a');
  t.false(rejections.isContradicted(asker));
});
