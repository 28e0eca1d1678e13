import test from 'ava';
import {Turns} from '../src/turns.ts';

test('a task starts when the one before it has ended', async (t) => {
  const turns = new Turns();
  const seen: string[] = [];
  const {promise, resolve} = Promise.withResolvers<void>();
  const first = turns.take(async () => {
    await promise;
    seen.push('first');
    return 1;
  });
  const second = turns.take(() => {
    seen.push('second');
    return 2;
  });
  resolve();
  t.deepEqual(await Promise.all([first, second]), [1, 2]);
  t.deepEqual(seen, ['first', 'second']);
});

test('a task that fails rejects for its caller only, and the next one runs', async (t) => {
  const turns = new Turns();
  const failing = turns.take(() => Promise.reject(new Error('failed')));
  const throwing = turns.take(() => {
    throw new Error('thrown');
  });
  const next = turns.take(() => 'next');
  await t.throwsAsync(failing, {message: 'failed'});
  await t.throwsAsync(throwing, {message: 'thrown'});
  t.is(await next, 'next');
});

test('idle waits for the tasks given so far', async (t) => {
  const turns = new Turns();
  let isDone = false;
  void turns.take(async () => {
    await Promise.resolve();
    isDone = true;
  });
  await turns.idle();
  t.true(isDone);
});
