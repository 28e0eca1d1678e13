import {connect, createServer, type Socket} from 'node:net';
import {once} from 'node:events';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import test, {type ExecutionContext} from 'ava';
import type {ClientRequest} from '../../../src/gateway/door/client-request.ts';
import {HttpDoor} from '../../../src/gateway/door/http-door.ts';
import {startTimer} from '../../../src/start-timer.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';

const never = 600_000;
const admit = () => ({host: 'dev.azure.com', target: '/', base: '', proof: undefined});

/** A door whose requests get `carry`, and a function that connects to it. */
async function door(
  t: ExecutionContext,
  carry: (client: ClientRequest) => Promise<void>,
  limits = {headers: never, idle: never, silence: never},
) {
  const opened = new HttpDoor({carry}, admit, limits);
  const server = createServer({allowHalfOpen: true}, (client) => opened.take(client, Buffer.alloc(0)));
  const path = join(scratchDirectory(t), 'socket');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(async () => {
    server.close();
    await opened.close(0, startTimer);
  });
  const dial = async (): Promise<Socket> => {
    const client = connect({path, allowHalfOpen: true});
    await once(client, 'connect');
    return client;
  };
  return {opened, dial};
}

const answer = async ({request, response}: ClientRequest) => {
  response.end(`${request.method} ${request.url}`);
};

test('headers that do not end end the connection, the first ones and later ones', async (t) => {
  const {dial} = await door(t, answer, {headers: 100, idle: never, silence: never});
  for (const before of ['', 'GET /first HTTP/1.1\r\nHost: x\r\n\r\n']) {
    const client = await dial();
    client.write(`${before}GET / HTTP/1.1\r\nHost: x\r\nX-A: `);
    const said = await text(client);
    t.is(said.includes('GET /first'), before !== '');
    t.false(said.endsWith('GET /'));
  }
});

test('a body that stops ends the connection', async (t) => {
  const gone = Promise.withResolvers<void>();
  const carry = async ({request, response}: ClientRequest) => {
    response.once('close', () => gone.resolve());
    request.resume();
  };
  const {dial} = await door(t, carry, {headers: never, idle: never, silence: 100});
  const client = await dial();
  client.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123');
  t.is(await text(client), '');
  await gone.promise;
});

test('an idle connection ends, and one that is used stays', async (t) => {
  const {dial} = await door(t, answer, {headers: never, idle: 1000, silence: never});
  const client = await dial();
  let said = '';
  client.on('data', (chunk: Buffer) => (said += chunk.toString()));
  for (const path of ['/a', '/b', '/c']) {
    client.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    while (!said.includes(`GET ${path}`)) await once(client, 'data');
  }
  await once(client, 'end');
  t.is(said.match(/HTTP\/1\.1 200/g)?.length, 3);
  client.end();
});

test('a client that half-closes after its request is answered', async (t) => {
  const {dial} = await door(t, answer);
  const client = await dial();
  client.end('GET /half HTTP/1.1\r\nHost: x\r\n\r\n');
  t.regex(await text(client), /GET \/half$/);
});

test('a door that closes lets a request finish, and ends idle connections', async (t) => {
  const asked = Promise.withResolvers<ClientRequest>();
  const {opened, dial} = await door(t, async (client) => asked.resolve(client));
  const idle = await dial();
  const busy = await dial();
  busy.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const {response} = await asked.promise;
  const closed = opened.close(never, startTimer);
  response.end('finished');
  t.regex(await text(busy), /finished/);
  busy.end();
  t.is(await text(idle), '');
  idle.end();
  await closed;
  t.is(opened.underWay, 0);
});
