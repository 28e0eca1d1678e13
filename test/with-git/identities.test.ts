import {execFileSync} from 'node:child_process';
import {chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {startCloud} from '../cloud/cloud.ts';
import type {Application, Principal, Tenant} from '../cloud/directory.ts';
import type {Fault} from '../cloud/faults.ts';
import {decodeJwt, type Claims} from '../cloud/jwt.ts';
import type {RequestRecord} from '../cloud/records.ts';
import {tokenExchange} from '../cloud/resources.ts';
import {TestDaemon} from '../helpers/daemon.ts';
import {gitPerson} from '../helpers/git-person.ts';
import type {GitHome} from '../helpers/git-home.ts';
import {gits} from '../helpers/gits.ts';
import {turnstile} from '../helpers/turnstile.ts';

/**
 * Every kind of credential through the daemon and a real git: it works until it is revoked, a wrong one, one whose
 * issuer is down, one of a wrong tenant. Each in an organization of its own, so that all of them share a daemon.
 */

const NOBODY = 'aaaaaaaa-bbbb-4ccc-8ddd-000000000000';
const EXCHANGE = 'api://AzureADTokenExchange';
const cloud = await startCloud();
const tenant = cloud.addTenant();
const elsewhere = cloud.addTenant();
const directory = mkdtempSync(join(tmpdir(), 'orgkey-identities-'));
const certificate = await cloud.createClientCertificate();
const stranger = await cloud.createClientCertificate();
const github = cloud.addGithubJob();
const pipeline = cloud.addServiceConnection(cloud.addOrganization('pipelines', {tenant}));

/** One organization with one credential. */
interface Cell {
  /** The fields, as in the configuration. */
  readonly credential: string;
  /** Who is let into the organization. */
  readonly member?: Application | Principal;
  /** The tenant that the organization is connected to. Default: the member's. */
  readonly connected?: Tenant;
}

/** What git prints: behind the name of the organization, and as hint. */
type Says = readonly [error: RegExp, hint: RegExp];

interface Working extends Cell {
  /** What the issuer was shown, and whom it took us for. */
  readonly verified: (t: ExecutionContext) => void;
  /** Takes the identity away; the token that is held is refused from then on as well. */
  readonly revoke: () => void;
  readonly says: Says;
}

interface Failing extends Cell {
  readonly fault?: Fault;
  readonly says: Says;
}

interface Kind {
  readonly works: () => Working;
  readonly wrong: () => Failing;
  readonly down: () => Failing;
  readonly wrongTenant: () => Failing;
}

// ── what the issuers were shown ──

function asked(clientId: string, endpoint: RequestRecord['endpoint'] = 'token'): RequestRecord {
  const [request] = cloud.requests.filter({endpoint, client: clientId, status: 200});
  if (request === undefined) throw new Error(`no request asked ${endpoint} for ${clientId}`);
  return request;
}

/** The cloud took it, so its signature is the one of a key that the app is known to have. */
function assertionOf({form}: RequestRecord): {readonly header: Claims; readonly claims: Claims} {
  const jwt = decodeJwt(form['client_assertion'] ?? '');
  if (jwt === undefined) throw new Error('no client assertion was sent');
  return jwt;
}

const cut = {endpoint: 'token', reset: true, times: 'always'} as const;
const lost =
  /the connection to login\.microsoftonline\.com.* was cut \(ECONNRESET\) \(ERR_CONNECTION_LOST\)$/;
const again = /^orgkey tries again/;
const unknownThere = [
  /the client ID is not known in this tenant \(AADSTS700016\)$/,
  /^Check clientId and tenantId\./,
] as const;
const notTaken = [
  /Azure DevOps rejects the credential.* \(ERR_NOT_ACCEPTED\)$/,
  /^Add the identity to the organization/,
] as const;

function credentialOf({clientId}: Application, rest: string, tenantId = tenant.id): string {
  return `clientId: ${clientId}, tenantId: ${tenantId}, ${rest}`;
}

/** For kinds in which an app shows something to Entra: what differs is how it is trusted, and what it shows. */
function appKind({
  name,
  app,
  fields,
  wrong,
  verified,
  revoke,
  revoked,
}: {
  readonly name: string;
  readonly app: () => Application;
  /** All but clientId and tenantId. */
  readonly fields: (app: Application) => string;
  readonly wrong: {
    readonly app?: () => Application;
    readonly fields: (app: Application) => string;
    readonly says: Says;
  };
  readonly verified: (t: ExecutionContext, app: Application, request: RequestRecord) => void;
  readonly revoke: (app: Application) => void;
  readonly revoked: Says;
}): Kind {
  const who = (application: Application, [error, hint]: Says): Says => [
    new RegExp(`^${name} ${application.clientId.slice(0, 8)}…: ${error.source}`),
    hint,
  ];
  return {
    works: () => {
      const application = app();
      return {
        credential: credentialOf(application, fields(application)),
        member: application,
        verified: (t) => {
          const request = asked(application.clientId);
          t.is(request.tenant, tenant.id);
          t.is(request.grant, 'client_credentials');
          t.is(request.form['scope']?.split(' ')[0], '499b84ac-1321-427f-aa17-267ca6975798/.default');
          verified(t, application, request);
        },
        revoke: () => revoke(application),
        says: who(application, revoked),
      };
    },
    wrong: () => {
      const application = (wrong.app ?? app)();
      return {
        credential: credentialOf(application, wrong.fields(application)),
        says: who(application, wrong.says),
      };
    },
    down: () => {
      const application = app();
      return {
        credential: credentialOf(application, fields(application)),
        fault: {...cut, client: application.clientId},
        says: who(application, [lost, again]),
      };
    },
    wrongTenant: () => {
      const application = app();
      return {
        credential: credentialOf(application, fields(application), elsewhere.id),
        says: who(application, unknownThere),
      };
    },
  };
}

// ── secret, certificate ──

const clientSecret = appKind({
  name: 'client secret',
  app: () => tenant.addApplication(),
  fields: (app) => `clientSecret: "${app.secret}"`,
  wrong: {
    fields: () => 'clientSecret: not-the-secret',
    says: [/the client secret is wrong \(AADSTS7000215\)$/, /^Use the secret's value, not its ID.*appId\//],
  },
  verified: (t, app, {form}) => t.is(form['client_secret'], app.secret),
  revoke: (app) => app.expireSecrets(),
  revoked: [
    /the client secret has expired \(AADSTS7000222\)$/,
    /^Create a new secret, or move to federation/,
  ],
});

const pem = write('app.pem', certificate.pem);
const encrypted = write(
  'encrypted.pem',
  `${certificate.certificate}${execFileSync('openssl', ['pkey', '-in', pem, '-aes256', '-passout', 'pass:sesame']).toString()}`,
);
const certified = () => tenant.addApplication({secret: false, certificates: [certificate.certificate]});
const signedItself: Parameters<typeof appKind>[0]['verified'] = (t, app, request) => {
  const {claims} = assertionOf(request);
  t.is(claims['iss'], app.clientId);
  t.is(claims['sub'], app.clientId);
  t.is(claims['aud'], `https://login.microsoftonline.com/${tenant.id}/oauth2/v2.0/token`);
  t.is(request.form['client_secret'], undefined);
};
const unregistered: Says = [
  /the certificate that signed the assertion is not registered on the app.* \(AADSTS700027\)$/,
  /^Upload the public half of the certificate.*appId\//,
];

const clientCertificate = appKind({
  name: 'client certificate',
  app: certified,
  fields: () => `clientCertificate: {$file: ${pem}}`,
  wrong: {
    fields: () => `clientCertificate: {$file: ${write('stranger.pem', stranger.pem)}}`,
    says: unregistered,
  },
  verified: signedItself,
  revoke: (app) => app.certificates.splice(0),
  revoked: unregistered,
});

const encryptedCertificate = appKind({
  name: 'client certificate',
  app: certified,
  fields: () => `clientCertificate: {$file: ${encrypted}}, clientCertificatePassword: sesame`,
  wrong: {
    fields: () => `clientCertificate: {$file: ${encrypted}}, clientCertificatePassword: open`,
    says: [
      /the password does not open the private key of the client certificate \(ERR_CERTIFICATE_PASSWORD\)$/,
      /^Check clientCertificatePassword\.$/,
    ],
  },
  verified: signedItself,
  revoke: (app) => {
    app.disabled = true;
  },
  revoked: [/the application is disabled \(AADSTS7000112\)$/, /^Have an admin of the tenant enable it/],
});

// ── managed identities ──

const noSuchIdentity: Says = [
  /the machine has no such managed identity: Identity not found \(ERR_NO_SUCH_IDENTITY\)$/,
  /^Assign it to the machine/,
];
const noMetadata: Says = [
  /this machine's metadata service \(127\.0\.0\.1:\d+\) cannot be reached \(ECONNRESET\) \(ERR_NO_METADATA_SERVICE\)$/,
  /^If it never worked here, use another identity/,
];

const userAssigned: Kind = {
  works: () => {
    const identity = cloud.addManagedIdentity({tenant});
    return {
      credential: `clientId: ${identity.clientId}`,
      member: identity,
      verified: (t) => {
        const {query, principal} = asked(identity.clientId, 'imds');
        t.is(query['client_id'], identity.clientId);
        t.is(query['resource'], '499b84ac-1321-427f-aa17-267ca6975798');
        t.is(principal, identity.name);
      },
      revoke: () => unassign(identity),
      says: noSuchIdentity,
    };
  },
  wrong: () => ({credential: `clientId: ${NOBODY}`, says: noSuchIdentity}),
  down: () => {
    const {clientId} = cloud.addManagedIdentity({tenant});
    return {
      credential: `clientId: ${clientId}`,
      fault: {endpoint: 'imds', client: clientId, reset: true, times: 'always'},
      says: noMetadata,
    };
  },
  // the machine's identities live in one tenant
  wrongTenant: () => ({
    credential: `clientId: ${cloud.addManagedIdentity({tenant}).clientId}`,
    connected: elsewhere,
    says: notTaken,
  }),
};

/** Entra is shown what the machine's identity got from IMDS. */
const managedIdentityAssertion = (() => {
  const trusted = new Map<string, ReturnType<typeof cloud.addManagedIdentity>>();
  const identityOf = (app: Application) => {
    const identity = trusted.get(app.clientId) ?? cloud.addManagedIdentity({tenant});
    trusted.set(app.clientId, identity);
    return identity;
  };
  return appKind({
    name: 'managed identity assertion',
    app: () => {
      const app = tenant.addApplication({secret: false});
      app.trust(identityOf(app));
      return app;
    },
    fields: (app) => `managedIdentityClientId: ${identityOf(app).clientId}`,
    wrong: {
      fields: () => `managedIdentityClientId: ${cloud.addManagedIdentity({tenant}).clientId}`,
      says: [
        /no federated credential has this subject: the assertion's subject is [0-9a-f-]{36} \(AADSTS700213\)$/,
        /object \(principal\) ID/,
      ],
    },
    verified: (t, app, request) => {
      const identity = identityOf(app);
      const {claims} = assertionOf(request);
      t.is(asked(identity.clientId, 'imds').query['resource'], EXCHANGE);
      t.like(claims, {iss: tenant.issuer, sub: identity.objectId, azp: identity.clientId});
    },
    revoke: (app) => unassign(identityOf(app)),
    revoked: noSuchIdentity,
  });
})();

// ── federated tokens ──

const issuer = cloud.addIssuer('https://cluster.example');
const federated = (subject: string) =>
  tenant.addApplication({secret: false, federatedCredentials: [{issuer: issuer.url, subject}]});
const untrusted: Says = [
  /the app or managed identity has no federated credential: the assertion's issuer is \S+, its subject .+ \(AADSTS70025\)$/,
  /^Add one with the issuer, subject and audience/,
];
const distrust = (app: Application) => void app.federatedCredentials.splice(0);

const federatedTokenFile = appKind({
  name: 'federated token file',
  app: () => federated('system:serviceaccount:ci:runner'),
  fields: () =>
    `federatedTokenFile: ${write('token', issuer.token({subject: 'system:serviceaccount:ci:runner'}))}`,
  wrong: {
    fields: () =>
      `federatedTokenFile: ${write('other-token', issuer.token({subject: 'system:serviceaccount:ci:other'}))}`,
    says: [
      /no federated credential has this subject: the assertion's subject is system:serviceaccount:ci:other \(AADSTS700213\)$/,
      /^Compare it letter by letter with the subject/,
    ],
  },
  verified: (t, _app, request) => {
    t.like(assertionOf(request).claims, {
      iss: issuer.url,
      sub: 'system:serviceaccount:ci:runner',
      aud: EXCHANGE,
    });
  },
  revoke: distrust,
  revoked: untrusted,
});

const githubActions = appKind({
  name: 'github actions',
  app: () => tenant.addApplication({secret: false, federatedCredentials: [github.credential]}),
  fields: () => 'oidc: github-actions',
  wrong: {
    app: () =>
      tenant.addApplication({
        secret: false,
        federatedCredentials: [{...github.credential, subject: 'repo:contoso/app:environment:prod'}],
      }),
    fields: () => 'oidc: github-actions',
    says: [
      /no federated credential has this subject: the assertion's subject is repo:contoso\/app:ref:refs\/heads\/main \(AADSTS700213\)$/,
      /for GitHub the string of repository and branch or environment/,
    ],
  },
  verified: (t, _app, request) => {
    t.like(assertionOf(request).claims, {iss: github.credential.issuer, sub: github.subject, aud: EXCHANGE});
    const [job] = cloud.requests.filter({endpoint: 'github-oidc', status: 200});
    t.is(job?.authorization?.secret, github.environment.ACTIONS_ID_TOKEN_REQUEST_TOKEN);
  },
  revoke: distrust,
  revoked: untrusted,
});

const azurePipelines = appKind({
  name: 'azure pipelines',
  app: () => tenant.addApplication({secret: false, federatedCredentials: [pipeline.credential]}),
  fields: () => `oidc: azure-pipelines, serviceConnectionId: ${pipeline.id}`,
  wrong: {
    fields: () => `oidc: azure-pipelines, serviceConnectionId: ${NOBODY}`,
    says: [
      /Azure Pipelines did not issue a token to the job \(HTTP 404: .* could not be found, .*\) \(ERR_HTTP_404\)$/,
      /check serviceConnectionId, and let the pipeline use that service connection\.$/,
    ],
  },
  verified: (t, _app, request) => {
    t.like(assertionOf(request).claims, {
      iss: pipeline.credential.issuer,
      sub: pipeline.subject,
      aud: tokenExchange.audience,
    });
  },
  revoke: distrust,
  revoked: untrusted,
});

// ── Azure CLI: a program that prints what the real one prints, by the tenant that it is asked for ──

const az = join(directory, 'az-bin');
mkdirSync(az);
writeFileSync(
  join(az, 'az'),
  `#!/bin/sh
for last; do :; done
. '${directory}'/az-$last
`,
);
chmodSync(join(az, 'az'), 0o755);

function azSays(script: (user: Principal) => string): {
  readonly credential: string;
  readonly member: Principal;
  readonly tenantId: string;
} {
  const own = cloud.addTenant();
  const member = own.addUser();
  write(`az-${own.id}`, `${script(member)}\n`);
  return {credential: `azureCli: true, tenantId: ${own.id}`, member, tenantId: own.id};
}

const azPrints = (user: Principal) =>
  `echo '{"accessToken":"${cloud.createToken(user)}","expires_on":${Math.floor(cloud.now() / 1000) + 3599},"tokenType":"Bearer"}'`;
const azFails = (words: string) => () => `echo "ERROR: ${words}" >&2; exit 1`;
const signedOut: Says = [
  /^azure cli: no user is signed in to the Azure CLI, or the sign-in has expired \(ERR_AZURE_CLI_SIGN_IN\)$/,
  /^Run az login as the user of the daemon/,
];

const azureCli: Kind = {
  works: () => {
    const {tenantId, ...cell} = azSays(azPrints);
    return {
      ...cell,
      verified: (t) => t.pass('the organization takes the token of that very person'),
      revoke: () => write(`az-${tenantId}`, azFails("Please run 'az login' to setup account.")()),
      says: signedOut,
    };
  },
  wrong: () => ({...azSays(azFails("Please run 'az login' to setup account.")), says: signedOut}),
  down: () => ({
    ...azSays(azFails('Connection aborted.')),
    says: [
      /^azure cli: the Azure CLI failed: ERROR: Connection aborted\. \(ERR_AZURE_CLI\)$/,
      /^Try it: az account get-access-token$/,
    ],
  }),
  wrongTenant: () => ({
    ...azSays(azFails('AADSTS90002: Tenant not found.')),
    says: [/^azure cli: .*\(AADSTS90002\)$/, /^Check tenantId/],
  }),
};

// ── the rows ──

const kinds: Readonly<Record<string, Kind>> = {
  'client secret': clientSecret,
  'client certificate': clientCertificate,
  'encrypted certificate': encryptedCertificate,
  'user-assigned managed identity': userAssigned,
  'managed identity as assertion': managedIdentityAssertion,
  'federated token file': federatedTokenFile,
  'GitHub Actions': githubActions,
  'Azure Pipelines': azurePipelines,
  'Azure CLI': azureCli,
};

const credentials: string[] = [];

/** Makes the organization, with a repository for its members. */
function settle(
  organization: string,
  {credential, member, connected = member?.tenant ?? tenant}: Cell,
): string {
  const made = cloud.addOrganization(organization, {
    tenant: connected,
    ...(member === undefined ? {} : {members: [member]}),
  });
  credentials.push(`        - {organizations: [${organization}], ${credential}}`);
  return made.addRepository('web/site', {files: {a: 'a'}}).url;
}

const taking = turnstile(4);
let home: GitHome;
let newer: GitHome | undefined;
const newerGit = gits.find(({hasAuthtype, missing}) => hasAuthtype && missing === undefined);
const retries = gits[0]?.hasAuthtype === true;

for (const [name, kind] of Object.entries(kinds)) {
  const label = name.toLowerCase().replaceAll(/[^a-z]+/g, '-');

  const working = kind.works();
  const organization = `${label}-works`;
  const url = settle(organization, working);
  test(`${name}: git is served, until it is revoked`, async (t) => {
    await taking(async () => {
      await home.succeed(['ls-remote', url]);
      if (newer) await newer.succeed(['ls-remote', url]);
      const served = cloud.requests.filter({endpoint: 'git', organization, status: 200});
      t.is(new Set(served.map(({authorization}) => authorization?.secret)).size, 1, 'one token serves all');
      if (working.member) t.is(served[0]?.principal, working.member.name);
      if (newer) t.is(served.at(-1)?.authorization?.scheme, 'bearer');
      working.verified(t);

      cloud.revoke(served[0]?.authorization?.secret ?? '');
      working.revoke();
      // a git that cannot ask again says so the next time only
      if (!retries) await home.git(['ls-remote', url]);
      await fails(t, {organization, url, says: working.says});
    });
  });

  const wrong = kind.wrong();
  fail(`${name}: a wrong one`, `${label}-wrong`, wrong);
  fail(`${name}: its issuer is down`, `${label}-down`, kind.down());
  fail(`${name}: a wrong tenant`, `${label}-tenant`, kind.wrongTenant());
}

function fail(title: string, organization: string, cell: Failing): void {
  const url = settle(organization, cell);
  test(title, async (t) => {
    await taking(async () => {
      if (cell.fault) cloud.fault(cell.fault);
      if (cell.says === notTaken) await refuse(url);
      await fails(t, {organization, url, says: cell.says});
      t.is(cloud.requests.count({endpoint: 'git', organization, status: 200}), 0);
    });
  });
}

/** Azure DevOps refuses a token, and the one that is got in its place: from then on git is stopped with the reason. */
async function refuse(url: string): Promise<void> {
  await home.git(['ls-remote', url]);
  const {stderr} = await home.git(['ls-remote', url]);
  // and the refusal of the second comes with it
  if (!/ERR_NOT_ACCEPTED/.test(stderr)) throw new Error(stderr);
}

async function fails(
  t: ExecutionContext,
  {
    organization,
    url,
    says: [error, hint],
  }: {readonly organization: string; readonly url: string; readonly says: Says},
): Promise<void> {
  const {code, stderr} = await home.git(['ls-remote', url]);
  t.not(code, 0);
  const lines = stderr.split('\n');
  const begin = `orgkey: error: ${organization}: `;
  const errors = lines.filter((line) => line.startsWith(begin)).map((line) => line.slice(begin.length));
  const hints = lines.filter((line) => line.startsWith('orgkey: hint: ')).map((line) => line.slice(14));
  t.is(errors.length, 1, stderr);
  t.regex(errors[0] ?? '', error);
  t.regex(hints[0] ?? '', hint);
  t.is(hints.at(-1), `run: orgkey doctor ${organization}`);
  t.true(stderr.includes('told us to quit'), stderr);
  t.false(home.has('asked'));
}

function unassign(identity: ReturnType<typeof cloud.addManagedIdentity>): void {
  const {managedIdentities} = cloud.directory;
  managedIdentities.splice(managedIdentities.indexOf(identity), 1);
  cloud.machine.forgetTokens();
}

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, {mode: 0o600});
  return path;
}

let daemon: TestDaemon;
test.before(async () => {
  daemon = new TestDaemon({
    configuration: `integrations:\n  azure:\n    - credentials:\n${credentials.join('\n')}\norgkey: {prefetch: false}\n`,
    environment: {
      ...cloud.environment(),
      ...github.environment,
      ...pipeline.environment,
      PATH: `${az}:${process.env['PATH'] ?? ''}`,
    },
  });
  await daemon.ready();
  home = await gitPerson(cloud, daemon);
  if (newerGit) newer = await gitPerson(cloud, daemon, newerGit);
});

test.after.always(async () => {
  await daemon.close();
  home.remove();
  newer?.remove();
  await cloud.close();
  rmSync(directory, {recursive: true});
});
