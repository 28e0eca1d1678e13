import {createHash} from 'node:crypto';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {connect} from 'node:net';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';

import test, {type ExecutionContext} from 'ava';

import {type Cloud} from '../cloud/cloud.ts';
import {type TestDaemon, daemonFor} from '../helpers/daemon.ts';
import {HeldTransfer} from '../helpers/mux-client.ts';
import {until} from '../helpers/patience.ts';
import {getFor, passwordIn} from '../helpers/requests.ts';
import {testKey} from '../helpers/submodule-world.ts';
import {cloudFor} from '../helpers/cloud-for.ts';

/** A daemon with a submodule key for contoso, whose repository `Web/big` is long, and other settings. */
async function setUp(t: ExecutionContext, integrations: (cloud: Cloud) => string) {
  const cloud = await cloudFor(t);
  const contoso = cloud.addOrganization('contoso');
  const {key, privateKey} = await testKey();
  contoso.addSshKey(key.publicLine('test'));
  contoso.addRepository('Web/big', {size: SIZE});
  await contoso.repository('Web', 'big')?.ready();
  const daemon = await daemonFor(t, {
    configuration: `${integrations(cloud)}orgkey:
  submodules:
    - organizations: [contoso]
      knownHosts: ${JSON.stringify(cloud.knownHosts())}
      privateKey: ${JSON.stringify(privateKey)}
`,
    environment: cloud.environment(),
  });
  return {cloud, daemon};
}

const COMMAND = "git-upload-pack 'v3/contoso/Web/big'";

async function askForGrant(daemon: TestDaemon, command = COMMAND): Promise<string> {
  return daemon.get({
    operation: 'grant',
    destination: 'git@ssh.dev.azure.com',
    port: '',
    command,
    directory: '/proc/0/missing',
  });
}

async function startTransfer(daemon: TestDaemon): Promise<HeldTransfer> {
  const answer = await askForGrant(daemon);
  const socket = /^socket=(.*)$/m.exec(answer)?.[1];
  if (socket === undefined) throw new Error(answer);
  return HeldTransfer.start(join(daemon.runtime, socket), COMMAND);
}

/** git's packs end with their own hash. */
function isWhole(pack: Buffer): boolean {
  const hash = createHash('sha1').update(pack.subarray(0, -20)).digest();
  return pack.length > SIZE && hash.equals(pack.subarray(-20));
}

const RELAYS = 10;
const REQUESTS = 1000;
const AT_ONCE = 50;
/** In bytes; much more than all buffers on the way hold. */
const SIZE = 8 * 1024 * 1024;

test('ten transfers are under way while a thousand requests are answered, each with its own credential', async (t) => {
  const pats = new Map<string, string>();
  const {cloud, daemon} = await setUp(t, (cloud) => {
    for (let at = 0; at < 20; at += 1)
      pats.set(`organization-${at}`, cloud.addOrganization(`organization-${at}`).addPat().value);
    const credentials = [...pats].map(
      ([name, pat]) => `        - {organizations: [${name}], personalAccessToken: ${pat}}\n`,
    );
    return `integrations:\n  azure:\n    - credentials:\n${credentials.join('')}`;
  });
  const transfers = await Promise.all(Array.from({length: RELAYS}, () => startTransfer(daemon)));

  const names = [...pats.keys()];
  let answered = 0;
  const ask = async (number: number): Promise<void> => {
    const name = names[number % names.length] ?? '';
    t.is(passwordIn(await daemon.ask(getFor(name))), pats.get(name) ?? '', `${number}: ${name}`);
    answered += 1;
  };
  for (let from = 0; from < REQUESTS; from += AT_ONCE)
    await Promise.all(Array.from({length: AT_ONCE}, (_, at) => ask(from + at)));
  t.is(answered, REQUESTS);
  // none of them had ended when the last answer was there
  t.is(transfers.filter(({ended}) => !ended).length, RELAYS);
  t.is([...cloud.sshRequests].filter(({kind}) => kind === 'exec').length, RELAYS);

  for (const transfer of transfers) t.true(isWhole(await transfer.finish()));
  t.is(await daemon.stop(), 0);
});

test('at SIGTERM a transfer finishes, and later requests go to the next daemon', async (t) => {
  const {daemon} = await setUp(t, () => '');
  const transfer = await startTransfer(daemon);
  const late = connect({path: daemon.socket, allowHalfOpen: true});
  await once(late, 'connect');
  daemon.process.kill('SIGTERM');
  await daemon.says(/stopped by SIGTERM/);
  // clients that were connected are still answered
  late.end(
    `action=get\ntimeout=900\noperation=grant\ndestination=git@ssh.dev.azure.com\nport=\ncommand=${COMMAND}\ndirectory=/proc/0/missing\n`,
  );
  t.regex(await text(late), /^decision=deny\nretry=1\norgkey-error=the daemon is about to end$/m);
  t.false(transfer.ended);
  t.true(isWhole(await transfer.finish()));
  t.is(await daemon.ended(), 0);
});

test('SIGTERM: what was counted is on the disk while a transfer goes on, and what became of that too', async (t) => {
  const {daemon} = await setUp(t, () => '');
  const transfer = await startTransfer(daemon);
  for (let at = 0; at < 3; at++)
    t.regex(await askForGrant(daemon, COMMAND.replace('upload', 'receive')), /^decision=deny$/m);
  const audit = () => readFileSync(join(daemon.directory, 'state/audit.jsonl'), 'utf8');
  await until('the first refusal', audit, (text) => text.includes('"outcome":"deny"'));
  daemon.process.kill('SIGTERM');
  await until('the count of the others', audit, (text) => text.includes('"times":2'));
  t.false(transfer.ended);
  t.true(isWhole(await transfer.finish()));
  t.is(await daemon.ended(), 0);
  t.regex(audit(), /"event":"grant","outcome":"read"/);
});
