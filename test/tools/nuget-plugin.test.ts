import {spawn} from 'node:child_process';
import test, {type ExecutionContext} from 'ava';
import {until} from '../helpers/patience.ts';
import {NugetClient, requestFor} from './nuget-client.ts';
import {ScriptedDaemon} from './scripted-daemon.ts';

const FEED = 'https://pkgs.dev.azure.com/contoso/web/_packaging/packages/nuget/v3/index.json';
const granted = (token: string) => `username=orgkey\npassword=${token}\n`;

async function connected(t: ExecutionContext): Promise<{daemon: ScriptedDaemon; nuget: NugetClient}> {
  const daemon = await new ScriptedDaemon(t).listen();
  const nuget = new NugetClient(t, daemon.environment);
  await nuget.shakeHands();
  return {daemon, nuget};
}

test.serial('the plugin begins with its own handshake, before NuGet says anything', async (t) => {
  const nuget = new NugetClient(t, {});
  const {RequestId, Payload} = await nuget.message('a handshake', ({Method}) => Method === 'Handshake');
  t.is(nuget.received.length, 1);
  t.regex(RequestId, /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/);
  t.deepEqual(Payload, {ProtocolVersion: '2.0.0', MinimumProtocolVersion: '1.0.0'});
});

for (const [newest, oldest, common] of [
  ['2.0.0', '1.0.0', '2.0.0'],
  ['3.1.0', '2.0.0', '2.0.0'],
  ['1.0.0', '1.0.0', '1.0.0'],
  ['1.2.0', '1.0.0', '1.2.0'],
  ['3.0.0', '2.0.1', undefined],
  ['0.9.0', '0.1.0', undefined],
  ['1.0.0', '2.0.0', undefined],
  ['two', '1.0.0', undefined],
] as const)
  test.serial(`NuGet with the versions ${oldest} to ${newest} gets ${common ?? 'an error'}`, async (t) => {
    const nuget = new NugetClient(t, {});
    const answer = await nuget.ask('Handshake', {ProtocolVersion: newest, MinimumProtocolVersion: oldest});
    const wanted =
      common === undefined ? {ResponseCode: 'Error'} : {ResponseCode: 'Success', ProtocolVersion: common};
    t.deepEqual(answer, wanted);
  });

test.serial('a NuGet that refuses our handshake ends the plugin', async (t) => {
  const nuget = new NugetClient(t, {});
  const {RequestId} = await nuget.message('a handshake', ({Method}) => Method === 'Handshake');
  nuget.send('Response', 'Handshake', {ResponseCode: 'Error'}, RequestId);
  t.is(await nuget.ended, 1);
});

test.serial('the plugin answers what NuGet asks before it asks for credentials', async (t) => {
  const {nuget} = await connected(t);
  const success = {ResponseCode: 'Success'};
  const initialize = {ClientVersion: '6.13.1', Culture: 'en-US', RequestTimeout: '00:00:05'};
  t.deepEqual(await nuget.ask('Initialize', initialize), success);
  t.deepEqual(await nuget.ask('MonitorNuGetProcessExit', {ProcessId: process.pid}), success);
  t.deepEqual(await nuget.ask('MonitorNuGetProcessExit', {ProcessId: -1}), {ResponseCode: 'Error'});
  t.deepEqual(await nuget.ask('SetLogLevel', {LogLevel: 'Information'}), success);
  t.deepEqual(await nuget.ask('SetCredentials', {PackageSourceRepository: FEED, Password: 'x'}), success);
  const agnostic = {PackageSourceRepository: null, ServiceIndex: null};
  t.deepEqual(await nuget.ask('GetOperationClaims', agnostic), {Claims: ['Authentication']});
  t.deepEqual(await nuget.ask('GetOperationClaims', {PackageSourceRepository: FEED, ServiceIndex: '{}'}), {
    Claims: [],
  });
});

test.serial('NuGet gets the credential of a feed, and the daemon learns the tool and the feed', async (t) => {
  const {daemon, nuget} = await connected(t);
  const answer = nuget.credentials(FEED);
  const request = await daemon.answer(0, granted('token-one'));
  t.deepEqual(await answer, {
    Username: 'orgkey',
    Password: 'token-one',
    AuthenticationTypes: ['Basic'],
    ResponseCode: 'Success',
  });
  const lines = request.trimEnd().split('\n');
  t.deepEqual(lines.slice(0, 2), ['action=get', 'timeout=0']);
  t.true(lines.includes('tool=nuget'));
  t.true(lines.includes(`address=${FEED}`));
});

test.serial('requests that overlap get their own answers, whichever comes first', async (t) => {
  const {daemon, nuget} = await connected(t);
  const first = nuget.send('Request', 'GetAuthenticationCredentials', requestFor(FEED));
  await until(
    'the first request',
    () => daemon.requests.length,
    (count) => count === 1,
  );
  const other = FEED.replace('contoso', 'fabrikam');
  const second = nuget.send('Request', 'GetAuthenticationCredentials', requestFor(other));
  t.deepEqual(await nuget.ask('SetLogLevel', {LogLevel: 'Minimal'}), {ResponseCode: 'Success'});
  await daemon.answer(1, granted('token-two'));
  t.is((await nuget.answerTo(second)).Payload?.['Password'], 'token-two');
  await daemon.answer(0, granted('token-one'));
  t.is((await nuget.answerTo(first)).Payload?.['Password'], 'token-one');
});

test.serial('a token that takes long is announced by progress', async (t) => {
  const {daemon, nuget} = await connected(t);
  await nuget.ask('Initialize', {ClientVersion: '6', Culture: 'en', RequestTimeout: '00:00:00.2000000'});
  const id = nuget.send('Request', 'GetAuthenticationCredentials', requestFor(FEED));
  const progress = await nuget.message('progress', ({Type}) => Type === 'Progress');
  t.like(progress, {RequestId: id, Method: 'GetAuthenticationCredentials'});
  await daemon.answer(0, granted('token-one'));
  t.is((await nuget.answerTo(id)).Payload?.['Password'], 'token-one');
  const since = nuget.received.length;
  await nuget.ask('SetLogLevel', {LogLevel: 'Minimal'});
  t.is(nuget.received.slice(since).filter(({Type}) => Type === 'Progress').length, 0);
});

test.serial('a request that NuGet cancels is confirmed once and never answered', async (t) => {
  const {daemon, nuget} = await connected(t);
  const id = nuget.send('Request', 'GetAuthenticationCredentials', requestFor(FEED));
  await until(
    'the request',
    () => daemon.requests.length,
    (count) => count === 1,
  );
  nuget.send('Cancel', 'GetAuthenticationCredentials', null, id);
  await nuget.message('the confirmation', ({Type, RequestId}) => Type === 'Cancel' && RequestId === id);
  await daemon.answer(0, granted('token-one'));
  nuget.send('Cancel', 'GetAuthenticationCredentials', null, id);
  const next = nuget.credentials(FEED);
  await daemon.answer(1, granted('token-two'));
  t.is((await next)['Password'], 'token-two');
  t.is(nuget.received.filter(({RequestId}) => RequestId === id).length, 1);
});

test.serial('the refused credential is dropped before another one is fetched', async (t) => {
  const {daemon, nuget} = await connected(t);
  const first = nuget.credentials(FEED);
  await daemon.answer(0, granted('token-one'));
  await first;
  const second = nuget.credentials(FEED, 'retry');
  const erase = await daemon.answer(1, '');
  await daemon.answer(2, granted('token-two'));
  t.is((await second)['Password'], 'token-two');
  t.true(erase.startsWith('action=erase\n'));
  t.true(erase.includes('\npassword=token-one\n'));
});

for (const address of [
  'https://api.nuget.org/v3/index.json',
  'https://github.com/contoso/_packaging.json',
  'https://pkgs.dev.azure.com/',
  'https://example.visualstudio.com.example.org/x/_packagings/f/nuget/v3/index.json',
  'http://pkgs.dev.azure.com/contoso/_packaging/packages/nuget/v3/index.json',
  'file:///packages',
  '/packages',
  '',
])
  test.serial(`the daemon is not asked for ${address || 'nothing'}`, async (t) => {
    const {daemon, nuget} = await connected(t);
    t.deepEqual(await nuget.credentials(address), {ResponseCode: 'NotFound'});
    t.is(daemon.requests.length, 0);
  });

test.serial('a source without a daemon is explained in the log of NuGet', async (t) => {
  const nuget = new NugetClient(t, {ORGKEY_RUNTIME_DIR: '/nonexistent', HOME: '/nonexistent'});
  await nuget.shakeHands();
  await nuget.ask('SetLogLevel', {LogLevel: 'Minimal'});
  const answer = await nuget.credentials(FEED.replace('contoso', 'nobody-serves-this'));
  t.is(answer['ResponseCode'], 'Error');
  const log = await nuget.message('a line of the log', ({Method}) => Method === 'Log');
  t.deepEqual(Object.keys(log.Payload ?? {}), ['LogLevel', 'Message']);
});

test.serial('a reason of the daemon reaches the log, but only what NuGet wants to hear', async (t) => {
  const {daemon, nuget} = await connected(t);
  const reason = 'orgkey-error=contoso: the secret expired\norgkey-hint=make a new one\n';
  const silent = nuget.credentials(FEED);
  await daemon.answer(0, reason);
  t.deepEqual(await silent, {Message: 'orgkey: contoso: the secret expired', ResponseCode: 'Error'});
  await nuget.ask('SetLogLevel', {LogLevel: 'Error'});
  const alsoSilent = nuget.credentials(FEED);
  await daemon.answer(1, reason);
  await alsoSilent;
  t.false(nuget.received.some(({Method}) => Method === 'Log'));
  await nuget.ask('SetLogLevel', {LogLevel: 'Debug'});
  const told = nuget.credentials(FEED);
  await daemon.answer(2, reason);
  await told;
  const lines = nuget.received
    .filter(({Method}) => Method === 'Log')
    .map(({Payload}) => Payload?.['Message']);
  t.deepEqual(lines, ['orgkey: error: contoso: the secret expired', 'orgkey: hint: make a new one']);
});

test.serial('an organization that is not configured is left to other providers', async (t) => {
  const {daemon, nuget} = await connected(t);
  await nuget.ask('SetLogLevel', {LogLevel: 'Minimal'});
  const answer = nuget.credentials(FEED);
  await daemon.answer(0, 'orgkey-uncovered=contoso\n');
  t.deepEqual(await answer, {ResponseCode: 'NotFound'});
  await nuget.message('a line of the log', ({Method}) => Method === 'Log');
});

test.serial('a feed of a server is asked for, but starts no daemon', async (t) => {
  const {daemon, nuget} = await connected(t);
  const address = 'https://azure.example.org/tfs/Main/_packaging/packages/nuget/v3/index.json';
  const answer = nuget.credentials(address);
  await daemon.answer(0, granted('token-of-server'));
  t.is((await answer)['Password'], 'token-of-server');
});

test.serial('lines of a megabyte, halves of lines and other letter cases are understood', async (t) => {
  const {daemon, nuget} = await connected(t);
  const big = JSON.stringify({
    PackageSourceRepository: FEED,
    ServiceIndex: 'ä'.repeat(1024 * 1024),
  });
  t.deepEqual(await nuget.ask('GetOperationClaims', JSON.parse(big)), {Claims: []});
  const address = FEED.replace('web', 'Größe');
  const line = Buffer.from(
    `${JSON.stringify({
      payload: {isretry: false, uri: address, isNonInteractive: true},
      method: 'getAuthenticationCredentials',
      type: 'request',
      requestId: nuget.newId(),
    })}\n`,
  );
  // in the middle of a letter
  const half = line.indexOf('ö') + 1;
  await nuget.written(line.subarray(0, half));
  await nuget.written(line.subarray(half));
  t.true((await daemon.answer(0, granted('x'))).includes(`\naddress=${address}\n`));
  const {Payload} = await nuget.message(
    'the answer',
    ({Type, Method}) => Type === 'Response' && Method.startsWith('getA'),
  );
  t.is(Payload?.['Password'], 'x');
});

test.serial('text other than a message changes nothing', async (t) => {
  const {nuget} = await connected(t);
  for (const text of ['', 'hello', '[]', '{}', '{"RequestId":"1","Type":"Request"}', '\uFEFF', 'null'])
    nuget.write(`${text}\r\n`);
  t.deepEqual(await nuget.ask('SetLogLevel', {LogLevel: 'Minimal'}), {ResponseCode: 'Success'});
});

test.serial('an unknown method gets a fault', async (t) => {
  const {nuget} = await connected(t);
  const id = nuget.send('Request', 'PrefetchPackage', {});
  const fault = await nuget.message('a fault', ({RequestId}) => RequestId === id);
  t.is(fault.Type, 'Fault');
});

test.serial('Close ends the plugin, without an answer and whatever is under way', async (t) => {
  const {daemon, nuget} = await connected(t);
  nuget.send('Request', 'GetAuthenticationCredentials', requestFor(FEED));
  await until(
    'the request',
    () => daemon.requests.length,
    (count) => count === 1,
  );
  const id = nuget.send('Request', 'Close', null);
  t.is(await nuget.ended, 0);
  t.false(nuget.received.some(({RequestId}) => RequestId === id));
});

test.serial('the end of standard input ends the plugin, and half a line does not count', async (t) => {
  const {daemon, nuget} = await connected(t);
  nuget.write('{"RequestId":"1","Type":"Request","Method":"GetAuthenticationCredentials","Payload":{}}');
  nuget.process.stdin?.end();
  t.is(await nuget.ended, 0);
  t.is(daemon.requests.length, 0);
  t.is(nuget.stderr, '');
});

test.serial('the plugin ends with the NuGet that started it', async (t) => {
  const {nuget} = await connected(t);
  const other = spawn('sleep', ['1000'], {stdio: 'ignore'});
  t.deepEqual(await nuget.ask('MonitorNuGetProcessExit', {ProcessId: other.pid}), {ResponseCode: 'Success'});
  other.kill('SIGKILL');
  t.is(await nuget.ended, 0);
});
