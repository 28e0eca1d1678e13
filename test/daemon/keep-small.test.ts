import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';

const source = join(import.meta.dirname, '../../src/daemon/keep-small.ts');

/** Runs a function until V8 would have optimized it; says whether it did, and how much compiled code was kept. */
async function run(before: string): Promise<{isOptimized: boolean; kept: number}> {
  const directory = mkdtempSync(join(tmpdir(), 'orgkey-small-'));
  const loaded = join(directory, 'loaded.mjs');
  writeFileSync(loaded, 'export const loaded = () => 1;');
  const program = `
    import ${JSON.stringify(loaded)};
    import {keepSmall} from ${JSON.stringify(source)};
    ${before};
    function busy(n) { let sum = 0; for (let i = 0; i < n; i++) sum += i % 7; return sum; }
    for (let i = 0; i < 20_000; i++) busy(1_000);
    console.log(%ActiveTierIsTurbofan(busy));
    setInterval(() => {}, 1_000);
  `;
  const flags = ['--allow-natives-syntax', '--no-concurrent-recompilation', '--no-use-osr'];
  const child = spawn(process.execPath, [...flags, '--input-type=module', '--eval', program], {
    env: {...process.env, NODE_COMPILE_CACHE: join(directory, 'cache')},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed] = await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const kept = readdirSync(join(directory, 'cache'), {recursive: true}).length;
  rmSync(directory, {recursive: true});
  return {isOptimized: String(printed) === 'true\n', kept};
}

test('a daemon that has started goes without the second optimizing compiler', async (t) => {
  t.true((await run('')).isOptimized);
  t.false((await run('keepSmall()')).isOptimized);
});

test('what was compiled is kept, also by a daemon that ends by a signal', async (t) => {
  const {kept} = await run('');
  t.true((await run('keepSmall()')).kept > kept);
});
