import test from 'ava';
import type {Application, Tenant} from '../cloud/directory.ts';
import {helper} from '../helpers/daemon.ts';
import {patientOf} from '../helpers/doctor.ts';
import {addContoso} from '../helpers/cloud-for.ts';

function secretOf(app: Application, {id}: Tenant, organizations: string): string {
  return `{organizations: [${organizations}], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${id}}`;
}

// serial: the tests share the CPU, of which each cloud, daemon and command line needs much
test.serial('a sound organization passes each step, and only Azure DevOps gets the token', async (t) => {
  let url = '';
  const {cloud, examine} = await patientOf(t, (cloud) => {
    const {tenant, app, contoso} = addContoso(cloud);
    url = contoso.addRepository('web/site', {files: {a: 'a'}}).url;
    return {credentials: secretOf(app, tenant, 'contoso')};
  });
  const {code, healthy, diagnostics, of} = await examine([url]);
  t.is(code, 0, JSON.stringify(diagnostics, undefined, 1));
  t.true(healthy);
  t.deepEqual([...new Set(diagnostics.map(({outcome}) => outcome))].toSorted(), ['ok', 'skipped']);
  t.regex(of('contoso', 'rule'), /^ok: client secret .*config\.yaml:\d+:\d+$/);
  t.regex(of('contoso', 'token'), /^ok: an access token, valid for 5\d min$/);
  t.regex(of('contoso', 'tenant'), /^ok: [0-9a-f-]{36}, same as the organization$/);
  t.regex(of('contoso', 'sign-in'), /^ok: as /);
  t.is(of('contoso', 'membership'), 'ok: the identity sees 1 repository');
  t.is(of('contoso', 'repository'), 'ok: can be read');
  t.regex(of('network', 'dev.azure.com'), /^ok: reached through the proxy 127\.0\.0\.1:\d+$/);
  t.is(of('network', 'clock'), 'ok: correct to the minute');
  const withToken = cloud.requests.filter(({authorization}) => authorization !== undefined);
  t.true(withToken.length > 0);
  t.true(withToken.every(({host}) => host === 'dev.azure.com'));
});

test.serial('a token that a policy of the tenant ended is never taken for a missing member', async (t) => {
  const {examine} = await patientOf(t, (cloud) => {
    const {tenant, app, contoso} = addContoso(cloud);
    contoso.addRepository('web/site', {files: {a: 'a'}});
    contoso.endedTokens = {at: Number.MAX_SAFE_INTEGER, reason: 'LocationPolicy'};
    return {credentials: secretOf(app, tenant, 'contoso')};
  });
  const url = 'https://dev.azure.com/contoso/web/_git/site';
  const {code, of} = await examine([url]);
  t.is(code, 1);
  const expected =
    /^failed: a policy of the tenant ended this token: LocationPolicy → have an admin of the tenant read the sign-in logs/;
  t.regex(of('contoso', 'sign-in'), expected);
  t.notRegex(of('contoso'), /Basic|add the identity|new token/);
});

test.serial('each organization is checked with its own identity', async (t) => {
  const {cloud, examine} = await patientOf(t, (cloud) => {
    const tenant = cloud.addTenant();
    const machine = cloud.addManagedIdentity({tenant});
    const contoso = cloud.addOrganization('contoso', {tenant, members: [machine]});
    contoso.addRepository('web/site', {files: {a: 'a'}});
    const pat = cloud.addOrganization('fabrikam', {tenant}).addPat();
    return {
      credentials: [
        `{organizations: [contoso], clientId: ${machine.clientId}}`,
        `{organizations: [fabrikam], personalAccessToken: "${pat.value}"}`,
        `{stored: true, organizations: [typed]}`,
      ].join(', '),
    };
  });
  const {code, of} = await examine();
  t.is(code, 0);
  t.regex(of('contoso', 'tenant'), /same as the organization/);
  t.is(of('contoso', 'membership'), 'ok: the identity sees 1 repository');
  t.is(of('fabrikam', 'token'), 'ok: a personal access token');
  t.regex(of('fabrikam', 'sign-in'), /^ok: as Pat Owner$/);
  t.regex(
    of('fabrikam', 'membership'),
    /^warning: the identity is not a member of any project.* → add it to a project/,
  );
  t.is(of('typed', 'token'), 'skipped: only git may use a password that was typed at its prompt');
  t.true(cloud.requests.filter({endpoint: 'connection-data'}).length >= 4);
});

test.serial('an organization of another tenant or of Microsoft accounts is explained', async (t) => {
  let other = '';
  const {examine} = await patientOf(t, (cloud) => {
    const tenant = cloud.addTenant();
    const app = tenant.addApplication();
    const machine = cloud.addManagedIdentity({tenant});
    const elsewhere = cloud.addTenant();
    other = elsewhere.id;
    cloud.addOrganization('stranger', {tenant: elsewhere});
    cloud.addOrganization('machines', {tenant: elsewhere});
    cloud.addOrganization('personal', {tenant: null});
    return {
      credentials: `${secretOf(app, tenant, 'stranger, personal')}, {organizations: [machines], clientId: ${machine.clientId}}`,
    };
  });
  const {code, of} = await examine();
  t.is(code, 1);
  t.true(
    of('stranger', 'tenant').startsWith(
      `failed: the organization is connected to ${other}, but the identity belongs to`,
    ),
  );
  t.true(of('stranger', 'tenant').includes(`→ set tenantId: ${other}`));
  t.regex(
    of('machines', 'tenant'),
    /→ a managed identity works in its own tenant only.*managedIdentityClientId/,
  );
  t.regex(
    of('personal', 'tenant'),
    /^failed: the organization uses Microsoft accounts.*→ use a personal access token, or connect it to a tenant/,
  );
  t.regex(of('stranger', 'sign-in'), /^failed: .*TF400813/);
});

test.serial('a missing member, organization, rule, repository or permission is explained', async (t) => {
  const {person, examine} = await patientOf(t, (cloud) => {
    const tenant = cloud.addTenant();
    const app = tenant.addApplication();
    const outsider = tenant.addApplication();
    const contoso = cloud.addOrganization('contoso', {tenant});
    contoso.addMember(app, {repositories: ['web/site']});
    contoso.addRepository('web/site', {files: {a: 'a'}});
    contoso.addRepository('web/secret', {files: {a: 'a'}});
    const pats = cloud.addOrganization('fabrikam', {tenant});
    pats.addRepository('shared/library', {files: {a: 'a'}});
    const pat = pats.addPat({scopes: ['vso.packaging']});
    cloud.addOrganization('club', {tenant});
    return {
      credentials: [
        secretOf(app, tenant, 'contoso, missing'),
        secretOf(outsider, tenant, 'club'),
        `{organizations: [fabrikam], personalAccessToken: "${pat.value}"}`,
      ].join(', '),
    };
  });
  const old = 'credential.https://contoso.visualstudio.com.helper';
  await person.git(['config', '--global', old, `!'${helper}'`]);
  const rows: readonly [target: string, group: string, title: string, expected: RegExp][] = [
    ['club', 'club', 'sign-in', /^failed: .*\(TF401444\) → .*Users/],
    ['missing', 'missing', 'organization', /^failed: no organization has that name → correct the spelling/],
    ['unknown', 'unknown', 'rule', /^failed: no credential covers this organization → add one/],
    [
      'https://dev.azure.com/contoso/web/_git/typo',
      'contoso',
      'repository',
      /^failed: .*\(TF401019\) \(HTTP 404\) → Check the spelling; give Read/,
    ],
    [
      'https://dev.azure.com/contoso/web/_git/secret',
      'contoso',
      'repository',
      /^failed: .*\(TF401019\) \(HTTP 404\)/,
    ],
    [
      'https://dev.azure.com/contoso/wab/_git/site',
      'contoso',
      'repository',
      /^failed: .*TF200016.* \(HTTP 404\) → correct the spelling/,
    ],
    [
      'https://dev.azure.com/fabrikam/shared/_git/library',
      'fabrikam',
      'repository',
      /^failed: .*\(TF400813\) \(HTTP 403\) → /,
    ],
    ['git@ssh.dev.azure.com:v3/contoso/web/site', 'contoso', 'git', /^failed: .*ssh\.dev\.azure\.com/],
    [
      'https://me:word@contoso.visualstudio.com/web/_git/site',
      'contoso',
      'git',
      /^failed: Authentication failed .* → use the URL without the login: /,
    ],
  ];
  for (const [target, group, title, expected] of rows) {
    const {code, of} = await examine([target]);
    t.is(code, expected.source.startsWith('^ok') ? 0 : 1, target);
    t.regex(of(group, title), expected, target);
  }
});

test.serial('a rejected sign-in is reported in each of its forms, and no redirect is followed', async (t) => {
  const {cloud, examine} = await patientOf(t, (cloud) => {
    const tenant = cloud.addTenant();
    const pat = cloud.addOrganization('contoso', {tenant}).addPat({expired: true});
    return {credentials: `{organizations: [contoso], personalAccessToken: "${pat.value}"}`};
  });
  const expired =
    /^failed: the personal access token has expired → create a new token: https:\/\/dev\.azure\.com\/contoso\/_usersSettings\/tokens$/;
  t.regex((await examine(['contoso'])).of('contoso', 'sign-in'), expired);
  const organization = cloud.azureDevOps.organization('contoso');
  for (const status of [203, 302] as const) {
    if (organization !== undefined) organization.unauthenticated = status;
    const {code, of} = await examine(['contoso']);
    t.is(code, 1);
    t.regex(
      of('contoso', 'sign-in'),
      new RegExp(
        `^failed: the personal access token is wrong.* \\(HTTP ${status}, it redirects to the sign-in page\\)`,
      ),
    );
  }
  t.is(cloud.requests.count({host: 'spsprodweu1.vssps.visualstudio.com'}), 0);
  cloud.fault({
    endpoint: 'connection-data',
    after: 1,
    body: '<html>',
    headers: {'content-type': 'text/html'},
  });
  t.regex(
    (await examine(['contoso'])).of('contoso', 'sign-in'),
    /^failed: a web page answers in the place of Azure DevOps \(HTTP 200\)/,
  );
});

test.serial('a failed token request is explained with its code and the tenant', async (t) => {
  const {examine} = await patientOf(t, (cloud) => {
    const tenant = cloud.addTenant();
    const other = cloud.addTenant();
    const app = tenant.addApplication();
    cloud.addOrganization('contoso', {tenant});
    cloud.addOrganization('stranger', {tenant: other});
    return {
      credentials: `{organizations: [contoso, stranger], clientId: ${app.clientId}, clientSecret: wrong-wrong-wrong, tenantId: ${tenant.id}}`,
    };
  });
  const {code, of} = await examine();
  t.is(code, 1);
  t.regex(of('contoso', 'token'), /^failed: .*\(AADSTS7000215\) → /);
  t.regex(of('contoso', 'tenant'), /^ok: /);
  t.regex(of('stranger', 'tenant'), /^failed: the organization is connected to/);
});

test.serial('the tenant is read from the address of the organization if its data has none', async (t) => {
  const {cloud, examine} = await patientOf(t, (cloud) => {
    const tenant = cloud.addTenant();
    const app = tenant.addApplication();
    cloud.addOrganization('contoso', {tenant, members: [app]});
    return {credentials: secretOf(app, tenant, 'contoso')};
  });
  cloud.fault({endpoint: 'connection-data', status: 200, body: {}});
  const {of} = await examine(['contoso']);
  t.regex(of('contoso', 'tenant'), /^ok: [0-9a-f-]{36}, same as the organization$/);
  t.is(cloud.requests.count({method: 'HEAD'}), 1);
});

test.serial('a collection of a server is found with and without tfs', async (t) => {
  const {examine} = await patientOf(t, (cloud) => {
    const collection = cloud.addServer('azure.example.org').addCollection('Main Collection');
    collection.addRepository('web/site', {files: {a: 'a'}});
    const pat = collection.addPat();
    const contoso = cloud.addOrganization('contoso').addPat();
    const server = `{host: azure.example.org, credentials: [{organizations: [Main Collection], personalAccessToken: "${pat.value}"}]}`;
    return {
      credentials: `{organizations: [contoso], personalAccessToken: "${contoso.value}"}`,
      servers: [server],
    };
  });
  const {of} = await examine();
  const name = 'azure.example.org/Main Collection';
  t.is(of(name, 'membership'), 'ok: the identity sees 1 repository');
  t.is(of(name, 'tenant'), '');
  t.regex(of('git', 'helper'), /failed: azure\.example\.org\/Main Collection: git has no credential helper/);
  const named = await examine(['https://azure.example.org/tfs/Main%20Collection/web/_git/site']);
  t.is(named.of(name, 'repository'), 'ok: can be read');
});

test.serial('a collection below another virtual directory is checked from end to end', async (t) => {
  const {examine} = await patientOf(t, (cloud) => {
    const collection = cloud
      .addServer('ado.example.org', {virtualDirectory: 'DevOps'})
      .addCollection('Main Collection');
    collection.addRepository('web/site', {files: {a: 'a'}});
    const server = `{host: ado.example.org/devops, credentials: [{organizations: [Main Collection], personalAccessToken: "${collection.addPat().value}"}]}`;
    const contoso = cloud.addOrganization('contoso').addPat();
    return {
      credentials: `{organizations: [contoso], personalAccessToken: "${contoso.value}"}`,
      servers: [server],
    };
  });
  const {of} = await examine();
  const name = 'ado.example.org/devops/Main Collection';
  t.is(of(name, 'membership'), 'ok: the identity sees 1 repository');
  t.regex(of('network', 'ado.example.org/devops'), /^ok/);
  const named = await examine(['https://ado.example.org/DevOps/Main%20Collection/web/_git/site']);
  t.is(named.of(name, 'repository'), 'ok: can be read');
});

test.serial('a server whose IIS wants Basic is named when it rejects a token that looks valid', async (t) => {
  const {examine} = await patientOf(t, (cloud) => {
    const token = cloud.addServer('iis.example.org', {iisBasic: true}).addCollection('Main').addPat();
    const other = cloud.addServer('plain.example.org');
    other.addCollection('Main');
    const contoso = cloud.addOrganization('contoso').addPat();
    return {
      credentials: `{organizations: [contoso], personalAccessToken: "${contoso.value}"}`,
      servers: [serverOf('iis.example.org', token.value), serverOf('plain.example.org', 'mistyped')],
    };
  });
  const {of} = await examine();
  t.regex(
    of('iis.example.org/Main', 'sign-in'),
    /^failed: the personal access token is wrong, revoked or expired \(HTTP 401\) → create a new token: [^]*turn off Basic authentication in IIS/,
  );
  t.regex(of('plain.example.org/Main', 'sign-in'), /^failed: [^]* → create a new token: https:\S+$/);
});

test.serial('what policies of the tenant may block is said to who has not signed in', async (t) => {
  const {examine} = await patientOf(t, (cloud) => {
    cloud.addOrganization('contoso');
    cloud.addOrganization('fabrikam');
    return {
      credentials:
        '{organizations: [contoso], signIn: device-code}, {organizations: [fabrikam], signIn: browser}',
    };
  });
  const {of} = await examine();
  t.regex(of('contoso', 'policies'), /^skipped: .* block the device code flow/);
  t.regex(of('fabrikam', 'policies'), /^skipped: .* without the consent of an administrator/);
});

test.serial('without a daemon the other checks still run', async (t) => {
  const {daemon, examine} = await patientOf(t, (cloud) => {
    const pat = cloud.addOrganization('contoso').addPat();
    return {credentials: `{organizations: [contoso], personalAccessToken: "${pat.value}"}`};
  });
  await daemon.stop();
  const {code, of} = await examine();
  t.is(code, 1);
  t.regex(
    of('daemon', 'daemon'),
    /^failed: the daemon is not running.* → start the daemon: orgkey service start$/,
  );
  t.is(of('contoso', 'token'), 'skipped: not checked: the daemon is not running');
  t.regex(of('network', 'dev.azure.com'), /^ok/);
  t.regex(of('git', 'helper'), /^ok: git asks orgkey for contoso$/);
});

test.serial('an argument that names no organization is refused without a request', async (t) => {
  const {cloud, person} = await patientOf(t, (cloud) => {
    const pat = cloud.addOrganization('contoso').addPat();
    return {credentials: `{organizations: [contoso], personalAccessToken: "${pat.value}"}`};
  });
  for (const word of [
    'https://dev.azure.com.evil.example/contoso/_git/site',
    'http://dev.azure.com/contoso/_git/site',
    'https://dev.azure.com\\@evil.example/contoso/_git/site',
    'https://dev.azure.com',
    'no organization',
  ]) {
    const {code, stderr} = await person.run('doctor', [word]);
    t.is(code, 2, word);
    t.regex(stderr, /^orgkey: error: neither an organization nor one of its repositories: /, word);
  }
  t.is(cloud.requests.count({}), 0);
});

function serverOf(host: string, pat: string): string {
  return `{host: ${host}, credentials: [{organizations: [Main], personalAccessToken: "${pat}"}]}`;
}
