import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {Person} from '../helpers/command-line.ts';
import {gitWorld} from '../helpers/git-world.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {cloudForFile} from '../helpers/cloud-for.ts';

/**
 * An app-config of Backstage as a company has it, given to the daemon as it is. What each repository gets is what
 * Backstage would take: the credential that names the organization, else the one of the host that names none.
 *
 * @see https://backstage.io/docs/integrations/azure/locations
 */

const cloud = await cloudForFile();

const tenant = cloud.addTenant();
const otherTenant = cloud.addTenant();
const machine = cloud.addManagedIdentity({tenant, kind: 'system-assigned', name: 'the machine'});
const assigned = cloud.addManagedIdentity({tenant, name: 'assigned'});
const servicePrincipal = tenant.addApplication({name: 'service principal'});
const bridge = tenant.addApplication({
  name: 'bridge',
  secret: false,
  multitenant: true,
  federatedCredentials: [assigned, machine],
});
const homeBridge = tenant.addApplication({
  name: 'home bridge',
  secret: false,
  federatedCredentials: [assigned],
});

const myOrg = cloud.addOrganization('my-org', {tenant, members: [servicePrincipal]});
const myOther = cloud.addOrganization('my-other-org', {tenant, members: [servicePrincipal]});
const another = cloud.addOrganization('another-org', {tenant, members: [assigned]});
const yetAnother = cloud.addOrganization('yet-another-org', {tenant});
const home = cloud.addOrganization('home-org', {tenant, members: [homeBridge]});
const abroad = cloud.addOrganization('abroad-org', {tenant: otherTenant, members: [bridge]});
const anywhere = cloud.addOrganization('anywhere-org', {tenant, members: [machine]});
const collection = cloud.addServer('tfs.example.org').addCollection('Team');
const pat = yetAnother.addPat({user: 'Ada'});
const serverPat = collection.addPat({user: 'Grace'});

const appConfig = `app:
  title: Scaffolded Backstage App
  baseUrl: http://localhost:3000
organization:
  name: My Company
backend:
  baseUrl: http://localhost:7007
  auth:
    keys:
      - secret: \${BACKEND_SECRET}
  listen:
    port: 7007
  csp:
    connect-src: ["'self'", 'http:', 'https:']
  database:
    client: better-sqlite3
    connection: ':memory:'
integrations:
  github:
    - host: github.com
      token: \${GITHUB_TOKEN}
  gitlab:
    - host: gitlab.com
      token:
        $include: gitlab.yaml#token
  azure:
    - host: dev.azure.com
      credentials:
        - organizations:
            - my-org
            - my-other-org
          clientId: \${AZURE_CLIENT_ID}
          clientSecret: \${AZURE_CLIENT_SECRET}
          tenantId: \${AZURE_TENANT_ID}
        - organizations:
            - another-org
          clientId: \${MANAGED_IDENTITY_CLIENT_ID}
        - organizations:
            - yet-another-org
          personalAccessToken: \${PERSONAL_ACCESS_TOKEN}
        - organizations:
            - home-org
          clientId: \${APP_REGISTRATION_CLIENT_ID}
          managedIdentityClientId: \${MANAGED_IDENTITY_CLIENT_ID}
          tenantId: \${AZURE_TENANT_ID}
        - organizations:
            - abroad-org
          clientId: \${MULTITENANT_CLIENT_ID}
          managedIdentityClientId: system-assigned
          tenantId: \${OTHER_TENANT_ID}
        - clientId: system-assigned
    - host: tfs.example.org
      apiVersion: '6.0'
      credentials:
        - personalAccessToken:
            $env: SERVER_PAT
catalog:
  providers:
    azureDevOps:
      yourProviderId:
        host: dev.azure.com
        organization: my-org
        project: '*'
        schedule: {frequency: {minutes: 30}, timeout: {minutes: 3}}
techdocs:
  builder: local
`;

const environment = {
  ...cloud.environment(),
  AZURE_CLIENT_ID: servicePrincipal.clientId,
  AZURE_CLIENT_SECRET: servicePrincipal.secret,
  AZURE_TENANT_ID: tenant.id,
  MANAGED_IDENTITY_CLIENT_ID: assigned.clientId,
  APP_REGISTRATION_CLIENT_ID: homeBridge.clientId,
  MULTITENANT_CLIENT_ID: bridge.clientId,
  OTHER_TENANT_ID: otherTenant.id,
  PERSONAL_ACCESS_TOKEN: pat.value,
  SERVER_PAT: serverPat.value,
};

/** Repository, line of the credential, whether its organization is named, what `which` calls the identity, whom Azure DevOps saw. */
const rows = [
  [myOrg, 29, 'names it', `client secret ${servicePrincipal.clientId.slice(0, 8)}…`, 'service principal'],
  [myOther, 29, 'names it', `client secret ${servicePrincipal.clientId.slice(0, 8)}…`, 'service principal'],
  [another, 35, 'names it', `managed identity ${assigned.clientId.slice(0, 8)}…`, 'assigned'],
  [yetAnother, 38, 'names it', 'personal access token', 'Ada'],
  [home, 41, 'names it', `managed identity assertion ${homeBridge.clientId.slice(0, 8)}…`, 'home bridge'],
  [abroad, 46, 'names it', `managed identity assertion ${bridge.clientId.slice(0, 8)}…`, 'bridge'],
  [anywhere, 51, 'the fallback of its host', 'managed identity', 'the machine'],
  [collection, 55, 'the fallback of its host', 'personal access token', 'Grace'],
] as const;

test('Backstage’s examples select the same by `which` and by requests', async (t) => {
  const config = join(scratchDirectory(t), 'app-config.yaml');
  // as it lies in a repository: readable by everybody, and without a secret in it
  writeFileSync(config, appConfig, {mode: 0o644});
  const {daemon, home: git} = await gitWorld(t, cloud, {config, environment});
  const person = new Person(t, {...environment, ...daemon.environment});
  const {health, configuration} = await daemon.status();
  t.deepEqual(configuration.problems, []);
  t.deepEqual(
    configuration.warnings.map(({place}) => place.replace(/^.*\//, '')),
    ['app-config.yaml:49:36'],
    'the one that Entra does not take for real',
  );
  t.is(health, 'warning');

  for (const [organization, line, by, identity, principal] of rows) {
    const {url} = organization.addRepository('web/site', {files: {a: 'a'}});
    const which = await person.run('which', [url, '--config', config]);
    t.is(which.code, 0, which.stderr);
    const explained = which.stdout.replaceAll(/ {2,}/g, ': ');
    t.true(explained.includes(`identity: ${identity}\n`), which.stdout);
    t.regex(explained, new RegExp(`^rule: .*app-config\\.yaml:${line}:\\d+ \\(${by}\\)$`, 'm'));
    await git.succeed(['ls-remote', url]);
    const [served] = cloud.requests.filter({endpoint: 'git', organization: organization.name, status: 200});
    t.is(served?.principal, principal);
  }
  t.false(git.has('asked'));
  t.is((await daemon.status()).requests.failed, 0);
});
