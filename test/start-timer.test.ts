import {once} from 'node:events';
import {createServer, connect} from 'node:net';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import test from 'ava';
import {startTimer} from '../src/start-timer.ts';
import {holdUp} from './helpers/hold-up.ts';
import {scratchDirectory} from './helpers/scratch-directory.ts';

test.serial('what arrived while we were held up is read before it is given up', async (t) => {
  const path = join(scratchDirectory(t), 'socket');
  const server = createServer({allowHalfOpen: true}).listen(path);
  await once(server, 'listening');
  t.teardown(() => void server.close());
  const client = connect({path, allowHalfOpen: true});
  const [served] = await once(server, 'connection');
  t.teardown(() => served.destroy());
  const cancel = startTimer(400, () => served.destroy());
  served.on('end', cancel);
  client.end('a request');
  holdUp(1000);
  t.is(await text(served), 'a request');
});

test.serial('it acts once, and not when it was cancelled', async (t) => {
  let acted = 0;
  const cancel = startTimer(20, () => t.fail('it was cancelled'));
  cancel();
  await new Promise<void>((resolve) => {
    startTimer(10, () => {
      acted++;
      startTimer(30, resolve);
    });
  });
  t.is(acted, 1);
});
