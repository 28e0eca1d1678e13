import {createServer} from 'node:net';
import {once} from 'node:events';
import {request} from 'node:http';
import test, {type ExecutionContext} from 'ava';
import {ReturnListener} from '../../../src/entra/sign-in/return-listener.ts';
import type {LoopbackClient} from '../../../src/network/loopback-client.ts';

const ISSUER = 'https://issuer.example/authorize?state=s';

async function listening(t: ExecutionContext, owner: LoopbackClient): Promise<ReturnListener> {
  const listener = await ReturnListener.open({state: 's', ownerOf: () => owner});
  t.teardown(() => listener.close());
  return listener;
}

/** Returns status and location of an answer. */
function visit(url: string, method = 'GET'): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, {method, agent: false}, (response) => {
      response.resume();
      resolve([response.statusCode, response.headers.location].filter(Boolean).join(' '));
    })
      .on('error', reject)
      .end();
  });
}

test('the address for the browser has no state and leads to the issuer', async (t) => {
  const listener = await listening(t, 'ours');
  const address = listener.leadTo(ISSUER);
  t.regex(address, /^http:\/\/localhost:\d+\/[\w-]{43}$/);
  t.is(await visit(address), `302 ${ISSUER}`);
  t.is(await visit(address), `302 ${ISSUER}`, 'our user may open it again');
});

test('a client of another user gets neither the issuer nor the end of the sign-in', async (t) => {
  const listener = await listening(t, 'another-user');
  t.is(await visit(listener.leadTo(ISSUER)), '403');
  t.is(await visit(`${listener.redirectUri}/?state=s&code=stolen`), '403');
  t.is(await visit(`${listener.redirectUri}/?state=s&error=access_denied`), '403');
  const pending = Symbol('pending');
  t.is(await Promise.race([listener.callback, Promise.resolve(pending)]), pending);
});

test('a second opening ends the sign-in if the system does not name the client', async (t) => {
  const listener = await listening(t, 'unknown');
  const address = listener.leadTo(ISSUER);
  t.is(await visit(address), `302 ${ISSUER}`);
  t.is(await visit(address), '410');
  const error = await t.throwsAsync(listener.callback);
  t.like(error, {failure: {code: 'ERR_OPENED_TWICE'}});
});

test('another method at the address leads nowhere', async (t) => {
  const listener = await listening(t, 'ours');
  t.is(await visit(listener.leadTo(ISSUER), 'POST'), '404');
});

test('a port that another process has on [::1] is not used', async (t) => {
  const other = createServer().listen(0, '::1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const address = other.address();
  const taken = typeof address === 'object' && address !== null ? address.port : 0;
  const ports = [taken, 0];
  const listener = await ReturnListener.open({state: 's', nextPort: () => ports.shift() ?? 0});
  t.teardown(() => listener.close());
  t.not(Number(new URL(listener.redirectUri).port), taken);
  const error = await t.throwsAsync(ReturnListener.open({state: 's', nextPort: () => taken}));
  t.like(error, {failure: {code: 'ERR_NO_PORT'}});
});
