import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
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
