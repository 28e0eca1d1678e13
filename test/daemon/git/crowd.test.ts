import {Socket} from 'node:net';
import {once} from 'node:events';
import test from 'ava';
import {Crowd} from '../../../src/daemon/git/crowd.ts';

/** Adds a client that has sent nothing yet. */
function enter(crowd: Crowd, name: string): Socket {
  const socket = new Socket({allowHalfOpen: true});
  crowd.enter(name, socket);
  return socket;
}

/** Sends the request of a client. */
async function ask(socket: Socket): Promise<void> {
  const ended = once(socket, 'end');
  socket.push(null);
  socket.resume();
  await ended;
}

function gone(sockets: readonly Socket[]): boolean[] {
  return sockets.map(({destroyed}) => destroyed);
}

test('beyond a part of the descriptors, the oldest client of the fullest socket goes', (t) => {
  const crowd = new Crowd('scoped', 32);
  const one = enter(crowd, 'one');
  const other = [enter(crowd, 'other'), enter(crowd, 'other'), enter(crowd, 'other')];
  t.deepEqual(gone([one, ...other]), [false, false, false, false]);
  other.push(enter(crowd, 'other'));
  t.deepEqual(gone([one, ...other]), [false, true, false, false, false]);
  const later = enter(crowd, 'one');
  t.deepEqual(gone([one, later, ...other]), [false, false, true, true, false, false]);
});

test('clients that have asked stay, and a new one of the same share goes if all have', async (t) => {
  const crowd = new Crowd('scoped', 24);
  const waiting = [enter(crowd, 'one'), enter(crowd, 'one')];
  for (const socket of waiting) await ask(socket);
  const idle = enter(crowd, 'one');
  const last = enter(crowd, 'one');
  t.deepEqual(gone([...waiting, idle, last]), [false, false, true, false]);
  await ask(last);
  t.true(enter(crowd, 'one').destroyed);
  // another share is never kept out by the largest
  t.false(enter(crowd, 'other').destroyed);
  t.true(waiting[0]?.destroyed);
});

test('a client that disconnects makes room', async (t) => {
  const crowd = new Crowd('scoped', 16);
  const sockets = [enter(crowd, 'one'), enter(crowd, 'one')];
  for (const socket of sockets) {
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
  }
  sockets.push(enter(crowd, 'one'), enter(crowd, 'one'));
  t.deepEqual(gone(sockets), [true, true, false, false]);
});

for (const [kind, descriptors, most] of [
  ['main', 256, 128],
  ['main', 16_384, 6144],
  ['scoped', 256, 32],
  ['scoped', Infinity, 1024],
] as const)
  test(`of ${descriptors} descriptors, ${kind} connections get ${most}`, (t) => {
    const crowd = new Crowd(kind, descriptors);
    const sockets = Array.from({length: most + 1}, () => enter(crowd, 'one'));
    t.deepEqual(gone(sockets).indexOf(true), 0);
    t.is(gone(sockets).filter(Boolean).length, 1);
  });

test('a connection that carries something stays although it is not at its end', (t) => {
  const crowd = new Crowd('gateway', 16);
  const carrying = enter(crowd, 'one');
  crowd.admit(carrying);
  const idle = enter(crowd, 'one');
  const last = enter(crowd, 'one');
  t.deepEqual(gone([carrying, idle, last]), [false, true, false]);
});
