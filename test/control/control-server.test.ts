import {connect, type Socket} from 'node:net';
import {join} from 'node:path';
import test from 'ava';
import {connectControl} from '../../src/control/control-client.ts';
import {daemonFor} from '../helpers/daemon.ts';

test('a request that does not end is bounded, whatever pieces it comes in', async (t) => {
  const daemon = await daemonFor(t, {configuration: ''});
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
  const daemon = await daemonFor(t, {configuration: ''});
  const control = await connectControl(join(daemon.runtime, 'control/control.sock'));
  t.teardown(() => control.close());
  daemon.process.kill('SIGSTOP');
  await t.throwsAsync(control.call('status', undefined), {code: 'ERR_SILENT'});
});

test('300 idle clients keep no command out, and one that follows the log stays', async (t) => {
  const daemon = await daemonFor(t, {configuration: ''});
  const path = join(daemon.runtime, 'control/control.sock');
  const follower = await connectControl(path);
  t.teardown(() => follower.close());
  await follower.call('logs', {follow: true});
  const idle = Array.from({length: 300}, () => connect({path}));
  t.teardown(() => idle.forEach((socket) => socket.destroy()));
  await Promise.all(idle.map(connected));
  for (let times = 0; times < 3; times++) t.is((await daemon.status()).pid, daemon.process.pid ?? 0);
  const heard = new Promise((resolve) => follower.onEvent(resolve));
  await daemon.ask('nonsense');
  t.like(await heard, {event: 'log'});
  // each status took the place of one that was idle
  t.true(idle.filter((socket) => !socket.closed).length < 100);
});

test('a client that was disconnected learns it from its next call', async (t) => {
  const daemon = await daemonFor(t, {configuration: ''});
  const path = join(daemon.runtime, 'control/control.sock');
  const forgotten = await connectControl(path);
  const others = Array.from({length: 100}, () => connect({path}));
  t.teardown(() => others.forEach((socket) => socket.destroy()));
  await Promise.all(others.map(connected));
  // connections are accepted in order
  await daemon.status();
  await t.throwsAsync(forgotten.call('status', undefined), {code: 'ERR_NOT_RUNNING'});
});

test('many calls of one client leave no listener behind', async (t) => {
  const daemon = await daemonFor(t, {configuration: ''});
  const control = await connectControl(join(daemon.runtime, 'control/control.sock'));
  t.teardown(() => control.close());
  for (let times = 0; times < 20; times++) await control.call('ping', undefined);
  t.false(daemon.stderr.includes('MaxListenersExceeded'), daemon.stderr);
});

function connected(socket: Socket): Promise<unknown> {
  // the daemon may hang up first
  socket.on('error', () => undefined).resume();
  return new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
}
