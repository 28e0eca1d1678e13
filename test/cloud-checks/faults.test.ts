import test from 'ava';
import {startCloud} from '../cloud/cloud.ts';
import type {Finished} from './programs.ts';
import {Workplace, withUser} from './programs.ts';

const cloud = await startCloud();
const place = new Workplace(cloud);
const tenant = cloud.addTenant({name: 'Contoso'});
const app = tenant.addApplication();
const org = cloud.addOrganization('contoso', {tenant, members: [app]});
const pat = org.addPat();
const repository = org.addRepository('project/app', {files: {'a.txt': 'a'}});
const identity = cloud.addManagedIdentity({tenant});

test.after.always(async () => {
  place.close();
  await cloud.close();
});

// faults belong to the whole cloud
const check = test.serial;
check.afterEach(() => cloud.clearFaults());

const devOps = '499b84ac-1321-427f-aa17-267ca6975798';
const form = {
  grant_type: 'client_credentials',
  client_id: app.clientId,
  client_secret: app.secret,
  scope: `${devOps}/.default`,
};
const ask = (id = tenant.id): ReturnType<typeof cloud.request> =>
  cloud.request(`https://login.microsoftonline.com/${id}/oauth2/v2.0/token`, {form});
const imds = (): ReturnType<typeof cloud.request> =>
  cloud.request(`${cloud.imdsUrl}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${devOps}`, {
    headers: {metadata: 'true'},
  });
const lsRemote = (): Promise<Finished> => place.git('ls-remote', withUser(repository.url, 'x', pat.value));

check('a fault hits as often as it is set to, and is recorded', async (t) => {
  const fault = cloud.fault({endpoint: 'token', status: 429, headers: {'retry-after': '3600'}, times: 2});
  t.like(await ask(), {status: 429});
  t.is((await ask()).headers['retry-after'], '3600');
  t.is((await ask()).status, 200);
  t.is(fault.uses, 2);
  t.is(cloud.requests.count({endpoint: 'token', faulty: true}), 2);
});

check('a standing fault stays until it is cleared, others wait behind it', async (t) => {
  const standing = cloud.fault({endpoint: 'entra', status: 503, times: 'always'});
  cloud.fault({endpoint: 'token', status: 500});
  t.is((await ask()).status, 503);
  t.is((await ask()).status, 503);
  standing.clear();
  t.is((await ask()).status, 500);
  t.is((await ask()).status, 200);
});

check('a fault may be for one tenant, one host, one path, and begin later', async (t) => {
  const other = cloud.addTenant();
  cloud.fault({endpoint: 'token', tenant: other.id, status: 500, times: 'always'});
  cloud.fault({host: '*.microsoftonline.com', path: '*/token', method: 'POST', after: 1, status: 502});
  t.is((await ask()).status, 200);
  t.is((await ask()).status, 502);
  t.is((await ask(other.id)).status, 500);
});

check('answers are cut, changed, late or not JSON', async (t) => {
  cloud.fault({endpoint: 'token', omit: ['expires_in'], set: {refresh_in: 7}});
  const changed = JSON.parse((await ask()).text) as object;
  t.false('expires_in' in changed);
  t.like(changed, {refresh_in: 7, token_type: 'Bearer'});
  cloud.fault({endpoint: 'token', truncate: 20});
  await t.throwsAsync(ask(), {message: /aborted|hang up/});
  cloud.fault({endpoint: 'token', body: '<html>'});
  t.is((await ask()).text, '<html>');
  cloud.fault({endpoint: 'token', bodyLength: 10_000_000});
  t.is((await ask()).text.length, 10_000_000);
  cloud.fault({endpoint: 'token', dateSkew: -3_600_000});
  const {date} = (await ask()).headers;
  t.true(Math.abs(Date.parse(date ?? '') - (Date.now() - 3_600_000)) < 60_000);
  cloud.fault({endpoint: 'token', aadsts: 50076, error: 'interaction_required'});
  t.like(JSON.parse((await ask()).text), {error: 'interaction_required', error_codes: [50076]});
  cloud.fault({endpoint: 'token', delay: 50});
  const before = performance.now();
  await ask();
  t.true(performance.now() - before >= 49);
});

check('connections are reset, or never answered', async (t) => {
  cloud.fault({endpoint: 'token', reset: true});
  await t.throwsAsync(ask(), {code: 'ECONNRESET'});
  cloud.fault({endpoint: 'imds', reset: true});
  await t.throwsAsync(imds(), {code: 'ECONNRESET'});
  cloud.fault({endpoint: 'token', hang: true});
  const hanging = ask();
  const outcome = Promise.race([
    hanging.then(() => 'answered'),
    cloud.requests.waitFor({endpoint: 'token', faulty: true}, 1).then(() => 'asked'),
  ]);
  t.is(await outcome, 'asked');
  // it ends with the cloud
  hanging.catch(() => undefined);
});

check('IMDS answers what a fault sets', async (t) => {
  for (const status of [404, 410, 429, 500]) {
    cloud.fault({endpoint: 'imds', status, headers: {'retry-after': '1'}});
    t.is((await imds()).status, status);
  }
});

async function imdsToken(): Promise<string> {
  return (JSON.parse((await imds()).text) as {access_token: string}).access_token;
}

check('IMDS returns the same token until a test makes it forget', async (t) => {
  const first = await imdsToken();
  t.is(await imdsToken(), first);
  cloud.machine.forgetTokens();
  t.not(await imdsToken(), first);
  t.true(identity.clientId.length === 36);
});

check('IMDS wants its header, and its token lives a day', async (t) => {
  const url = `${cloud.imdsUrl}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${devOps}`;
  const without = await cloud.request(url);
  t.is(without.status, 400);
  t.regex(without.text, /Required metadata header not specified/);
  cloud.machine.forgetTokens();
  const {expires_in: life} = JSON.parse((await imds()).text) as {expires_in: string};
  // in whole seconds, rounded down
  t.true(Number(life) > 86_390 && Number(life) < 86_400, life);
});

check('git sees faults of Azure DevOps', async (t) => {
  cloud.fault({endpoint: 'git', status: 503, times: 'always'});
  t.regex((await lsRemote()).stderr, /503/);
  cloud.clearFaults();
  cloud.fault({endpoint: 'azure-devops', reset: true, times: 'always'});
  t.not((await lsRemote()).status, 0);
  cloud.clearFaults();
  t.is((await lsRemote()).status, 0);
});

for (const certificate of ['expired', 'untrusted', 'wrong-name'] as const)
  check(`git refuses a certificate that is ${certificate}`, async (t) => {
    cloud.fault({endpoint: 'tls', host: 'dev.azure.com', certificate});
    const {status, stderr} = await lsRemote();
    t.not(status, 0);
    t.regex(stderr, /certificate/i);
    t.is((await lsRemote()).status, 0);
  });

check('the proxy refuses, or cuts', async (t) => {
  cloud.fault({endpoint: 'proxy', host: 'dev.azure.com', status: 407});
  t.regex((await lsRemote()).stderr, /407/);
  cloud.fault({endpoint: 'proxy', reset: true});
  t.not((await lsRemote()).status, 0);
});

async function tokenLife(): Promise<unknown> {
  return (JSON.parse((await ask()).text) as {expires_in: number}).expires_in;
}

check('tokens live as long as they are set to', async (t) => {
  cloud.tokenSettings.life = 60;
  t.is(await tokenLife(), 60);
  cloud.tokenSettings.life = 3599;
  const token = cloud.createToken(app);
  cloud.clockOffset = 3_600_000;
  const clone = await place.gitWithToken(token, 'ls-remote', repository.url);
  t.not(clone.status, 0);
  t.is(cloud.requests.filter({endpoint: 'git'}).at(-1)?.refusal, 'expired');
  cloud.clockOffset = 0;
});

check('IMDS is reached through the proxy only if a test allows it', async (t) => {
  const environment = {
    http_proxy: cloud.proxyUrl,
    no_proxy: '',
    NO_PROXY: '',
    AZURE_POD_IDENTITY_AUTHORITY_HOST: '',
  };
  const curl = await place.run(
    'curl',
    [
      '-s',
      '-o',
      place.path('out'),
      '-w',
      '%{http_code}',
      'http://169.254.169.254/metadata/identity/oauth2/token',
    ],
    environment,
  );
  t.is(curl.stdout, '502');
  t.is(cloud.proxyRequests.count({method: 'GET', host: '169.254.169.254', status: 502}), 1);
});
