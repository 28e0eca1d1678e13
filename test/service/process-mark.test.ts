import {spawn} from 'node:child_process';
import {once} from 'node:events';
import test from 'ava';
import {markProcess} from '../../src/service/process-mark.ts';
import {runCommand} from '../../src/service/run-command.ts';

for (const platform of ['linux', 'darwin'] as const) {
  test(`${platform}: a process keeps its mark, and an ended one has none`, async (t) => {
    // a name that looks like the fields after it
    const child = spawn('bash', ['-c', 'exec -a ") S 1 2 3 (x" sleep 60'], {stdio: 'ignore'});
    const machine = {platform, run: runCommand};
    const pid = child.pid ?? 0;
    const mark = await markProcess(pid, machine);
    t.truthy(mark);
    t.is(await markProcess(pid, machine), mark);
    child.kill('SIGKILL');
    await once(child, 'exit');
    t.is(await markProcess(pid, machine), undefined);
  });
}
