import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {type TestDaemon, daemonFor} from '../helpers/daemon.ts';
import {until} from '../helpers/patience.ts';
import {main} from '../helpers/program.ts';
import {NugetClient} from './nuget-client.ts';
import {cloudForSerial, addContoso} from '../helpers/cloud-for.ts';

const cloud = await cloudForSerial();

const {tenant, contoso, credential} = addContoso(cloud);
contoso.addFeed('packages');
const FEED = 'https://pkgs.dev.azure.com/contoso/_packaging/packages/nuget/v3/index.json';

const configuration = `integrations:
  azure:
    - credentials:
        - {${credential}}
orgkey: {prefetch: false}
`;

async function connected(t: ExecutionContext): Promise<{daemon: TestDaemon; nuget: NugetClient}> {
  const daemon = await daemonFor(t, {configuration, environment: cloud.environment()});
  const plugin = join(main, '../nuget-plugin-orgkey');
  const nuget = new NugetClient(
    t,
    {
      ...daemon.environment,
      HOME: daemon.directory,
      PATH: `${join(process.execPath, '..')}:${process.env['PATH']}`,
    },
    [plugin, '-Plugin'],
  );
  await nuget.shakeHands();
  await nuget.ask('SetLogLevel', {LogLevel: 'Minimal'});
  return {daemon, nuget};
}

/** Fetches the feed as NuGet does, and returns the status. */
async function fetchFeed(password: unknown): Promise<number> {
  const authorization = `Basic ${Buffer.from(`orgkey:${String(password)}`).toString('base64')}`;
  return (await cloud.request(FEED, {headers: {authorization}})).status;
}

test.serial('the credential for a feed opens it, and the audit trail names tool and feed', async (t) => {
  const {daemon, nuget} = await connected(t);
  const {Password, ResponseCode} = await nuget.credentials(FEED);
  t.is(ResponseCode, 'Success');
  t.is(await fetchFeed(Password), 200);
  const trail = join(daemon.directory, 'state/audit.jsonl');
  const line = await until(
    'the line',
    () =>
      (existsSync(trail) ? readFileSync(trail, 'utf8') : '')
        .split('\n')
        .find((one) => one.includes('"nuget"')),
    () => true,
  );
  t.like(JSON.parse(line), {tool: 'nuget', feed: 'packages', organization: 'contoso'});
});

test.serial('a refused credential is replaced by another one', async (t) => {
  const {nuget} = await connected(t);
  const first = (await nuget.credentials(FEED))['Password'];
  cloud.revoke(String(first));
  t.is(await fetchFeed(first), 401);
  const second = (await nuget.credentials(FEED, 'retry'))['Password'];
  t.not(second, first);
  t.is(await fetchFeed(second), 200);
});

test.serial('ten NuGets at once cause one request to Entra', async (t) => {
  const {daemon} = await connected(t);
  const clients = Array.from(
    {length: 10},
    () => new NugetClient(t, {...daemon.environment, HOME: daemon.directory}),
  );
  const answers = await Promise.all(
    clients.map(async (client) => {
      await client.shakeHands();
      return client.credentials(FEED);
    }),
  );
  t.is(new Set(answers.map(({Password}) => Password)).size, 1);
  t.is(cloud.requests.count({endpoint: 'token', tenant: tenant.id}), 1);
});

test.serial('a failing organization says why, and another one is left to other providers', async (t) => {
  const {nuget} = await connected(t);
  cloud.fault({endpoint: 'token', aadsts: 7000222, error: 'invalid_client'});
  const {ResponseCode, Message} = await nuget.credentials(FEED);
  t.is(ResponseCode, 'Error');
  t.regex(String(Message), /contoso/);
  t.deepEqual(await nuget.credentials(FEED.replace('contoso', 'unknown')), {ResponseCode: 'NotFound'});
  await nuget.message('why', ({Payload}) =>
    String(Payload?.['Message']).includes('unknown is not configured'),
  );
});
