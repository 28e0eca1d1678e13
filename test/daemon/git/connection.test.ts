import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import {mock} from 'node:test';
import test, {type ExecutionContext} from 'ava';
import {MAX_REQUEST} from '../../../src/protocol/request.ts';
import {serveConnection} from '../../../src/daemon/git/connection.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';

/** Returns both ends of a connection that `respond` answers. */
async function connected(t: ExecutionContext, respond: Parameters<typeof serveConnection>[1]) {
  const path = join(scratchDirectory(t), 'socket');
  const server = createServer({allowHalfOpen: true}).listen(path);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const client = connect({path, allowHalfOpen: true});
  const [served]: Socket[] = await once(server, 'connection');
  if (served === undefined) throw new Error('no connection');
  t.teardown(() => {
    client.destroy();
    served.destroy();
  });
  serveConnection(served, respond);
  return {client, served};
}

test('request and answer are overwritten once the answer is sent', async (t) => {
  const answer = Buffer.from('password=canary\n');
  let request: Uint8Array = new Uint8Array();
  const {client, served} = await connected(t, (bytes) => {
    request = bytes;
    t.is(Buffer.from(bytes).toString(), 'password=typed\n');
    return Promise.resolve(answer);
  });
  const closed = once(served, 'close');
  client.end('password=typed\n');
  t.is(await text(client), 'password=canary\n');
  await closed;
  for (const bytes of [request, answer]) t.true(bytes.every((byte) => byte === 0));
});

test('the bytes of a request that is too long are not kept', async (t) => {
  const length = 4 * MAX_REQUEST;
  const {client, served} = await connected(t, (bytes) => {
    t.is(bytes.length, MAX_REQUEST + 1, 'it is only known to be too long');
    return Promise.resolve(Buffer.from('orgkey=1\n'));
  });
  let kept = 0;
  served.on('data', (chunk) => {
    // listeners run in their order, so ours sees what is left
    kept += chunk.filter((byte) => byte !== 0).length;
  });
  client.end(Buffer.alloc(length, 'x'));
  t.is(await text(client), 'orgkey=1\n');
  t.true(kept <= MAX_REQUEST + 1, `${kept} bytes`);
});

// serial: the mock timers are global
for (const [title, half] of [
  ['takes too long to ask', true],
  ['is not answered in time', false],
] as const) {
  test.serial(`a client that ${title} is disconnected without an answer`, async (t) => {
    mock.timers.enable({apis: ['setTimeout']});
    t.teardown(() => mock.timers.reset());
    const asked = Promise.withResolvers<void>();
    const {client, served} = await connected(t, () => {
      asked.resolve();
      return new Promise(() => undefined);
    });
    const said = text(client);
    if (half) client.write('action=get\n');
    else client.end('action=get\n');
    await (half ? once(served, 'data') : asked.promise);
    mock.timers.tick(9_000);
    mock.timers.tick(999);
    t.false(served.destroyed);
    mock.timers.tick(1);
    t.true(served.destroyed);
    t.is(await said, '');
  });
}
