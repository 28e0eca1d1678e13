import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {connect, type Socket} from 'node:net';
import test from 'ava';
import {moreThan, startProbed, type ProbedDaemon} from '../helpers/probed-daemon.ts';
import {eraseFor, getFor, inParallel, passwordIn} from '../helpers/requests.ts';

const configuration =
  'integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: some-token}]}]}\n';

async function askOften(daemon: ProbedDaemon, times: number): Promise<number> {
  const requests = Array.from({length: times}, (_, at) =>
    at % 10 === 9 ? eraseFor('contoso', `wrong-${at}`) : getFor(at % 5 === 0 ? `nobody-${at}` : 'contoso'),
  );
  const answers = await inParallel(requests, 32, (request) => daemon.ask(request));
  return answers.filter((answer) => passwordIn(answer) === 'some-token').length;
}

test.serial('20,000 requests leave neither handles nor buffers behind', async (t) => {
  const daemon = await startProbed({configuration});
  t.teardown(() => daemon.close());
  // what is compiled, pooled and buffered once
  await askOften(daemon, 3000);
  const before = await daemon.probeAtRest();
  t.is(await askOften(daemon, 20_000), 14_000);
  const after = await daemon.probeAtRest();
  t.deepEqual(moreThan(before, after), {});
  const grown = {heap: after.heapUsed - before.heapUsed, external: after.external - before.external};
  t.log(`heap ${grown.heap} bytes, outside of it ${grown.external} bytes more`);
  // one buffer kept for each request would be ten times that
  t.true(grown.external < 1_000_000, `${grown.external} bytes`);
  t.true(grown.heap < 2_000_000, `${grown.heap} bytes`);
});

test.serial(
  'with 64 descriptors and 200 clients that say nothing, it recovers and does not spin',
  async (t) => {
    const daemon = await startProbed({configuration});
    t.teardown(() => daemon.close());
    execFileSync('prlimit', ['--pid', String(daemon.process.pid), '--nofile=64:64']);
    for (let round = 0; round < 2; round++) {
      const start = cpuOf(daemon);
      const idle = await Promise.all(Array.from({length: 200}, () => silent(daemon.socket)));
      // no descriptor is left to answer with: who comes now is answered or let go, and never left to wait for ever
      await Promise.all(Array.from({length: 20}, () => daemon.ask(getFor('contoso')).catch(() => '')));
      await Promise.all(idle.map(({closed}) => closed));
      const spent = cpuOf(daemon) - start;
      t.log(`${spent} ms of the processor while no descriptor was to be had`);
      // the silent are let go after ten seconds, all of which a loop that spins would have spent
      t.true(spent < 2500, `${spent} ms`);
      t.is(await askOften(daemon, 100), 70, 'afterwards all is as before');
    }
    t.is(daemon.process.exitCode, null);
  },
);

/** A client that connects and never asks; `closed` resolves when it was let go. */
async function silent(path: string): Promise<{readonly socket: Socket; readonly closed: Promise<void>}> {
  const socket = connect({path});
  socket.on('error', () => undefined);
  socket.resume();
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), closed]);
  return {socket, closed};
}

/** Of the processor, in milliseconds, as the kernel counts it: the daemon itself has no descriptor to look. */
function cpuOf({process: {pid}}: ProbedDaemon): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  // user and system time, in hundredths of a second
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
