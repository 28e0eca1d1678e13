import test from 'ava';
import type {Identity} from '../../src/identity/identity.ts';
import {carries, credentialFor, rejectedBefore} from '../../src/answer/credential.ts';
import {parseRequest, type GetRequest, type Login} from '../../src/protocol/request.ts';
import {FakeClock} from '../helpers/fake-clock.ts';
import {identityNamed, makeToken, patNamed} from '../helpers/fake-issuer.ts';
import {getFor} from '../helpers/fake-respond.ts';
import {withSpiedBuffers} from '../helpers/spied-buffers.ts';

const token = makeToken('TOKEN', new FakeClock());
const state = `orgkey.1.${token.fingerprint}`;
const clientId = '9f000000-0000-0000-0000-000000000000';
const both = ['capability[]=authtype', 'capability[]=state'];

function get(...lines: readonly string[]): GetRequest {
  const request = parseRequest(Buffer.from(getFor('contoso', ...lines)));
  if (request.operation !== 'get') throw new Error('no get');
  return request;
}

const isCalled = test.macro({
  exec: (t, username: string | undefined, identity: Identity, expected: string) => {
    const request = get(...(username === undefined ? [] : [`username=${username}`]));
    const answer = credentialFor(request, {token, source: 'cache', isSettled: true}, identity);
    t.is(answer.kind === 'credential' ? answer.username : undefined, expected);
  },
  title: (_, username: string | undefined, {kind, key}: Identity, expected: string) =>
    `git says ${username ?? 'no user name'}, the identity is a ${kind} (${key}): ${expected}`,
});

test(isCalled, 'me', identityNamed('x'), 'me');
test(isCalled, 'me@example.org', patNamed('x'), 'me@example.org');
test(isCalled, undefined, identityNamed('x'), clientId);
test(isCalled, '', identityNamed('x'), clientId);
test(isCalled, 'me:x', identityNamed('x'), clientId);
test(isCalled, ':', identityNamed('x'), clientId);
test(isCalled, undefined, identityNamed('x', 'system-assigned'), 'orgkey');
test(isCalled, undefined, patNamed('x'), 'orgkey');
test(isCalled, 'me:x', patNamed('x'), 'orgkey');

const isAskedAgain = test.macro({
  exec: (t, source: 'cache' | 'issuer', lines: readonly string[], expected: boolean) => {
    const answer = credentialFor(get(...lines), {token, source, isSettled: true}, identityNamed('x'));
    if (answer.kind !== 'credential') return t.fail(answer.kind);
    t.is(answer.state, expected ? state : undefined);
    t.is(answer.isSettled, expected, 'without a state git gives nothing back');
  },
  title: (_, source: string, lines: readonly string[], expected: boolean) =>
    `a token from the ${source}, git says ${lines.join(' ') || 'nothing'}: git ${expected ? 'may' : 'must not'} ask again`,
});

test(isAskedAgain, 'cache', both, true);
test(isAskedAgain, 'issuer', both, false);
test(isAskedAgain, 'cache', [], false);
test(isAskedAgain, 'cache', ['capability[]=authtype'], false);
test(isAskedAgain, 'cache', ['capability[]=state'], false);
test(isAskedAgain, 'cache', [...both, 'authtype='], false);
test(isAskedAgain, 'cache', [...both, 'authtype=Bearer'], false);
test(isAskedAgain, 'cache', [...both, `state[]=${state}`], false);
test(isAskedAgain, 'cache', [...both, 'state[]=of another helper'], false);
test(isAskedAgain, 'cache', [...both, 'state[]='], false);
test(isAskedAgain, 'issuer', [...both, 'authtype=', `state[]=${state}`], false);

const takesHeader = test.macro({
  exec: (t, lines: readonly string[], expected: boolean) => {
    const answer = credentialFor(
      get(...lines),
      {token, source: 'cache', isSettled: true},
      identityNamed('x'),
    );
    t.is(answer.kind === 'credential' ? answer.authtype : undefined, expected);
  },
  title: (_, lines: readonly string[], expected: boolean) =>
    `git says ${lines.join(' ') || 'nothing'}: ${expected ? 'a header' : 'user name and password'}`,
});

test(takesHeader, ['capability[]=authtype'], true);
test(takesHeader, [], false);
test(takesHeader, ['capability[]=state'], false);
test(takesHeader, ['capability[]=Authtype'], false);
test(takesHeader, ['capability[]=authtype2'], false);
test(takesHeader, ['authtype=Bearer'], false);
test(takesHeader, ['wwwauth[]=Bearer'], false);

const tells = test.macro({
  exec: (t, lines: readonly string[], expected: string | undefined) => {
    t.is(rejectedBefore(get(...lines)), expected);
  },
  title: (_, lines: readonly string[], expected: string | undefined) =>
    `git says ${lines.join(' ')}: ${expected === undefined ? 'nothing was refused' : 'that token was refused'}`,
});

test(tells, ['authtype=', `state[]=${state}`], token.fingerprint);
test(tells, ['authtype=', 'state[]=other', `state[]=${state}`], token.fingerprint);
test(tells, [`state[]=${state}`], undefined);
test(tells, ['authtype='], undefined);
test(tells, ['authtype=', `state[]=orgkey.2.${token.fingerprint}`], undefined);
test(tells, ['authtype=', `state[]=x${state}`], undefined);
test(tells, ['authtype=', `state[]=${state}0`], undefined);
test(tells, ['authtype=', `state[]=${state.slice(0, -1)}`], undefined);
test(tells, ['authtype=', `state[]=${state.toUpperCase()}`], undefined);
test(tells, ['authtype=', 'state[]=orgkey.1.'], undefined);
test(tells, ['authtype=', 'state[]=orgkey.1.0123456789abcdeg'], undefined);

const isTheToken = test.macro({
  exec: (
    t,
    _: string,
    login: Partial<Record<'password' | 'credential' | 'authtype', string>>,
    expected: boolean,
  ) => {
    t.is(carries(loginOf(login), token), expected);
  },
  title: (_, title: string, __, expected: boolean) => `${title}: ${expected ? 'the token' : 'not the token'}`,
});

test(isTheToken, 'the password', {password: 'TOKEN'}, true);
test(isTheToken, 'another password', {password: 'TOKEm'}, false);
test(isTheToken, 'a password that goes on', {password: 'TOKEN2'}, false);
test(isTheToken, 'a password that ends early', {password: 'TOKE'}, false);
test(isTheToken, 'an empty password', {password: ''}, false);
test(isTheToken, 'nothing', {}, false);
test(isTheToken, 'a Bearer header', {authtype: 'Bearer', credential: 'TOKEN'}, true);
test(isTheToken, 'a header without a type', {credential: 'TOKEN'}, true);
test(isTheToken, 'a Bearer header of another', {authtype: 'Bearer', credential: 'OTHER'}, false);
test(isTheToken, 'a Basic header', {authtype: 'Basic', credential: btoa('me:TOKEN')}, true);
test(isTheToken, 'a Basic header in lower case', {authtype: 'basic', credential: btoa('me:TOKEN')}, true);
test(isTheToken, 'a Basic header without a user name', {authtype: 'Basic', credential: btoa(':TOKEN')}, true);
test(
  isTheToken,
  'a Basic header with another password',
  {authtype: 'Basic', credential: btoa('me:OTHER')},
  false,
);
test(
  isTheToken,
  'a Basic header with a password that goes on',
  {authtype: 'Basic', credential: btoa('me:TOKEN:')},
  false,
);
test(isTheToken, 'a Basic header without a colon', {authtype: 'Basic', credential: btoa('TOKEN')}, false);
test(isTheToken, 'a Basic header that is not encoded', {authtype: 'Basic', credential: 'me:TOKEN'}, false);
test(
  isTheToken,
  'a Basic header with a blank',
  {authtype: 'Basic', credential: `${btoa('me:TOKEN')} `},
  false,
);
test(isTheToken, 'an empty Basic header', {authtype: 'Basic', credential: ''}, false);
test(
  isTheToken,
  'another password beside the header',
  {password: 'x', authtype: 'Bearer', credential: 'TOKEN'},
  false,
);

test('a decoded login is overwritten after the comparison', (t) => {
  const buffers: Uint8Array[] = [];
  const login = loginOf({authtype: 'Basic', credential: btoa('me:TOKEN')});
  t.true(withSpiedBuffers(buffers, () => carries(login, token)));
  t.true(buffers.length > 0);
  t.false(buffers.some((buffer) => Buffer.from(buffer).includes('TOKEN')));
});

test('an erased token matches no login', (t) => {
  const erased = makeToken('TOKEN', new FakeClock());
  erased.secret.erase();
  t.false(carries(loginOf({password: 'TOKEN'}), erased));
  t.false(carries(loginOf({password: '\0\0\0\0\0'}), erased));
});

function loginOf(login: Partial<Record<'password' | 'credential' | 'authtype', string>>): Login {
  return {
    username: undefined,
    password: login.password === undefined ? undefined : Buffer.from(login.password),
    authtype: login.authtype,
    credential: login.credential === undefined ? undefined : Buffer.from(login.credential),
    expiresAt: undefined,
    refreshToken: undefined,
    ephemeral: false,
    timeout: 900_000,
  };
}
