import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {openSecretStore} from '../../src/store/secret-store.ts';
import {Secret} from '../../src/secret/secret.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless} from '../helpers/test-unless.ts';

// A process that is killed during a write leaves the old secret or the new one.

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
    test(`${kind}: a kill ${moment} any step leaves the old entry or the new one`, async (t) => {
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
      // old up to some step, then new
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
  injected(`a kill at any ${call} of a write leaves the old entry or the new one`, async (t) => {
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
    // the order of threads varies, so only the run that was not killed is known
    t.is(found.at(-1), next);
    t.true(found.length > 1);
    for (const text of found) t.true(text === old || text === next, text);
    t.log(`killed ${found.length - 1} times`);
  });
}

/** Returns old texts, then new ones. */
function expected(length: number, turn: number): string[] {
  return Array.from({length}, (_, at) => (at < turn ? old : next));
}

/** Traces a child that is about to write. Returns whether the kernel killed it at this call. */
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
  // strace prints a line when it is attached
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
  if (error !== undefined) return 'strace is missing';
  return status === 0 ? undefined : 'strace may not trace here';
}
