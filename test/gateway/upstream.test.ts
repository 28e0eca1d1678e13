import test, {type ExecutionContext} from 'ava';
import {Upstream} from '../../src/gateway/upstream.ts';
import {describeNetworkError} from '../../src/network/send-request.ts';
import {listenOnLoopback} from '../helpers/listen-on-loopback.ts';
import {HOST, tlsBehindProxy} from '../helpers/tls-behind-proxy.ts';

/** Returns what asks a server through the proxy at this port; connections must be made within `limit`. */
function upstreamOf(t: ExecutionContext, port: number, limit?: number) {
  const upstream = new Upstream({HTTPS_PROXY: `http://127.0.0.1:${port}`}, limit);
  t.teardown(() => upstream.close());
  return async (host = HOST, signal = new AbortController().signal): Promise<string> => {
    const answer = await upstream.send({
      host,
      path: '/x',
      method: 'GET',
      headers: {},
      authorization: undefined,
      body: undefined,
      signal,
    });
    return Buffer.concat(await answer.toArray()).toString();
  };
}

test('requests share one connection through a proxy, with the bare host', async (t) => {
  const {port, received} = await tlsBehindProxy(t);
  const ask = upstreamOf(t, port);
  t.is(await ask(), 'ok');
  t.is(await ask(), 'ok');
  t.is(received.connects.length, 1);
  t.regex(received.connects[0] ?? '', new RegExp(`^CONNECT ${HOST}:443 HTTP`));
  t.is(received.requests.length, 2);
  for (const request of received.requests) t.regex(request, new RegExp(`^host: ${HOST}\r$`, 'im'));
});

test('a port that is not 443 is kept', async (t) => {
  const {port, received} = await tlsBehindProxy(t);
  t.is(await upstreamOf(t, port)(`${HOST}:8443`), 'ok');
  t.regex(received.connects[0] ?? '', new RegExp(`^CONNECT ${HOST}:8443 HTTP`));
  t.regex(received.requests[0] ?? '', new RegExp(`^host: ${HOST}:8443\r$`, 'im'));
});

test('a proxy that does not answer is named in time', async (t) => {
  const port = await listenOnLoopback(t, () => undefined);
  const error = await t.throwsAsync(upstreamOf(t, port, 50)());
  const {code, detail} = describeNetworkError(error);
  t.is(code, 'ERR_PROXY_SILENT');
  t.is(detail, `the proxy 127.0.0.1:${port} did not answer in time`);
});

test('a client that goes while a proxy is silent waits for nothing', async (t) => {
  const asked = Promise.withResolvers<void>();
  const port = await listenOnLoopback(t, () => asked.resolve());
  const client = new AbortController();
  const answer = upstreamOf(t, port, 60_000)(HOST, client.signal);
  await asked.promise;
  client.abort();
  await t.throwsAsync(answer, {message: 'the client has gone'});
});

test('a server that says nothing is given up in time', async (t) => {
  const port = await listenOnLoopback(t, (socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
  });
  const error = await t.throwsAsync(upstreamOf(t, port, 2000)());
  t.is(describeNetworkError(error).code, 'TIMEOUT');
});

test('a proxy whose login must be escaped is not asked', async (t) => {
  const upstream = new Upstream({HTTPS_PROXY: 'http://ann:ses#ame@127.0.0.1:9'});
  t.teardown(() => upstream.close());
  const {signal} = new AbortController();
  const request = {host: HOST, path: '/', method: 'GET', headers: {}, signal};
  await t.throwsAsync(upstream.send({...request, authorization: undefined, body: undefined}), {
    code: 'ERR_PROXY_ADDRESS',
  });
});

test('bytes beyond the length that a server named answer no other request', async (t) => {
  const second = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil';
  for (const answer of [
    `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok${second}`,
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${second}`,
  ]) {
    const {port, received} = await tlsBehindProxy(t, {answer});
    const ask = upstreamOf(t, port);
    const texts = [];
    for (let times = 0; times < 3; times++) texts.push(await ask().catch(() => 'cut'));
    t.false(texts.includes('evil'), answer);
    t.is(received.connects.length, 3, 'none of these connections is used again');
  }
});

for (const [title, head] of [
  ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nokk'],
  [
    'a length and chunks',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  ],
  ['a negative length', 'HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok'],
  ['a header of 100 kB', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}\r\n\r\nok`],
  ['another protocol', 'HTTP/9.9 banana\r\n\r\nok'],
] as const)
  test(`an answer with ${title} is refused`, async (t) => {
    const {port} = await tlsBehindProxy(t, {answer: head});
    await t.throwsAsync(upstreamOf(t, port)());
  });
