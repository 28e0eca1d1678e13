import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {decodeJwt} from '../cloud/jwt.ts';
import type {GitHome} from '../helpers/git-home.ts';
import {gitPerson} from '../helpers/git-person.ts';
import {gitWorld, withCredentials} from '../helpers/git-world.ts';
import {gits} from '../helpers/gits.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {startCloud} from '../cloud/cloud.ts';

/** Identities that come from where the daemon runs: the machine's, App Service's, Terraform's variables, an authority of one's own. */

const AUTHORITY = 'login.contoso.example';
const cloud = await startCloud({authorityHosts: [AUTHORITY]});
const certificate = await cloud.createClientCertificate();
test.after.always(() => cloud.close());
test.beforeEach(() => cloud.requests.clear());
test.afterEach.always(() => cloud.clearFaults());

const tenant = cloud.addTenant();
const elsewhere = cloud.addTenant();
const system = cloud.addManagedIdentity({tenant, kind: 'system-assigned', name: 'the machine'});
const assigned = cloud.addManagedIdentity({tenant, name: 'assigned'});
const app = tenant.addApplication();
const contoso = cloud.addOrganization('contoso', {tenant, members: [system, app]});
const fabrikam = cloud.addOrganization('fabrikam', {tenant, members: [assigned]});
const site = contoso.addRepository('web/site', {files: {a: 'a'}});
const tool = fabrikam.addRepository('tools/tool', {files: {b: 'b'}});

async function complains(
  t: ExecutionContext,
  home: GitHome,
  url: string,
  ...lines: readonly RegExp[]
): Promise<void> {
  const {code, stderr} = await home.git(['ls-remote', url]);
  t.not(code, 0);
  for (const line of lines) t.regex(stderr, line);
  t.regex(stderr, /told us to quit/);
  t.false(home.has('asked'));
}

function gitWorldOf(
  t: ExecutionContext,
  {disableInstanceDiscovery}: {readonly disableInstanceDiscovery: boolean},
) {
  return gitWorld(t, cloud, {
    configuration: `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}}
orgkey: {entra: {authorityHost: "https://${AUTHORITY}", disableInstanceDiscovery: ${String(disableInstanceDiscovery)}}}
`,
  });
}

function servedBy(organization: string): (string | undefined)[] {
  return cloud.requests.filter({endpoint: 'git', organization, status: 200}).map(({principal}) => principal);
}

for (const [where, endpoint, environment] of [
  ['IMDS', 'imds', {}],
  ['App Service', 'app-service', cloud.appServiceEnvironment()],
] as const) {
  test.serial(`${where}: the machine's own identity differs from an assigned one`, async (t) => {
    const {home} = await withCredentials(
      t,
      cloud,
      [
        'organizations: [contoso], clientId: system-assigned',
        `organizations: [fabrikam], clientId: ${assigned.clientId}`,
      ],
      {environment},
    );
    await home.succeed(['ls-remote', site.url]);
    await home.succeed(['ls-remote', tool.url]);
    t.deepEqual(new Set(servedBy('contoso')), new Set(['the machine']));
    t.deepEqual(new Set(servedBy('fabrikam')), new Set(['assigned']));
    const ids = cloud.requests.filter({endpoint, status: 200}).map(({query}) => query['client_id'] ?? 'none');
    t.deepEqual(ids.toSorted(), [assigned.clientId, 'none'].toSorted());
    t.is(cloud.requests.count({endpoint: endpoint === 'imds' ? 'app-service' : 'imds'}), 0);
  });
}

test.serial('App Service rejects the header of another app', async (t) => {
  const {home} = await withCredentials(t, cloud, ['organizations: [contoso], clientId: system-assigned'], {
    environment: {...cloud.appServiceEnvironment(), IDENTITY_HEADER: 'canary-header'},
  });
  await complains(
    t,
    home,
    site.url,
    /^orgkey: error: contoso: managed identity: the machine's metadata service refuses \(HTTP 401: .*\) \(ERR_HTTP_401\)$/m,
    /^orgkey: hint: Check that the machine has a managed identity/m,
  );
});

test.serial('an outage of IMDS goes unnoticed while a token lives', async (t) => {
  const down = cloud.fault({endpoint: 'managed-identity', reset: true, times: 'always'});
  const {daemon, home} = await withCredentials(t, cloud, [
    'organizations: [contoso], clientId: system-assigned',
  ]);
  await complains(
    t,
    home,
    site.url,
    /^orgkey: error: contoso: managed identity: this machine's metadata service .* cannot be reached .*\(ERR_NO_METADATA_SERVICE\)$/m,
    /^orgkey: hint: run: orgkey doctor contoso$/m,
  );
  t.like(await daemon.status(), {
    health: 'error',
    organizations: [{organization: 'contoso', state: 'failed'}],
  });
  down.clear();
  await daemon.call('clear', undefined);
  await home.succeed(['ls-remote', site.url]);
  t.is((await daemon.status()).health, 'ok');

  cloud.fault({endpoint: 'managed-identity', reset: true, times: 'always'});
  await home.succeed(['ls-remote', site.url]);
});

test.serial('the machine’s identity as assertion asks the authority of the other tenant', async (t) => {
  const bridge = tenant.addApplication({secret: false, multitenant: true, federatedCredentials: [system]});
  const abroad = cloud.addOrganization('abroad', {tenant: elsewhere, members: [bridge]});
  const {url} = abroad.addRepository('web/site', {files: {a: 'a'}});
  const {home, daemon} = await withCredentials(t, cloud, [
    `organizations: [abroad], clientId: ${bridge.clientId}, managedIdentityClientId: system-assigned, tenantId: ${elsewhere.id}`,
  ]);
  await home.succeed(['clone', url, 'abroad']);
  t.is(servedBy('abroad')[0], bridge.name);
  const [request, ...more] = cloud.requests.filter({endpoint: 'token', client: bridge.clientId});
  t.is(more.length, 0);
  t.is(request?.tenant, elsewhere.id);
  const shown = decodeJwt(request?.form['client_assertion'] ?? '')?.claims;
  t.like(shown, {iss: tenant.issuer, sub: system.objectId, azp: system.clientId});
  // Entra takes user-assigned ones only: Backstage's example works, with a warning
  t.regex((await daemon.status()).notices[0]?.message ?? '', /system-assigned/);
});

const token = cloud.addIssuer('https://cluster.example').token({subject: 'job'});
const pod = tenant.addApplication({
  secret: false,
  federatedCredentials: [{issuer: 'https://cluster.example', subject: 'job'}],
});
const job = cloud.addGithubJob();
const workflow = tenant.addApplication({secret: false, federatedCredentials: [job.credential]});
const pat = contoso.addPat({user: 'Ada'});
for (const member of [pod, workflow, assigned]) contoso.addMember(member);
const certified = tenant.addApplication({secret: false, certificates: [certificate.certificate]});
contoso.addMember(certified);

const of = (clientId: string) => ({ARM_CLIENT_ID: clientId, ARM_TENANT_ID: tenant.id});

/** The sources of Terraform's provider. `FILE` stands for one with the text beside it. */
const sources: readonly (readonly [
  title: string,
  variables: Readonly<Record<string, string>>,
  principal: string,
  file?: string,
])[] = [
  [
    'a personal access token',
    {AZDO_PERSONAL_ACCESS_TOKEN: pat.value, ...of(app.clientId), ARM_CLIENT_SECRET: app.secret},
    'Ada',
  ],
  ['a client secret', {...of(app.clientId), ARM_CLIENT_SECRET: app.secret}, app.name],
  [
    'a client secret in a file',
    {AZURE_CLIENT_ID: app.clientId, AZURE_TENANT_ID: tenant.id, ARM_CLIENT_SECRET_FILE_PATH: 'FILE'},
    app.name,
    app.secret,
  ],
  [
    'a certificate in base64',
    {...of(certified.clientId), ARM_CLIENT_CERTIFICATE: Buffer.from(certificate.pem).toString('base64')},
    certified.name,
  ],
  [
    'a federated token file',
    {...of(pod.clientId), ARM_USE_OIDC: 'true', ARM_OIDC_TOKEN_FILE_PATH: 'FILE'},
    pod.name,
    token,
  ],
  ['a federated token', {...of(pod.clientId), ARM_USE_OIDC: 'true', ARM_OIDC_TOKEN: token}, pod.name],
  ['a job of GitHub', {...of(workflow.clientId), ARM_USE_OIDC: 'true', ...job.environment}, workflow.name],
  ['the machine’s identity', {ARM_USE_MSI: 'true'}, 'the machine'],
  ['an identity of the machine', {ARM_USE_MSI: 'true', ARM_CLIENT_ID: assigned.clientId}, 'assigned'],
];

for (const [title, variables, principal, text] of sources) {
  test.serial(`Terraform’s variables: ${title}`, async (t) => {
    const file = join(scratchDirectory(t), 'file');
    if (text !== undefined) writeFileSync(file, `${text}\n`, {mode: 0o600});
    const environment = Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [name, value === 'FILE' ? file : value]),
    );
    const {home} = await withCredentials(t, cloud, ['environment: terraform'], {environment});
    await home.succeed(['ls-remote', site.url]);
    t.is(servedBy('contoso')[0], principal);
  });
}

test.serial('Terraform’s variables alone configure the organization that they name', async (t) => {
  const {home, daemon} = await gitWorld(t, cloud, {
    config: '',
    environment: {ARM_USE_MSI: 'true', AZDO_ORG_SERVICE_URL: 'https://dev.azure.com/contoso'},
  });
  await home.succeed(['ls-remote', site.url]);
  t.is(servedBy('contoso')[0], 'the machine');
  const {code} = await home.git(['ls-remote', tool.url]);
  t.not(code, 0, 'another organization is not ours');
  t.true(home.has('asked'));
  t.is((await daemon.status()).configuration.source, 'environment');
});

test.serial('a variable of Terraform that cannot be used is reported', async (t) => {
  const {home, daemon} = await withCredentials(t, cloud, ['environment: terraform'], {
    environment: {ARM_CLIENT_SECRET: 'canary-secret', ARM_CLIENT_ID: app.clientId},
  });
  const {code, stderr} = await home.git(['ls-remote', site.url]);
  t.not(code, 0);
  t.regex(
    stderr,
    /^orgkey: error: contoso: wrong credential: .*ARM_CLIENT_SECRET is set, but no tenant: ARM_TENANT_ID \(ERR_CREDENTIAL\)$/m,
  );
  t.regex(stderr, /^orgkey: hint: run: orgkey doctor contoso$/m);
  t.is((await daemon.status()).health, 'error');
  t.false(`${stderr}${daemon.stderr}`.includes('canary'));
});

const newer = gits.findLast(({hasAuthtype}) => hasAuthtype);

// git tells us what the server says from 2.41 on
testUnless(newer?.missing, test.serial)(
  'an organization of another tenant is reported at the first failure (git ≥ 2.46)',
  async (t) => {
    const guests = cloud.addOrganization('guests', {tenant: elsewhere});
    const {url} = guests.addRepository('web/site', {files: {a: 'a'}});
    const {daemon} = await withCredentials(t, cloud, [
      `organizations: [guests], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}`,
    ]);
    const home = await gitPerson(cloud, daemon, newer);
    t.teardown(() => home.remove());
    await daemon.call('token', {organization: 'guests', scope: undefined});
    const {code, stderr} = await home.git(['ls-remote', url]);
    t.not(code, 0);
    t.regex(
      stderr,
      /^orgkey: error: guests: client secret .*: Azure DevOps reject(?:s|ed) the credential.* \(ERR_NOT_ACCEPTED\)$/m,
    );
    t.true(
      stderr.includes(
        `orgkey: hint: The organization is connected to the tenant ${elsewhere.id}, and this identity is of ${tenant.id}: set tenantId: ${elsewhere.id}`,
      ),
      stderr,
    );
    t.is(cloud.requests.count({endpoint: 'token'}), 2);
  },
);

test.serial('a custom authority is used without asking Entra', async (t) => {
  const {home} = await gitWorldOf(t, {disableInstanceDiscovery: true});
  await home.succeed(['ls-remote', site.url]);
  const asked = cloud.requests.filter(({endpoint}) => ['token', 'openid', 'discovery'].includes(endpoint));
  t.true(asked.length > 0);
  t.true(
    asked.every(({host}) => host === AUTHORITY),
    'only our own authority was asked',
  );
});

test.serial('a custom authority that Entra does not know is accepted', async (t) => {
  const {home} = await gitWorldOf(t, {disableInstanceDiscovery: false});
  await complains(
    t,
    home,
    site.url,
    /^orgkey: error: contoso: client secret .*: the authority is not one that Entra knows \(AADSTS50049\)$/m,
    /^orgkey: hint: Check authorityHost; one of your own needs disableInstanceDiscovery: true\.$/m,
  );
});
