import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {openSecretStore} from '../../src/store/secret-store.ts';
import {Secret} from '../../src/secret/secret.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless} from '../helpers/test-unless.ts';

// Whenever a process is killed while it writes, the next one finds the old secret or the new one.

const writeAndDie = join(import.meta.dirname, 'write-and-die.ts');
const [old, next] = ['old'.repeat(20), 'new'.repeat(30)];

const kinds = [
  {kind: 'plain', letter: ''},
  {kind: 'encrypted', letter: 'k'},
] as const;

async function open(directory: string, letter: string) {
  const key = letter === '' ? undefined : Secret.fromText(letter.repeat(32));
  return openSecretStore({directory, key, uid: process.getuid?.() ?? 0});
}

for (const {kind, letter} of kinds) {
  for (const moment of ['before', 'after'] as const) {
    test(`${kind}: killed ${moment} each step`, async (t) => {
      const found: (string | undefined)[] = [];
      for (let step = 1; ; step++) {
        const directory = scratchDirectory(t);
        await (await open(directory, letter)).write('name', Secret.fromText(old));
        const child = spawnSync(process.execPath, [writeAndDie, directory, letter, moment, String(step)], {
          env: {},
        });
        const store = await open(directory, letter);
        t.deepEqual(await store.unreadable(), []);
        t.is(readdirSync(directory).length, 1, 'a leftover stayed');
        const text = (await store.read('name'))?.revealText();
        if (child.signal === null) {
          t.is(text, next);
          break;
        }
        found.push(text);
      }
      t.true(found.length >= 9, `only ${found.length} steps`);
      // old up to some step, new from there on, and nothing else ever
      const turn = found.indexOf(next);
      t.true(turn > 0, found.join());
      t.deepEqual(found, expected(found.length, turn));
      t.log(`${found.length} steps, the new one from step ${turn + 1}`);
    });
  }
}

const calls = ['openat', 'write', 'fsync', 'close', 'rename', 'fstat,statx,newfstatat'];
const injected = testUnless(cannotInject());

for (const call of calls) {
  injected(`killed by the kernel at each ${call} of a write`, async (t) => {
    const found: (string | undefined)[] = [];
    for (let number = 1; ; number++) {
      const directory = scratchDirectory(t);
      await (await open(directory, '')).write('name', Secret.fromText(old));
      const killed = await killedAt(directory, call, number);
      const store = await open(directory, '');
      t.deepEqual(await store.unreadable(), []);
      t.is(readdirSync(directory).length, 1, 'a leftover stayed');
      found.push((await store.read('name'))?.revealText());
      if (!killed) break;
    }
    // threads may take turns in another order each time, so only the last one, which lived, is foretold
    t.is(found.at(-1), next);
    t.true(found.length > 1);
    for (const text of found) t.true(text === old || text === next, text);
    t.log(`killed ${found.length - 1} times`);
  });
}

/** Old ones, then new ones, and nothing else ever. */
function expected(length: number, turn: number): string[] {
  return Array.from({length}, (_, at) => (at < turn ? old : next));
}

/** Whether the child died of it; it is traced from the moment when it is about to write. */
async function killedAt(directory: string, call: string, number: number): Promise<boolean> {
  const child = spawn(process.execPath, [writeAndDie, directory, '', 'wait'], {
    // one thread makes all calls, so that they can be counted
    env: {UV_THREADPOOL_SIZE: '1'},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${number}`];
  const tracer = spawn('strace', ['-f', '-o', '/dev/null', ...inject, '-p', String(child.pid)], {
    env: {},
    stdio: 'pipe',
  });
  const traced = once(tracer, 'close');
  // it says so once it is attached
  await once(tracer.stderr, 'data');
  child.stdin.end();
  const [, signal] = await ended;
  await traced;
  return signal === 'SIGKILL';
}

function cannotInject(): string | undefined {
  const {status, error} = spawnSync('strace', ['-o', '/dev/null', '-e', 'inject=fsync:error=EIO', 'true'], {
    env: {PATH: process.env['PATH']},
  });
  if (error !== undefined) return 'there is no strace';
  return status === 0 ? undefined : 'strace may not trace here';
}
