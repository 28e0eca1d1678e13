import {connect} from 'node:net';
import {join} from 'node:path';
import test from 'ava';
import {connectControl} from '../../src/control/control-client.ts';
import {startDaemon} from '../helpers/daemon.ts';

test('a request that does not end is bounded, whatever pieces it comes in', async (t) => {
  const daemon = await startDaemon({configuration: ''});
  t.teardown(() => daemon.close());
  const socket = connect({path: join(daemon.runtime, 'control/control.sock')});
  // the daemon hangs up in the middle
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  let sent = 0;
  while (!socket.destroyed && sent < 16 * 1024 * 1024) {
    const piece = Buffer.alloc(4096, 'x');
    sent += piece.length;
    await new Promise((resolve) => socket.write(piece, resolve));
  }
  await closed;
  t.true(sent < 1024 * 1024, `${sent} bytes were sent`);
  t.is((await daemon.status()).pid, daemon.process.pid ?? 0);
});

test('a call ends if the daemon stops answering in the middle', async (t) => {
  const daemon = await startDaemon({configuration: ''});
  t.teardown(() => daemon.close());
  const control = await connectControl(join(daemon.runtime, 'control/control.sock'));
  t.teardown(() => control.close());
  daemon.process.kill('SIGSTOP');
  await t.throwsAsync(control.call('status', undefined), {code: 'ERR_SILENT'});
});
