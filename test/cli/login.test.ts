import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {connect} from 'node:net';
import test from 'ava';
import {daemonFor} from '../helpers/daemon.ts';
import {until} from '../helpers/patience.ts';
import {main} from '../helpers/program.ts';
import {cloudFor} from '../helpers/cloud-for.ts';

test('Ctrl-C during a browser sign-in prints a hint and ends the listener', async (t) => {
  const cloud = await cloudFor(t);
  const tenant = cloud.addTenant();
  const {clientId} = tenant.addApplication({public: true});
  const daemon = await daemonFor(t, {
    configuration: `integrations: {azure: [{credentials: [{organizations: [contoso], signIn: browser, clientId: ${clientId}, tenantId: ${tenant.id}}]}]}\n`,
    environment: cloud.environment(),
  });
  const command = spawn(process.execPath, [main, 'login', 'contoso'], {
    env: {PATH: process.env['PATH'] ?? '', HOME: daemon.directory, ...daemon.environment},
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  let port = 0;
  command.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    const address = /sign in with the browser: (\S+)\n/.exec(stderr)?.[1];
    if (address === undefined || port !== 0) return;
    port = Number(new URL(address).port);
    command.kill('SIGINT');
  });
  const [code, signal] = await once(command, 'close');
  t.is(code, null);
  t.is(signal, 'SIGINT');
  t.regex(stderr, /^orgkey: error: sign-in cancelled$/m);
  t.regex(stderr, /^orgkey: hint: run it again: orgkey login contoso$/m);
  await t.notThrowsAsync(
    until(
      'the end of the listener',
      () => isListening(port),
      (listening) => !listening,
    ),
  );
});

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({host: '127.0.0.1', port});
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
