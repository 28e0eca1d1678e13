import {execFile} from 'node:child_process';
import {join} from 'node:path';
import test from 'ava';
import {goneProcess} from './helpers/gone-process.ts';

const tether = join(import.meta.dirname, 'helpers/tether.ts');

/** Starts two long-lived children, prints the second, and kills itself once the first is gone. */
const program = `
  import {spawn} from 'node:child_process';
  import {tether} from ${JSON.stringify(tether)};
  const [first, second] = [1, 2].map(() => spawn('sleep', ['600'], {stdio: 'ignore'}));
  tether(first);
  tether(second);
  first.once('exit', () => process.stdout.write(String(second.pid), () => process.kill(process.pid, 'SIGKILL')));
  first.kill();
`;

test('the children of a test end with it, even if it is killed', async (t) => {
  const {signal, stdout} = await new Promise<{signal: unknown; stdout: string}>((resolve) => {
    execFile(process.execPath, ['--input-type=module', '--eval', program], (error, stdout) =>
      resolve({signal: error?.signal, stdout}),
    );
  });
  t.is(signal, 'SIGKILL');
  t.regex(stdout, /^\d+$/);
  await t.notThrowsAsync(goneProcess(Number(stdout)));
});
