import {execFileSync} from 'node:child_process';
import {connect, type Socket} from 'node:net';
import {join} from 'node:path';
import test from 'ava';
import {connectControl} from '../../src/control/control-client.ts';
import {moreThan, startProbed, type ProbedDaemon} from '../helpers/probed-daemon.ts';
import {eraseFor, getFor, inParallel, passwordIn} from '../helpers/requests.ts';

const configuration =
  'integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: some-token}]}]}\n';

async function askOften(daemon: ProbedDaemon, times: number): Promise<number> {
  const requests = Array.from({length: times}, (_, at) =>
    at % 10 === 9 ? eraseFor('contoso', `wrong-${at}`) : getFor(at % 5 === 0 ? `unknown-${at}` : 'contoso'),
  );
  const answers = await inParallel(requests, 32, (request) => daemon.ask(request));
  return answers.filter((answer) => passwordIn(answer) === 'some-token').length;
}

// serial: both tests need most of the machine
test.serial('20,000 requests leave no handle behind', async (t) => {
  const daemon = await startProbed({configuration});
  t.teardown(() => daemon.close());
  // so that pools and caches are filled
  await askOften(daemon, 3000);
  const before = await daemon.probeAtRest();
  t.is(await askOften(daemon, 20_000), 14_000);
  const after = await daemon.probeAtRest();
  t.deepEqual(moreThan(before, after), {});
  t.log(
    `the heap grew by ${after.heapUsed - before.heapUsed} bytes, buffers by ${after.external - before.external}`,
  );
});

test.serial('no entrance leaves a handle behind, whatever clients and changes come', async (t) => {
  const daemon = await startProbed({configuration});
  t.teardown(() => daemon.close());
  const control = join(daemon.runtime, 'control/control.sock');
  const withMore = configuration.concat(`orgkey:
  sockets: [{name: team, organizations: [contoso]}]
  gateways: [{name: sandbox, repositories: [contoso/web/site], listen: 127.0.0.1:0}]
  metrics: {listen: 127.0.0.1:0}
`);
  const round = async () => {
    daemon.configure(withMore);
    t.deepEqual((await daemon.call('reload', undefined)).problems, []);
    const sockets = [
      'git.sock',
      'scoped/team/git.sock',
      'gateways/sandbox/gateway.sock',
      'control/control.sock',
    ];
    for (const name of sockets) {
      const path = join(daemon.runtime, name);
      const {socket, closed} = await silent(path);
      socket.destroy();
      await closed;
      await daemon.ask('\u0005\u0001\u0000GET / HTTP/1.1\r\n\r\n', path).catch(() => '');
    }
    // a command that goes away while it follows the log
    const follower = await connectControl(control);
    await follower.call('logs', {follow: true});
    follower.close();
    await daemon.ask(
      `action=get\ntimeout=900\noperation=grant\nprotocol=ssh\nhost=ssh.dev.azure.com\npath=v3/contoso/web/lib\ncommand=git-upload-pack\ndirectory=/nowhere\n`,
    );
    daemon.configure(configuration);
    await daemon.call('reload', undefined);
  };
  for (let times = 0; times < 5; times++) await round();
  const before = await daemon.probeAtRest();
  for (let times = 0; times < 40; times++) await round();
  t.deepEqual(moreThan(before, await daemon.probeAtRest()), {});
});

test.serial('with 64 descriptors a daemon recovers from 200 clients that never ask', async (t) => {
  const daemon = await startProbed({configuration});
  t.teardown(() => daemon.close());
  execFileSync('prlimit', ['--pid', String(daemon.process.pid), '--nofile=64:64']);
  for (let round = 0; round < 2; round++) {
    const idle = await Promise.all(Array.from({length: 200}, () => silent(daemon.socket)));
    // without a free descriptor a client is answered or disconnected, and never waits forever
    await Promise.all(Array.from({length: 20}, () => daemon.ask(getFor('contoso')).catch(() => '')));
    await Promise.all(idle.map(({closed}) => closed));
    t.is(await askOften(daemon, 100), 70, 'afterwards it serves again');
  }
  t.is(daemon.process.exitCode, null);
});

/** Connects and never asks. `closed` resolves when the client is disconnected. */
async function silent(path: string): Promise<{readonly socket: Socket; readonly closed: Promise<void>}> {
  const socket = connect({path});
  socket.on('error', () => undefined);
  socket.resume();
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), closed]);
  return {socket, closed};
}
