import test from 'ava';
import {startCloud} from '../cloud/cloud.ts';
import {azureDevOps} from '../cloud/resources.ts';
import {Workplace} from './programs.ts';
import {addContoso} from '../helpers/cloud-for.ts';

const cloud = await startCloud();
const place = new Workplace(cloud);
test.after.always(async () => {
  place.close();
  await cloud.close();
});

const {tenant, app, contoso} = addContoso(cloud);
const repository = contoso.addRepository('web/site', {files: {a: 'a'}});
const refs = `${repository.url}/info/refs?service=git-upload-pack`;
const pat = contoso.addPat();
const basic = `Authorization: Basic ${Buffer.from(`:${pat.value}`).toString('base64')}`;
const check = test.serial;

for (const host of ['dev.azure.com:80', 'dev.azure.com:443', 'dev.azure.com.', 'user@dev.azure.com']) {
  check(`the host ${host} is refused`, async (t) => {
    const {status} = await cloud.request(refs, {headers: {host}});
    t.not(status, 401);
    t.true(status >= 400);
  });
}

check('two Authorization headers are refused, although each is right', async (t) => {
  const once = ['-c', `http.extraHeader=${basic}`];
  t.is((await place.git(...once, 'ls-remote', repository.url)).status, 0);
  const twice = await place.git(...once, ...once, 'ls-remote', repository.url);
  t.regex(twice.stderr, /400/);
});

check('an organization of Microsoft accounts names no authority to git', async (t) => {
  const personal = cloud.addOrganization('personal', {tenant: null});
  const {url} = personal.addRepository('web/site');
  const answer = await cloud.request(`${url}/info/refs?service=git-upload-pack`);
  t.deepEqual(answer.challenges, [
    'Bearer',
    'Basic realm="https://tfsprodweu.app.visualstudio.com/"',
    'TFS-Federated',
  ]);
  t.is(answer.headers['x-vss-resourcetenant'], '00000000-0000-0000-0000-000000000000');
});

check('a token that a policy ended is challenged for claims, a newer one is not', async (t) => {
  const ask = (token: string) => cloud.request(refs, {headers: {authorization: `Bearer ${token}`}});
  const old = cloud.createToken(app);
  t.is((await ask(old)).status, 200);
  contoso.endedTokens = {at: cloud.now() + 1000, reason: 'TokenCreatedWithOutdatedPolicies'};
  const refused = await ask(old);
  t.is(refused.status, 401);
  const [bearer = ''] = refused.challenges;
  t.regex(bearer, /error="insufficient_claims", error_description="TokenCreated/);
  const claims = Buffer.from(/claims="([^"]*)"/.exec(bearer)?.[1] ?? '', 'base64').toString();
  t.regex(claims, /^\{"access_token":\{"nbf":\{"essential":true,"value":"\d+"\}\}\}$/);
  cloud.clockOffset = 5000;
  t.is((await ask(cloud.createToken(app))).status, 200);
  cloud.clockOffset = 0;
  contoso.endedTokens = undefined;
});

/** Exchanges an assertion of a service connection, and returns the code of the refusal. */
async function exchange(isOld: boolean, multitenant: boolean, trusts: 'it' | 'nothing' | 'another case') {
  const connection = cloud.addServiceConnection(contoso, {isOld});
  const {issuer, subject} = connection.credential;
  const trusted = {issuer, subject: trusts === 'it' ? subject : subject.toUpperCase()};
  const application = tenant.addApplication({
    secret: false,
    multitenant,
    federatedCredentials: trusts === 'nothing' ? [] : [trusted],
  });
  const {SYSTEM_OIDCREQUESTURI: uri, SYSTEM_ACCESSTOKEN: token} = connection.environment;
  const requested = await cloud.request(`${uri}?api-version=7.1&serviceConnectionId=${connection.id}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': '0',
    },
  });
  const {oidcToken = ''} = JSON.parse(requested.text) as {oidcToken?: string};
  const answer = await cloud.request(`https://login.microsoftonline.com/${tenant.id}/oauth2/v2.0/token`, {
    form: {
      grant_type: 'client_credentials',
      client_id: application.clientId,
      scope: `${azureDevOps.id}/.default`,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: oidcToken,
    },
  });
  return /AADSTS\d+/.exec(answer.text)?.[0] ?? answer.status;
}

check('Entra issues assertions of service connections for single-tenant apps only', async (t) => {
  t.is(await exchange(false, false, 'it'), 200);
  t.is(await exchange(false, true, 'it'), 'AADSTS70052');
  t.is(await exchange(true, true, 'it'), 200);
});

check('an app must trust the connection, letter by letter', async (t) => {
  t.is(await exchange(false, false, 'nothing'), 'AADSTS70025');
  t.is(await exchange(false, false, 'another case'), 'AADSTS7002138');
});

check('a tenant may forbid federation, or limit its issuers', async (t) => {
  tenant.federation = {forbidden: true};
  t.is(await exchange(false, false, 'it'), 'AADSTS700223');
  tenant.federation = {issuers: [tenant.issuer]};
  t.is(await exchange(false, false, 'it'), 200);
  t.is(await exchange(true, false, 'it'), 'AADSTS700238');
  tenant.federation = {};
});

check('a metadata service that is being updated answers 410 for its time', async (t) => {
  cloud.addManagedIdentity({tenant});
  const url = `${cloud.imdsUrl}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${azureDevOps.id}`;
  const ask = async () => (await cloud.request(url, {headers: {metadata: 'true'}})).status;
  cloud.machine.update(70_000);
  t.is(await ask(), 410);
  cloud.clockOffset = 69_000;
  t.is(await ask(), 410);
  cloud.clockOffset = 70_001;
  t.is(await ask(), 200);
  cloud.clockOffset = 0;
});

check('a throttled organization says how long, and serves no caller until then', async (t) => {
  contoso.throttledUntil = cloud.now() + 30_000;
  const headers = {authorization: `Bearer ${cloud.createToken(app)}`};
  const refused = await cloud.request(refs, {headers});
  t.is(refused.status, 429);
  t.regex(String(refused.headers['retry-after']), /^(?:29|30)$/);
  t.regex(refused.text, /TF400733/);
  cloud.clockOffset = 31_000;
  t.is((await cloud.request(refs, {headers})).status, 200);
  cloud.clockOffset = 0;
  contoso.throttledUntil = 0;
});

check('a repository may refuse while its neighbor serves', async (t) => {
  const closed = contoso.addRepository('web/closed', {files: {a: 'a'}});
  closed.isClosed = true;
  const headers = {authorization: basic.replace('Authorization: ', '')};
  const address = `${closed.url}/info/refs?service=git-upload-pack`;
  t.is((await cloud.request(address, {headers})).status, 401);
  t.is((await cloud.request(refs, {headers})).status, 200);
});
