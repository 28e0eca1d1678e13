import dns from 'node:dns';
import {once} from 'node:events';
import {writeFileSync} from 'node:fs';
import {
  connect,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout,
} from 'node:net';
import {join} from 'node:path';
import {Worker} from 'node:worker_threads';
import test, {type ExecutionContext} from 'ava';
import {askServer} from '../../src/diagnostics/ask-server.ts';
import {describeNetworkError, sendRequest} from '../../src/network/send-request.ts';
import {createCertificateAuthority} from '../cloud/certificates.ts';
import {listenOnLoopback} from '../helpers/listen-on-loopback.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {HOST, tlsBehindProxy} from '../helpers/tls-behind-proxy.ts';

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
    const {port, received} = await tlsBehindProxy(t);
    await sendRequest({method: 'GET', url, headers: {}}, wayOut(`http://127.0.0.1:${port}`));
    t.is(lineOf(received.requests[0], 'host'), host);
  });

  test(`through a proxy, the Host header of doctor for ${url} is the server's name`, async (t) => {
    const {port, received} = await tlsBehindProxy(t);
    const environment = {HTTPS_PROXY: `http://127.0.0.1:${port}`};
    t.is((await askServer({url, headers: {}, environment})).kind, 'answered');
    t.is(lineOf(received.requests[0], 'host'), host);
  });
}

for (const [login, sent] of [
  ['ada:sesame', 'ada:sesame'],
  ['ada', 'ada:'],
  ['ada%40corp:p%3Aq', 'ada@corp:p:q'],
  ['ada:p@ss', 'ada:p@ss'],
  ['corp%5Cada:two words', String.raw`corp\ada:two words`],
  ['%C3%A9:é', 'é:é'],
] as const) {
  test(`a proxy gets the login ${login}`, async (t) => {
    const {port, received} = await tlsBehindProxy(t);
    const question = {method: 'GET', url: `https://${HOST}/`, headers: {}} as const;
    await sendRequest(question, wayOut(`http://${login}@127.0.0.1:${port}`));
    const header = lineOf(received.connects[0], 'proxy-authorization') ?? '';
    t.is(Buffer.from(header.split(' ')[2] ?? '', 'base64').toString(), sent);
  });
}

test('an answer over the limit is cut', async (t) => {
  const {port} = await tlsBehindProxy(t, {
    answer: `HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n${'x'.repeat(900)}`,
  });
  const question = {method: 'GET', url: `https://${HOST}/`, headers: {}} as const;
  t.like(await sendRequest(question, wayOut(`http://127.0.0.1:${port}`)), {status: 200, isCut: true});
});

test('a proxy that does not answer ends with the signal', async (t) => {
  const port = await listenOnLoopback(t, () => undefined);
  const abort = new AbortController();
  const question = {method: 'GET', url: `https://${HOST}/`, headers: {}} as const;
  const asked = sendRequest(question, {...wayOut(`http://127.0.0.1:${port}`), signal: abort.signal});
  abort.abort();
  const {code, detail, hint} = describeNetworkError(await t.throwsAsync(asked));
  t.is(code, 'ERR_PROXY_SILENT');
  t.is(detail, `the proxy 127.0.0.1:${port} did not answer in time`);
  t.is(hint, `Check HTTPS_PROXY in the environment of the service, or name ${HOST} in NO_PROXY.`);
});

test('a server that takes the connection and says nothing ends with the signal', async (t) => {
  const silent = await listenOnLoopback(t, () => undefined);
  const signal = AbortSignal.timeout(50);
  const question = {method: 'GET', url: `https://127.0.0.1:${silent}/`, headers: {}} as const;
  const error = await t.throwsAsync(sendRequest(question, {variables: {}, signal, limit: 100}));
  t.is(describeNetworkError(error).code, 'TIMEOUT');
});

test('a server that says nothing behind a proxy that does ends with the signal', async (t) => {
  const abort = new AbortController();
  const port = await listenOnLoopback(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.once('data', () => abort.abort());
    });
  });
  const question = {method: 'GET', url: `https://${HOST}/`, headers: {}} as const;
  const way = {...wayOut(`http://127.0.0.1:${port}`), signal: abort.signal};
  t.is(describeNetworkError(await t.throwsAsync(sendRequest(question, way))).code, 'TIMEOUT');
});

for (const [status, words] of [
  [407, `makes no connection to ${HOST}, it wants a login`],
  [403, `makes no connection to ${HOST}`],
] as const)
  test(`a proxy that answers ${status} is named, and its login is not`, async (t) => {
    const port = await listenOnLoopback(t, (socket) => {
      socket.once('data', () => socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`));
    });
    const question = {method: 'GET', url: `https://${HOST}/`, headers: {}} as const;
    const error = await t.throwsAsync(sendRequest(question, wayOut(`http://ada:sesame@127.0.0.1:${port}`)));
    const {code, detail, hint} = describeNetworkError(error);
    t.is(code, 'ERR_PROXY_REFUSED');
    t.is(detail, `the proxy 127.0.0.1:${port} ${words}`);
    t.notRegex(`${detail}${hint ?? ''}`, /sesame/);
  });

test('a name with an IPv6 address where no server listens is reached over IPv4', async (t) => {
  const {target, received} = await tlsBehindProxy(t);
  const question = {method: 'GET', url: `https://localhost:${target}/`, headers: {}} as const;
  const reply = await sendRequest(question, {...wayOut(''), variables: {}});
  t.is(reply.status, 200);
  t.is(lineOf(received.requests[0], 'host'), `Host: localhost:${target}`);
});

// serial: names are looked up otherwise meanwhile
test.serial('an address that does not answer is left for the next after our time, not Node’s', async (t) => {
  const {target, received} = await tlsBehindProxy(t);
  await neverAccept(t, '127.0.0.2', target);
  const [{lookup}, usual] = [dns, getDefaultAutoSelectFamilyAttemptTimeout()];
  const addresses = ['127.0.0.2', '127.0.0.1'].map((address) => ({address, family: 4}));
  t.teardown(() => {
    Object.assign(dns, {lookup});
    setDefaultAutoSelectFamilyAttemptTimeout(usual);
  });
  setDefaultAutoSelectFamilyAttemptTimeout(600_000);
  Object.assign(dns, {
    lookup: (...[, , found]: [string, object, (error: null, all: typeof addresses) => void]) =>
      found(null, addresses),
  });
  const question = {method: 'GET', url: `https://${HOST}:${target}/`, headers: {}} as const;
  t.is((await sendRequest(question, {...wayOut(''), variables: {}})).status, 200);
  t.is(received.requests.length, 1);
});

/** Listens in a thread that accepts nothing, until its queue is full: the kernel answers no further connection. */
async function neverAccept(t: ExecutionContext, host: string, port: number): Promise<void> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const code = `const {parentPort, workerData: {gate, ...place}} = require('node:worker_threads');
    require('node:net').createServer().listen({...place, backlog: 1}, () => {
      parentPort.postMessage('listening');
      Atomics.wait(gate, 0, 0);
    });`;
  const worker = new Worker(code, {eval: true, workerData: {gate, host, port}});
  await once(worker, 'message');
  const queued = Array.from({length: 2}, () => connect({host, port}).on('error', () => undefined));
  t.teardown(async () => {
    for (const socket of queued) socket.destroy();
    Atomics.notify(gate, 0);
    await worker.terminate();
  });
  await Promise.all(queued.map((socket) => once(socket, 'connect')));
}

test('the authorities of SSL_CERT_FILE are trusted beside the others', async (t) => {
  const authority = createCertificateAuthority('a proxy that inspects TLS');
  const inspected = await tlsBehindProxy(t, {authority});
  const plain = await tlsBehindProxy(t);
  const path = join(scratchDirectory(t), 'authorities.pem');
  writeFileSync(path, authority.certificate);
  t.is((await askTrusting(inspected, path)).status, 200);
  t.is((await askTrusting(plain, path)).status, 200);
  for (const missing of ['', `${path}.missing`])
    await t.throwsAsync(askTrusting(inspected, missing), {code: 'SELF_SIGNED_CERT_IN_CHAIN'});
});

function askTrusting({port}: {readonly port: number}, SSL_CERT_FILE: string) {
  const way = wayOut(`http://127.0.0.1:${port}`);
  const variables = {...way.variables, SSL_CERT_FILE};
  return sendRequest({method: 'GET', url: `https://${HOST}/`, headers: {}}, {...way, variables});
}
