import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const source = join(import.meta.dirname, '../../src/daemon/keep-small.ts');

test('compiled code is kept by a process that a signal ends', async (t) => {
  const directory = scratchDirectory(t);
  const cache = join(directory, 'cache');
  const loaded = join(directory, 'loaded.mjs');
  writeFileSync(loaded, 'export const loaded = () => 1;');
  const program = `
    import ${JSON.stringify(loaded)};
    import {keepSmall} from ${JSON.stringify(source)};
    keepSmall();
    console.log('small');
    setInterval(() => {}, 1_000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    env: {...process.env, NODE_COMPILE_CACHE: cache},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const files = readdirSync(cache, {recursive: true, withFileTypes: true}).filter((entry) => entry.isFile());
  t.true(files.length > 0);
});

for (const [what, calls] of [
  ['a small daemon that carries', 'keepSmall(); collectInOneStep();'],
  ['a daemon that carries before it is small', 'collectInOneStep(); keepSmall();'],
] as const)
  test(`garbage of many buffers is never collected in small steps: ${what}`, async (t) => {
    const program = `
    import {constants, PerformanceObserver} from 'node:perf_hooks';
    import {setImmediate as nextTurn} from 'node:timers/promises';
    import {collectInOneStep, keepSmall} from ${JSON.stringify(source)};
    ${calls}
    const kinds = [];
    new PerformanceObserver((list) => {
      for (const {detail} of list.getEntries()) kinds.push(detail.kind);
    }).observe({entryTypes: ['gc']});
    const inUse = [];
    for (let turn = 0; turn < 1_000; turn++) {
      for (let at = 0; at < 16; at++) inUse.push(Buffer.from(new ArrayBuffer(16_384)));
      if (turn % 16 === 0) inUse.length = 0;
      await nextTurn();
    }
    console.log(kinds.length, kinds.filter((kind) => kind === constants.NODE_PERFORMANCE_GC_INCREMENTAL).length);
  `;
    const args = ['--input-type=module', '--eval', program];
    const {stdout} = await promisify(execFile)(process.execPath, args);
    t.regex(stdout, /^[1-9][0-9]* 0\n$/);
  });
