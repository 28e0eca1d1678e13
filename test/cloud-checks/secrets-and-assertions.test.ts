import test from 'ava';
import {startCloud} from '../cloud/cloud.ts';
import {cloudForFile} from '../helpers/cloud-for.ts';

const cloud = await cloudForFile();

const tenant = cloud.addTenant();
const reader = tenant.addApplication({name: 'reader'});
const stranger = tenant.addApplication({name: 'stranger'});
const vault = cloud.addVault('team-secrets', {secrets: {pat: 'the PAT'}, readers: [reader.principal()]});
const job = cloud.addGithubJob();
const org = cloud.addOrganization('contoso', {tenant});
const connection = cloud.addServiceConnection(org);
const resource = 'https://vault.azure.net';

function read(name: string, token?: string): ReturnType<typeof cloud.request> {
  const headers: Record<string, string> = token === undefined ? {} : {authorization: `Bearer ${token}`};
  return cloud.request(`${vault.url}/secrets/${name}?api-version=7.4`, {headers});
}

test('a vault shows its secrets only to readers', async (t) => {
  const {status, text} = await read('pat', cloud.createToken(reader, {resource}));
  t.is(status, 200);
  t.like(JSON.parse(text), {value: 'the PAT'});
  const anonymous = await read('pat');
  t.is(anonymous.status, 401);
  t.regex(anonymous.challenges.join(''), /resource="https:\/\/vault\.azure\.net"/);
  t.is((await read('pat', cloud.createToken(stranger, {resource}))).status, 403);
  t.is((await read('pat', cloud.createToken(reader))).status, 401, 'a token for something else');
  t.is((await read('other', cloud.createToken(reader, {resource}))).status, 404);
});

test('GitHub gives assertions to its jobs only, at the address of the job', async (t) => {
  const {ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token} = job.environment;
  const {environment: other} = cloud.addGithubJob();
  const ask = async (address: string, authorization: string | undefined): Promise<number> =>
    (await cloud.request(address, {headers: authorization === undefined ? {} : {authorization}})).status;
  t.is(await ask(url, `bearer ${token}`), 200);
  t.is(await ask(`${url}&audience=api://AzureADTokenExchange`, `bearer ${token}`), 200);
  t.is(await ask(url, 'bearer wrong'), 401);
  t.is(await ask(url, undefined), 401);
  t.is(await ask(url, `basic ${token}`), 401);
  t.is(await ask(other.ACTIONS_ID_TOKEN_REQUEST_URL, `bearer ${token}`), 401);
  t.is(await ask(url.replace('?api-version=2.0', ''), `bearer ${token}`), 400);
  t.is(await ask(`${url}&audience=a&audience=b`, `bearer ${token}`), 400);
});

test('Azure Pipelines gives assertions for a connection to its jobs only', async (t) => {
  const {SYSTEM_OIDCREQUESTURI: base, SYSTEM_ACCESSTOKEN: token} = connection.environment;
  const ask = async ({
    id = connection.id,
    authorization = `Bearer ${token}`,
    method = 'POST',
    version = 'api-version=7.1&',
    headers = {},
  }): Promise<number> => {
    const all = {
      authorization,
      'content-type': 'application/json',
      'content-length': '0',
      'x-tfs-fedauthredirect': 'Suppress',
      ...headers,
    };
    const url = `${base}?${version}serviceConnectionId=${id}`;
    return (await cloud.request(url, {method, headers: all})).status;
  };
  t.is(await ask({}), 200);
  t.is(await ask({authorization: 'Bearer wrong'}), 401);
  t.is(await ask({authorization: `Basic ${token}`}), 401);
  t.is(await ask({authorization: 'Bearer wrong', headers: {'x-tfs-fedauthredirect': ''}}), 302);
  t.is(await ask({id: '55555555-5555-5555-5555-555555555555'}), 404);
  t.is(await ask({id: cloud.addServiceConnection(org, {name: 'other'}).id}), 404, 'of another job');
  t.is(await ask({method: 'GET'}), 405);
  t.is(await ask({version: ''}), 400);
  t.is(await ask({version: 'api-version=6.0&'}), 400);
  t.is(await ask({headers: {'content-type': 'text/plain'}}), 415);
});

test('a machine with several identities wants the name of one', async (t) => {
  const machine = await startCloud();
  const devOps = '499b84ac-1321-427f-aa17-267ca6975798';
  const imds = async (more = ''): Promise<[number, string]> => {
    const url = `${machine.imdsUrl}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${devOps}${more}`;
    const {status, text} = await machine.request(url, {headers: {metadata: 'true'}});
    return [status, text];
  };
  t.regex((await imds())[1], /Identity not found/);
  const first = machine.addManagedIdentity();
  t.is((await imds())[0], 200, 'the only one is meant');
  machine.addManagedIdentity();
  t.regex((await imds())[1], /Multiple user assigned identities exist/);
  t.is((await imds(`&client_id=${first.clientId}`))[0], 200);
  const system = machine.addManagedIdentity({kind: 'system-assigned'});
  t.like(JSON.parse((await imds())[1]), {client_id: system.clientId});
  await machine.close();
});

test('App Service wants its header', async (t) => {
  const {IDENTITY_ENDPOINT: url = '', IDENTITY_HEADER: header = ''} = cloud.appServiceEnvironment();
  const query = '?api-version=2019-08-01&resource=499b84ac-1321-427f-aa17-267ca6975798';
  t.is((await cloud.request(url + query)).status, 401);
  const found = await cloud.request(url + query, {headers: {'x-identity-header': header}});
  t.is(found.status, 400, 'no identity is assigned');
});
