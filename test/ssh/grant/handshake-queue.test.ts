import test from 'ava';

import {HandshakeQueue} from '../../../src/ssh/grant/handshake-queue.ts';
import {SshFailure} from '../../../src/ssh/ssh-failure.ts';
import type {StartTimer} from '../../../src/ssh/grant/single-use-socket.ts';

const dropped = () => new SshFailure('ERR_ENDED_EARLY', 'the host ended the connection');
/** Pauses for a moment only. */
const soon: StartTimer = (_, act) => {
  const timer = setTimeout(act, 1);
  return () => clearTimeout(timer);
};
const running = new AbortController().signal;

/** A host that drops each connection beyond `limit` that is not yet authenticated. */
class BusyHost {
  most = 0;
  drops = 0;
  #open = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  readonly attempt = async (): Promise<string> => {
    this.#open += 1;
    this.most = Math.max(this.most, this.#open);
    const accepts = this.#open <= this.#limit;
    try {
      for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      if (accepts) return 'connected';
      this.drops += 1;
      throw dropped();
    } finally {
      this.#open -= 1;
    }
  };
}

for (const [limit, count] of [
  [2, 12],
  [1, 6],
  [100, 30],
] as const)
  test(`a host that accepts ${limit} at once gets all ${count} connections`, async (t) => {
    const queue = new HandshakeQueue(soon);
    const host = new BusyHost(limit);
    const all = Array.from({length: count}, () => queue.run('h:22', host.attempt, running));
    t.deepEqual(new Set(await Promise.all(all)), new Set(['connected']));
    t.true(host.most <= 6, String(host.most));
    if (limit > 6) t.is(host.drops, 0);
  });

test('a host that drops all connections is given up, and other failures are not repeated', async (t) => {
  const queue = new HandshakeQueue(soon);
  let attempts = 0;
  const fail = (error: Error) => async () => {
    attempts += 1;
    throw error;
  };
  await t.throwsAsync(queue.run('h:22', fail(dropped()), running), {
    code: 'ERR_ENDED_EARLY',
    message: /the host ended/,
  });
  t.is(attempts, 8);
  await t.throwsAsync(queue.run('h:22', fail(new SshFailure('ERR_KEY_REFUSED', 'no')), running), {
    code: 'ERR_KEY_REFUSED',
  });
  t.is(attempts, 9);
});

test('an aborted request leaves the queue, and the next one takes its turn', async (t) => {
  const queue = new HandshakeQueue(soon);
  const hanging = Promise.withResolvers<string>();
  const six = Array.from({length: 6}, () => queue.run('h:22', () => hanging.promise, running));
  const abort = new AbortController();
  const waiting = queue.run('h:22', async () => 'waited', abort.signal);
  const last = queue.run('h:22', async () => 'last', running);
  abort.abort(new Error('git is gone'));
  await t.throwsAsync(waiting, {message: 'git is gone'});
  t.is(await queue.run('other:22', async () => 'other', running), 'other');
  hanging.resolve('done');
  t.is(await last, 'last');
  t.is((await Promise.all(six)).length, 6);
});
