import {once} from 'node:events';
import {connect, type Socket} from 'node:net';
import {createServer as createTlsServer, getCACertificates, setDefaultCACertificates} from 'node:tls';
import test, {type ExecutionContext} from 'ava';
import {askServer} from '../../src/diagnostics/ask-server.ts';
import {describeNetworkError, sendRequest} from '../../src/network/send-request.ts';
import {createCertificateAuthority} from '../cloud/certificates.ts';
import {listenOnLoopback} from '../helpers/listen-on-loopback.ts';

const HOST = 'contoso.example';
const authority = createCertificateAuthority('test');
setDefaultCACertificates([...getCACertificates(), authority.certificate]);

/** A CONNECT proxy that leads every name to one TLS server. Returns its port and what both were sent. */
async function world(t: ExecutionContext, answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok') {
  const received = {connects: [] as string[], requests: [] as string[]};
  const {certificate, privateKey} = authority.issue([HOST]);
  const server = createTlsServer({cert: certificate, key: privateKey}, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => {
      received.requests.push(bytes.toString());
      socket.write(answer);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const target = typeof address === 'object' && address !== null ? address.port : 0;
  const port = await listenOnLoopback(t, (socket: Socket) => {
    socket.once('data', (bytes) => {
      received.connects.push(bytes.toString());
      const behind = connect(target, '127.0.0.1');
      behind.on('error', () => socket.destroy());
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(behind).pipe(socket);
    });
  });
  return {port, received};
}

const wayOut = (https_proxy: string) => ({
  variables: {https_proxy},
  signal: AbortSignal.timeout(20_000),
  limit: 100,
});

function lineOf(text: string | undefined, name: string): string | undefined {
  return text?.split('\r\n').find((line) => line.toLowerCase().startsWith(`${name}:`));
}

for (const [url, host] of [
  [`https://${HOST}/x`, `Host: ${HOST}`],
  [`https://${HOST}:8443/x`, `Host: ${HOST}:8443`],
] as const) {
  test(`through a proxy, the Host header for ${url} is the server's name`, async (t) => {
    const {port, received} = await world(t);
    await sendRequest({method: 'GET', url, headers: {}}, wayOut(`http://127.0.0.1:${port}`));
    t.is(lineOf(received.requests[0], 'host'), host);
  });

  test(`through a proxy, the Host header of doctor for ${url} is the server's name`, async (t) => {
    const {port, received} = await world(t);
    const environment = {HTTPS_PROXY: `http://127.0.0.1:${port}`};
    t.is((await askServer({url, headers: {}, environment})).kind, 'answered');
    t.is(lineOf(received.requests[0], 'host'), host);
  });
}

for (const [login, sent] of [
  ['ada:sesame', 'ada:sesame'],
  ['ada', 'ada:'],
  ['ada%40corp:p%3Aq', 'ada@corp:p:q'],
  ['ada:p%ss', 'ada:p%ss'],
  ['ada:p@ss', 'ada:p@ss'],
  ['corp%5Cada:two words', String.raw`corp\ada:two words`],
  ['%C3%A9:é', 'é:é'],
] as const) {
  test(`a proxy gets the login ${login}`, async (t) => {
    const {port, received} = await world(t);
    const question = {method: 'GET', url: `https://${HOST}/`, headers: {}} as const;
    await sendRequest(question, wayOut(`http://${login}@127.0.0.1:${port}`));
    const header = lineOf(received.connects[0], 'proxy-authorization') ?? '';
    t.is(Buffer.from(header.split(' ')[2] ?? '', 'base64').toString(), sent);
  });
}

test('an answer over the limit is cut', async (t) => {
  const {port} = await world(t, `HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n${'x'.repeat(900)}`);
  const question = {method: 'GET', url: `https://${HOST}/`, headers: {}} as const;
  t.like(await sendRequest(question, wayOut(`http://127.0.0.1:${port}`)), {status: 200, isCut: true});
});

test('a proxy that does not answer ends with the signal', async (t) => {
  const port = await listenOnLoopback(t, () => undefined);
  const abort = new AbortController();
  const question = {method: 'GET', url: `https://${HOST}/`, headers: {}} as const;
  const asked = sendRequest(question, {...wayOut(`http://127.0.0.1:${port}`), signal: abort.signal});
  abort.abort();
  t.is(describeNetworkError(await t.throwsAsync(asked)).code, 'TIMEOUT');
});
