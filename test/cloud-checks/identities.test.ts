import {writeFileSync} from 'node:fs';
import test from 'ava';
import type {Macro} from 'ava';
import {startCloud} from '../cloud/cloud.ts';
import {decodeJwt} from '../cloud/jwt.ts';
import type {Job, Outcome} from './acquire-token.ts';
import {Workplace} from './programs.ts';

const cloud = await startCloud({authorityHosts: ['login.example.org']});
const place = new Workplace(cloud);

const tenant = cloud.addTenant({name: 'Contoso'});
const other = cloud.addTenant({name: 'Fabrikam'});
const tenantId = tenant.id;
const certificate = await cloud.createClientCertificate();
const app = tenant.addApplication({certificates: [certificate.certificate]});
const {clientId, secret} = app;
const system = cloud.addManagedIdentity({tenant, kind: 'system-assigned'});
const user = cloud.addManagedIdentity({tenant});
const federated = other.addApplication({secret: false, federatedCredentials: [user]});
const cluster = cloud.addIssuer('https://cluster.example.org/');
const pod = {issuer: cluster.url, subject: 'system:serviceaccount:a:b'};
const org = cloud.addOrganization('contoso', {tenant});
const job = cloud.addGithubJob();
const connection = cloud.addServiceConnection(org);
const workload = tenant.addApplication({
  secret: false,
  federatedCredentials: [pod, job.credential, connection.credential],
});
const tokenFile = place.path('token');
writeFileSync(tokenFile, cluster.token({subject: pod.subject}));

test.after.always(async () => {
  place.close();
  await cloud.close();
});

// one after the other: each is a Node process of its own
const check = test.serial;

const gets: Macro<[Job, {oid: string; tid: string}, Record<string, string>?]> = {
  exec: async (t, job, wanted, environment = {}) => {
    const outcome = await place.acquire(job, environment);
    t.true('token' in outcome, JSON.stringify(outcome));
    const claims = 'token' in outcome ? decodeJwt(outcome.token)?.claims : undefined;
    t.is(claims?.['oid'], wanted.oid);
    t.is(claims?.['tid'], wanted.tid);
  },
  title: (given, job) => `${given ?? job.kind} gets a token`,
};
const own = {oid: app.objectId, tid: tenantId};

check(gets, {kind: 'secret', tenantId, clientId, secret}, own);
check('a secret, tenant by domain', gets, {kind: 'secret', tenantId: tenant.domain, clientId, secret}, own);
check(gets, {kind: 'certificate', tenantId, clientId, certificate: certificate.pem}, own);
check(
  'system-assigned managed identity',
  gets,
  {kind: 'managed-identity'},
  {oid: system.objectId, tid: tenantId},
);
check(
  'user-assigned managed identity',
  gets,
  {kind: 'managed-identity', clientId: user.clientId},
  {oid: user.objectId, tid: tenantId},
);
check(
  'managed identity on App Service',
  gets,
  {kind: 'managed-identity', clientId: user.clientId},
  {oid: user.objectId, tid: tenantId},
  cloud.appServiceEnvironment(),
);
check(
  'managed identity into another tenant',
  gets,
  {
    kind: 'managed-identity-assertion',
    tenantId: other.id,
    clientId: federated.clientId,
    managedIdentityClientId: user.clientId,
  },
  {oid: federated.objectId, tid: other.id},
);
check(
  'token file',
  gets,
  {kind: 'token-file', tenantId, clientId: workload.clientId, file: tokenFile},
  {oid: workload.objectId, tid: tenantId},
);
check(
  'Azure Pipelines',
  gets,
  {
    kind: 'pipelines',
    tenantId,
    clientId: workload.clientId,
    connectionId: connection.id,
    accessToken: connection.environment.SYSTEM_ACCESSTOKEN,
  },
  {oid: workload.objectId, tid: tenantId},
  connection.environment,
);
check(
  'custom authority',
  gets,
  {
    kind: 'secret',
    tenantId,
    clientId,
    secret,
    authorityHost: 'https://login.example.org',
    disableInstanceDiscovery: true,
  },
  own,
);

const isRoot = process.getuid?.() === 0;
(isRoot ? check : check.skip)(
  'managed identity of Azure Arc (only as root, who owns its directory)',
  gets,
  {kind: 'managed-identity', clientId: user.clientId},
  {oid: user.objectId, tid: tenantId},
  cloud.arcEnvironment(),
);

check('GitHub Actions gives an assertion that Entra takes', async (t) => {
  const {ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token} = job.environment;
  const answer = await cloud.request(`${url}&audience=api://AzureADTokenExchange`, {
    headers: {authorization: `bearer ${token}`},
  });
  t.is(answer.status, 200);
  const {value} = JSON.parse(answer.text) as {value: string};
  const outcome = await place.acquire({
    kind: 'assertion',
    tenantId,
    clientId: workload.clientId,
    assertion: value,
  });
  t.true('token' in outcome, JSON.stringify(outcome));
});

check('a user approves a device code', async (t) => {
  const person = tenant.addUser({name: 'Ada'});
  const client = tenant.addApplication({public: true});
  const outcome = place.acquire({kind: 'device-code', tenantId, clientId: client.clientId});
  await cloud.requests.waitFor({endpoint: 'device-code', client: client.clientId, status: 200});
  const [code = ''] = cloud.entra.pendingUserCodes;
  const visit = await cloud.browse(`https://login.microsoft.com/device?otc=${code}`, person);
  t.regex(visit.page, /You have signed in/);
  const found = await outcome;
  t.is('token' in found ? decodeJwt(found.token)?.claims['upn'] : found.message, person.userPrincipalName);
  t.true(cloud.requests.count({endpoint: 'token', client: client.clientId, status: 400}) <= 1);
});

const isRefused: Macro<[Job, RegExp]> = {
  exec: async (t, job, wanted) => {
    const outcome: Outcome = await place.acquire(job);
    t.regex('error' in outcome ? outcome.message : '', wanted);
  },
  title: (_, job, wanted) => `${job.kind} is refused: ${wanted.source}`,
};

check(isRefused, {kind: 'secret', tenantId, clientId, secret: 'wrong'}, /AADSTS7000215/);
check(isRefused, {kind: 'secret', tenantId: other.id, clientId, secret}, /AADSTS700016/);
check(
  isRefused,
  {kind: 'secret', tenantId: '11111111-1111-1111-1111-111111111111', clientId, secret},
  /AADSTS90002/,
);
check(
  isRefused,
  {kind: 'assertion', tenantId, clientId: workload.clientId, assertion: cluster.token({subject: 'another'})},
  /AADSTS700213/,
);
check(
  isRefused,
  {kind: 'managed-identity', clientId: '22222222-2222-2222-2222-222222222222'},
  /Identity not found/,
);
check(
  isRefused,
  {
    kind: 'secret',
    tenantId: '11111111-1111-1111-1111-111111111111',
    clientId,
    secret,
    authorityHost: 'https://login.example.org',
    disableInstanceDiscovery: true,
  },
  /endpoints_resolution_error/,
);
