import {execFileSync} from 'node:child_process';
import {chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {managedIdentityVariables} from '../../src/entra/child-environment.ts';
import {startCloud, type Cloud} from '../cloud/cloud.ts';
import {acquiringFrom, held, told, type AcquiringOptions, type Keyless} from '../helpers/acquiring.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';

const cloud = await startCloud({authorityHosts: ['login.contoso.example']});
const certificate = await cloud.createClientCertificate();
test.after.always(() => cloud.close());

const NOBODY = 'aaaaaaaa-bbbb-4ccc-8ddd-000000000000';
const tenant = cloud.addTenant();
const elsewhere = cloud.addTenant();

interface Case {
  readonly identity: Keyless;
  readonly options?: AcquiringOptions;
  readonly scope?: string;
  /** What the cloud was asked, in order. */
  readonly asks: readonly string[];
  /** The exact text; none: there is a token. */
  readonly says?: readonly [message: string, hint: string];
  /** Undoes what the case did to the cloud. */
  readonly after?: () => void;
}

/** One acquisition: what people read, and what it cost. Serial: the records of the cloud are everybody's. */
const acquires = test.macro({
  title: (name = '') => name,
  exec: async (t, arrange: (cloud: Cloud) => Case | Promise<Case>) => {
    const {identity, options, scope, asks, says, after} = await arrange(cloud);
    cloud.requests.clear();
    const acquired = await acquiringFrom(cloud, options).acquire(identity, scope);
    after?.();
    if (says === undefined) t.is(acquired.kind, 'token', told(acquired));
    else t.is(told(acquired), says.join('\n'));
    t.deepEqual(
      cloud.requests.all.map(({endpoint, status}) => `${endpoint} ${String(status)}`),
      asks,
    );
  },
});

const credentialsBlade = (appId: string) =>
  `https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/${appId}`;

// ── client secret ──

const clientSecret = (secret?: string, tenantId = tenant.id) => {
  const app = tenant.addApplication();
  const identity = {
    kind: 'client-secret',
    clientId: app.clientId,
    tenantId,
    clientSecret: held(secret ?? app.secret),
  } as const;
  return {app, identity};
};

test.serial('client secret: a token', acquires, () => ({
  identity: clientSecret().identity,
  asks: ['token 200'],
}));

test.serial('client secret: a wrong one', acquires, () => {
  const {app, identity} = clientSecret('not-the-secret');
  return {
    identity,
    asks: ['token 401'],
    says: [
      'the client secret is wrong (AADSTS7000215)',
      `Use the secret's value, not its ID, and check that it belongs to this app and was not replaced; federation needs no secret. Certificates & secrets: ${credentialsBlade(app.clientId)}`,
    ],
  };
});

test.serial('client secret: one that has expired', acquires, () => {
  const {app, identity} = clientSecret();
  app.expireSecrets();
  return {
    identity,
    asks: ['token 401'],
    says: [
      'the client secret has expired (AADSTS7000222)',
      `Create a new secret, or move to federation, which has none. Certificates & secrets: ${credentialsBlade(app.clientId)}`,
    ],
  };
});

test.serial('client secret: an empty one is not sent', acquires, () => ({
  identity: clientSecret('').identity,
  asks: [],
  says: [
    'the clientSecret of the client-secret is empty (ERR_EMPTY_SECRET)',
    'Set clientSecret in the configuration.',
  ],
}));

test.serial('client secret: a disabled app', acquires, () => {
  const {app, identity} = clientSecret();
  app.disabled = true;
  return {
    identity,
    asks: ['token 400'],
    says: [
      'the application is disabled (AADSTS7000112)',
      'Have an admin of the tenant enable it: Enterprise applications, Properties.',
    ],
  };
});

test.serial('client secret: a tenant that does not know the app', acquires, () => {
  const {app, identity} = clientSecret(undefined, elsewhere.id);
  return {
    identity,
    asks: ['token 400'],
    says: [
      'the client ID is not known in this tenant (AADSTS700016)',
      `Check clientId and tenantId. A multitenant app needs its service principal in the target tenant; the client ID of a managed identity works in its own tenant only. Consent of an admin: https://login.microsoftonline.com/${elsewhere.id}/adminconsent?client_id=${app.clientId}`,
    ],
  };
});

test.serial('client secret: a tenant that does not exist', acquires, () => ({
  identity: clientSecret(undefined, NOBODY).identity,
  asks: ['token 400'],
  says: [
    'the tenant does not exist in this cloud (AADSTS90002)',
    'Check tenantId, and authorityHost for national clouds.',
  ],
}));

test.serial('client secret: a custom authority that does not know the tenant', acquires, () => ({
  identity: clientSecret(undefined, NOBODY).identity,
  options: {authority: {authorityHost: 'https://login.microsoft.com', disableInstanceDiscovery: true}},
  asks: ['openid 400'],
  says: [
    'the tenant does not exist in this cloud (AADSTS90002)',
    'Check tenantId, and authorityHost for national clouds.',
  ],
}));

test.serial('client secret: an unknown resource', acquires, () => ({
  identity: clientSecret().identity,
  scope: 'https://nobody.example/.default',
  asks: ['token 400'],
  says: [
    'the tenant has no service principal for the resource (AADSTS500011)',
    'Check tenantId first: an organization that is not connected to this tenant cannot be reached with it.',
  ],
}));

const ownAuthority = (disableInstanceDiscovery: boolean) => ({
  authority: {authorityHost: 'https://login.contoso.example', disableInstanceDiscovery},
});

test.serial('client secret: an authority of one’s own', acquires, () => ({
  identity: clientSecret().identity,
  options: ownAuthority(true),
  asks: ['openid 200', 'token 200'],
}));

test.serial('client secret: an authority of one’s own that Entra is asked about', acquires, () => ({
  identity: clientSecret().identity,
  options: ownAuthority(false),
  asks: ['discovery 400'],
  says: [
    'the authority is not one that Entra knows (AADSTS50049)',
    'Check authorityHost; one of your own needs disableInstanceDiscovery: true.',
  ],
}));

const government = cloud.addTenant({authorityHost: 'login.microsoftonline.us'});
const governed = {
  authority: {authorityHost: 'https://login.microsoftonline.us', disableInstanceDiscovery: false},
};

test.serial('client secret: a national cloud', acquires, () => {
  const app = government.addApplication();
  const identity = {...clientSecret().identity, clientId: app.clientId, tenantId: government.id};
  return {identity: {...identity, clientSecret: held(app.secret)}, options: governed, asks: ['token 200']};
});

test.serial('client secret: a tenant of another cloud', acquires, () => {
  const app = government.addApplication();
  const identity = {...clientSecret().identity, clientId: app.clientId, tenantId: government.id};
  return {
    identity: {...identity, clientSecret: held(app.secret)},
    asks: ['token 400'],
    says: [
      'the tenant does not exist in this cloud (AADSTS90002)',
      'Check tenantId, and authorityHost for national clouds.',
    ],
  };
});

// ── client certificate ──

const directory = mkdtempSync(join(tmpdir(), 'orgkey-kinds-'));
test.after.always(() => rmSync(directory, {recursive: true}));
const clientCertificate = (pem: string | Uint8Array = certificate.pem, password?: string) => {
  const app = tenant.addApplication({secret: false, certificates: [certificate.certificate]});
  const identity = {
    kind: 'client-certificate',
    clientId: app.clientId,
    tenantId: tenant.id,
    clientCertificate: held(pem),
    clientCertificatePassword: password === undefined ? undefined : held(password),
  } as const;
  return {app, identity};
};

const openssl = (...args: readonly string[]) =>
  execFileSync('openssl', args, {stdio: ['ignore', 'pipe', 'ignore']});
const pemFile = join(directory, 'app.pem');
writeFileSync(pemFile, certificate.pem);
const encrypted = `${certificate.certificate}${openssl('pkey', '-in', pemFile, '-aes256', '-passout', 'pass:sesame').toString()}`;
const traditional = `${certificate.certificate}${openssl('rsa', '-in', pemFile, '-traditional').toString()}`;

test.serial('client certificate: a token', acquires, () => ({
  identity: clientCertificate().identity,
  asks: ['token 200'],
}));

test.serial('client certificate: key first, PKCS#1, other certificates before', acquires, async () => {
  const other = await cloud.createClientCertificate();
  const key = traditional.slice(traditional.indexOf('-----BEGIN RSA'));
  return {
    identity: clientCertificate(`${key}\n${other.certificate}\n${certificate.certificate}`).identity,
    asks: ['token 200'],
  };
});

test.serial('client certificate: an encrypted key, opened with its password', acquires, () => ({
  identity: clientCertificate(encrypted, 'sesame').identity,
  asks: ['token 200'],
}));

test.serial('client certificate: an encrypted key without password', acquires, () => ({
  identity: clientCertificate(encrypted).identity,
  asks: [],
  says: [
    'the private key of the client certificate is encrypted, and its password is missing (ERR_CERTIFICATE_PASSWORD)',
    'Set clientCertificatePassword, or remove the encryption: openssl pkey -in app.pem -out app.key',
  ],
}));

test.serial('client certificate: an encrypted key with another password', acquires, () => ({
  identity: clientCertificate(encrypted, 'open').identity,
  asks: [],
  says: [
    'the password does not open the private key of the client certificate (ERR_CERTIFICATE_PASSWORD)',
    'Check clientCertificatePassword.',
  ],
}));

test.serial('client certificate: one that the app does not know', acquires, async () => {
  const stranger = await cloud.createClientCertificate();
  const {app, identity} = clientCertificate(stranger.pem);
  return {
    identity,
    asks: ['token 401'],
    says: [
      'the certificate that signed the assertion is not registered on the app, or the signature does not verify (AADSTS700027)',
      `Upload the public half of the certificate to the app registration, or point clientCertificate to the right file. Certificates & secrets: ${credentialsBlade(app.clientId)}`,
    ],
  };
});

test.serial('client certificate: a key that does not belong to it', acquires, async () => {
  const stranger = await cloud.createClientCertificate();
  const key = stranger.pem.slice(stranger.pem.indexOf('-----BEGIN PRIVATE'));
  return {
    identity: clientCertificate(
      `${certificate.certificate}\n${key.slice(0, key.indexOf('-----END PRIVATE KEY-----') + 25)}\n`,
    ).identity,
    asks: [],
    says: [
      'the private key does not belong to the client certificate (ERR_CERTIFICATE_KEY)',
      'Put the certificate and its own key into one PEM file: cat app.crt app.key > app.pem',
    ],
  };
});

test.serial('client certificate: PFX', acquires, () => {
  const pfx = openssl('pkcs12', '-export', '-in', pemFile, '-passout', 'pass:');
  return {
    identity: clientCertificate(pfx).identity,
    asks: [],
    says: [
      'the client certificate is a PFX (PKCS#12) file, and PEM is needed (ERR_CERTIFICATE_FORMAT)',
      'Convert it: openssl pkcs12 -in app.pfx -nodes -out app.pem',
    ],
  };
});

test.serial('client certificate: an elliptic curve key', acquires, () => {
  const file = join(directory, 'ec.key');
  const made = openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=ec',
    '-days',
    '2',
    '-keyout',
    file,
  );
  return {
    identity: clientCertificate(`${made.toString()}${readFileSync(file, 'utf8')}`).identity,
    asks: [],
    says: [
      "the key of the client certificate is an elliptic curve key, and Entra's client library signs with RSA only (ERR_CERTIFICATE_KEY_TYPE)",
      'Make an RSA certificate: openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=orgkey -keyout app.key -out app.crt',
    ],
  };
});

test.serial('client certificate: no PEM at all', acquires, () => ({
  identity: clientCertificate('hello').identity,
  asks: [],
  says: [
    'the file of the client certificate has no private key (ERR_CERTIFICATE_FORMAT)',
    'Put the certificate and its key into one PEM file: cat app.crt app.key > app.pem',
  ],
}));

// ── managed identity ──

const system = cloud.addManagedIdentity({tenant, kind: 'system-assigned'});
const assigned = cloud.addManagedIdentity({tenant});
const managedIdentity = (clientId: string) => ({kind: 'managed-identity', clientId}) as const;

test.serial('managed identity: user-assigned, IMDS', acquires, () => ({
  identity: managedIdentity(assigned.clientId),
  asks: ['imds 200'],
}));

test.serial('managed identity: system-assigned, IMDS', acquires, () => ({
  identity: managedIdentity('system-assigned'),
  asks: ['imds 200'],
}));

test.serial('managed identity: user-assigned, App Service', acquires, () => ({
  identity: managedIdentity(assigned.clientId),
  options: {environment: cloud.appServiceEnvironment()},
  asks: ['app-service 200'],
}));

test.serial('managed identity: system-assigned, App Service', acquires, () => ({
  identity: managedIdentity('system-assigned'),
  options: {environment: cloud.appServiceEnvironment()},
  asks: ['app-service 200'],
}));

// the agent's challenges lie where only root may write
testUnless(whyNotRoot, test.serial)('managed identity: Azure Arc', acquires, () => ({
  identity: managedIdentity('system-assigned'),
  options: {environment: cloud.arcEnvironment()},
  asks: ['arc 401', 'arc 200'],
}));

for (const [platform, environment, endpoint] of [
  ['Azure Machine Learning', cloud.machineLearningEnvironment(assigned), 'machine-learning'],
  ['Cloud Shell', cloud.cloudShellEnvironment(), 'cloud-shell'],
  ['Service Fabric', cloud.serviceFabricEnvironment(), 'service-fabric'],
] as const) {
  test.serial(`managed identity: the machine's own, ${platform}`, acquires, () => ({
    identity: managedIdentity('system-assigned'),
    options: {environment},
    asks: [`${endpoint} 200`],
  }));

  if (endpoint !== 'machine-learning')
    test.serial(`managed identity: ${platform} takes no client id`, acquires, () => ({
      identity: managedIdentity(assigned.clientId),
      options: {environment},
      asks: [],
      says: [
        'this platform offers only its own identity, and takes no client id (ERR_NO_USER_ASSIGNED)',
        'Set clientId: system-assigned.',
      ],
    }));
}

test.serial('managed identity: user-assigned, Azure Machine Learning', acquires, () => ({
  identity: managedIdentity(assigned.clientId),
  options: {environment: cloud.machineLearningEnvironment({clientId: NOBODY})},
  asks: ['machine-learning 200'],
}));

test.serial('managed identity: a variable that is not an address', acquires, () => ({
  identity: managedIdentity('system-assigned'),
  options: {environment: {...cloud.appServiceEnvironment(), IDENTITY_ENDPOINT: 'here'}},
  asks: [],
  says: [
    'the variable IDENTITY_ENDPOINT is not the address of a metadata service (ERR_METADATA_ADDRESS)',
    'Correct IDENTITY_ENDPOINT in the environment of the service.',
  ],
}));

test('the SDK reads no variable of a managed identity that an acquirer lacks', (t) => {
  const constants = readFileSync(
    join(import.meta.dirname, '../../node_modules/@azure/msal-node/src/utils/Constants.ts'),
    'utf8',
  );
  const [, names = ''] = /ManagedIdentityEnvironmentVariableNames = \{([^}]*)\}/.exec(constants) ?? [];
  const read = [...names.matchAll(/: "(\w+)"/g)].map(([, name = '']) => name);
  t.true(read.length >= 8);
  const passed = managedIdentityVariables(Object.fromEntries(read.map((name) => [name, 'x'])));
  t.deepEqual(Object.keys(passed).toSorted(), read.toSorted());
});

const OTHER = 65_534;
const asOther = {
  environment: cloud.arcEnvironment(),
  program: join(import.meta.dirname, '../helpers/acquirer-as-other.ts'),
};

testUnless(whyNotRoot, test.serial)('managed identity: Azure Arc, a member of its group', acquires, () => {
  cloud.machine.arcGroup = OTHER;
  return {
    identity: managedIdentity('system-assigned'),
    options: asOther,
    asks: ['arc 401', 'arc 200'],
    after: () => (cloud.machine.arcGroup = 0),
  };
});

testUnless(whyNotRoot, test.serial)('managed identity: Azure Arc’s key file is not readable', async (t) => {
  const acquired = await acquiringFrom(cloud, asOther).acquire(managedIdentity('system-assigned'));
  t.regex(
    told(acquired),
    /^the key file of Azure Arc's agent, \/var\/opt\/azcmagent\/tokens\/[\w-]+\.key, cannot be read \(EACCES\) \(ERR_ARC_KEY_FILE\)\nAdd the user of the daemon to the group himds \(usermod -aG himds \S+\), and SupplementaryGroups=himds to a systemd unit; then restart it\.$/,
  );
});

test.serial('managed identity: Azure Arc’s challenge leads elsewhere', async (t) => {
  cloud.fault({endpoint: 'arc', status: 401, headers: {'www-authenticate': 'Basic realm=/etc/passwd.key'}});
  const environment = cloud.arcEnvironment();
  const acquired = await acquiringFrom(cloud, {environment}).acquire(managedIdentity('system-assigned'));
  t.regex(told(acquired), /cannot be answered \(invalid_file_path\) \(ERR_ARC_CHALLENGE\)/);
});

test.serial('managed identity: one that the machine does not have', acquires, () => ({
  identity: managedIdentity(NOBODY),
  asks: ['imds 400'],
  says: [
    'the machine has no such managed identity: Identity not found (ERR_NO_SUCH_IDENTITY)',
    'Assign it to the machine (az vm identity assign, or under Identity in the portal), or correct clientId.',
  ],
}));

test.serial('managed identity: App Service with another header', acquires, () => ({
  identity: managedIdentity('system-assigned'),
  options: {environment: {...cloud.appServiceEnvironment(), IDENTITY_HEADER: 'another'}},
  asks: ['app-service 401'],
  says: [
    "the machine's metadata service refuses (HTTP 401: The identity header is missing or wrong) (ERR_HTTP_401)",
    'Check that the machine has a managed identity, and that no proxy or firewall blocks the metadata service.',
  ],
}));

test.serial('managed identity: workload identity’s variables do not turn it into one', acquires, () => ({
  identity: managedIdentity(assigned.clientId),
  options: {
    environment: {
      AZURE_CLIENT_ID: NOBODY,
      AZURE_TENANT_ID: tenant.id,
      AZURE_FEDERATED_TOKEN_FILE: '/nowhere/token',
      AZURE_AUTHORITY_HOST: 'https://elsewhere.example',
    },
  },
  asks: ['imds 200'],
}));

// ── managed identity client assertion ──

test.serial('managed identity assertion: user-assigned', acquires, () => ({
  identity: assertion(tenant.addApplication({secret: false, federatedCredentials: [assigned]}).clientId),
  asks: ['imds 200', 'token 200'],
}));

test.serial('managed identity assertion: system-assigned', acquires, () => ({
  identity: {
    ...assertion(tenant.addApplication({secret: false, federatedCredentials: [system]}).clientId),
    managedIdentityClientId: 'system-assigned',
  },
  asks: ['imds 200', 'token 200'],
}));

test.serial('managed identity assertion: into another tenant', acquires, () => {
  const app = tenant.addApplication({secret: false, federatedCredentials: [assigned], multitenant: true});
  return {identity: assertion(app.clientId, elsewhere.id), asks: ['imds 200', 'token 200']};
});

test.serial('managed identity assertion: an app without federated credentials', acquires, () => {
  const app = tenant.addApplication({secret: false});
  return {
    identity: assertion(app.clientId),
    asks: ['imds 200', 'token 401'],
    says: [
      `the app or managed identity has no federated credential: the assertion's issuer is https://login.microsoftonline.com/${tenant.id}/v2.0, its subject ${assigned.objectId} (AADSTS70025)`,
      `Add one with the issuer, subject and audience of the assertion; for a managed identity, on its resource in the Azure portal. Federated credentials: ${credentialsBlade(app.clientId)}`,
    ],
  };
});

test.serial('managed identity assertion: an app that trusts another issuer', acquires, () => {
  const trusted = {issuer: 'https://other.example', subject: 'x'};
  const app = tenant.addApplication({secret: false, federatedCredentials: [trusted]});
  return {
    identity: assertion(app.clientId),
    asks: ['imds 200', 'token 401'],
    says: [
      `no federated credential has this issuer: the assertion's issuer is https://login.microsoftonline.com/${tenant.id}/v2.0 (AADSTS700211)`,
      `Compare it letter by letter with the issuer of the federated credential, trailing slash included; a new credential takes some minutes to work. Federated credentials: ${credentialsBlade(app.clientId)}`,
    ],
  };
});

test.serial('managed identity assertion: an app that trusts another', acquires, () => {
  const app = tenant.addApplication({secret: false, federatedCredentials: [system]});
  return {
    identity: assertion(app.clientId),
    asks: ['imds 200', 'token 401'],
    says: [
      `no federated credential has this subject: the assertion's subject is ${assigned.objectId} (AADSTS700213)`,
      `Compare it letter by letter with the subject of the federated credential: for a managed identity that is its object (principal) ID, for GitHub the string of repository and branch or environment. Federated credentials: ${credentialsBlade(app.clientId)}`,
    ],
  };
});

test.serial('managed identity assertion: a machine without it', acquires, () => ({
  identity: {...assertion(NOBODY), managedIdentityClientId: NOBODY},
  asks: ['imds 400'],
  says: [
    'the machine has no such managed identity: Identity not found (ERR_NO_SUCH_IDENTITY)',
    'Assign it to the machine (az vm identity assign, or under Identity in the portal), or correct clientId.',
  ],
}));

function assertion(clientId: string, tenantId = tenant.id) {
  return {
    kind: 'managed-identity-assertion',
    clientId,
    managedIdentityClientId: assigned.clientId,
    tenantId,
  } as const;
}

// ── federated tokens ──

const issuer = cloud.addIssuer('https://cluster.example');
const pod = tenant.addApplication({
  secret: false,
  federatedCredentials: [{issuer: issuer.url, subject: 'system:serviceaccount:ci:runner'}],
});
const tokenFile = join(directory, 'token');
const fromFile = {
  kind: 'federated-token-file',
  clientId: pod.clientId,
  tenantId: tenant.id,
  federatedTokenFile: tokenFile,
} as const;

test.serial('federated token file: a token', acquires, () => {
  writeFileSync(tokenFile, `${issuer.token({subject: 'system:serviceaccount:ci:runner'})}\n`);
  return {identity: fromFile, asks: ['token 200']};
});

test.serial('federated token file: one that is missing', acquires, () => ({
  identity: {...fromFile, federatedTokenFile: join(directory, 'missing')},
  asks: [],
  says: [
    `the federated token file ${join(directory, 'missing')} cannot be read (ENOENT) (ERR_FEDERATED_TOKEN_FILE)`,
    'Check federatedTokenFile, and that the platform mounts the token for the user of the daemon.',
  ],
}));

test.serial('federated token file: an empty one', acquires, () => {
  writeFileSync(tokenFile, '\n');
  return {
    identity: fromFile,
    asks: [],
    says: [
      `the federated token file ${tokenFile} is empty (ERR_FEDERATED_TOKEN_FILE)`,
      'Check that the platform writes the token there.',
    ],
  };
});

test.serial('federated token file: read again at each exchange', acquires, async () => {
  writeFileSync(tokenFile, 'stale');
  await acquiringFrom(cloud).acquire(fromFile);
  writeFileSync(tokenFile, issuer.token({subject: 'system:serviceaccount:ci:runner'}));
  return {identity: fromFile, asks: ['token 200']};
});

test.serial('federated token file: a stale one', acquires, () => {
  writeFileSync(tokenFile, issuer.token({subject: 'system:serviceaccount:ci:runner', life: -3600}));
  return {
    identity: fromFile,
    asks: ['token 401'],
    says: [
      'the client assertion is not valid at this time: it has expired, or is from the future (AADSTS700024)',
      'Let orgkey request the token instead of a fixed one (oidc: azure-pipelines or github-actions), or see that its file is renewed; a service connection with a managed identity has tokens that live about 24 hours.',
    ],
  };
});

test.serial('federated token file: a clock that is wrong', acquires, () => {
  writeFileSync(tokenFile, issuer.token({subject: 'system:serviceaccount:ci:runner'}));
  cloud.clockOffset = 3 * 60 * 60_000;
  return {
    identity: fromFile,
    asks: ['token 401'],
    after: () => (cloud.clockOffset = 0),
    says: [
      "this machine's clock is 3 h behind, and Entra rejects what was signed at another time (AADSTS700024)",
      'Set the clock: timedatectl set-ntp true',
    ],
  };
});

test.serial('federated token: a token', acquires, () => ({
  identity: given(issuer.token({subject: 'system:serviceaccount:ci:runner'})),
  asks: ['token 200'],
}));

test.serial('federated token: no token at all', acquires, () => ({
  identity: given('garbage'),
  asks: ['token 400'],
  says: [
    'the assertion is not a token, or is damaged (AADSTS50027)',
    'Look at where it comes from: a file or variable that holds anything but the token itself.',
  ],
}));

function given(text: string) {
  return {
    kind: 'federated-token',
    clientId: pod.clientId,
    tenantId: tenant.id,
    assertion: held(text),
  } as const;
}

// ── pipelines ──

const job = cloud.addGithubJob();
const github = {
  kind: 'github-actions',
  clientId: tenant.addApplication({secret: false, federatedCredentials: [job.credential]}).clientId,
  tenantId: tenant.id,
  request: undefined,
} as const;

test.serial('GitHub Actions: a token', acquires, () => ({
  identity: github,
  options: {environment: job.environment},
  asks: ['github-oidc 200', 'token 200'],
}));

test.serial('GitHub Actions: where and with what as configured', acquires, () => ({
  identity: {
    ...github,
    request: {
      url: job.environment.ACTIONS_ID_TOKEN_REQUEST_URL,
      token: held(job.environment.ACTIONS_ID_TOKEN_REQUEST_TOKEN),
    },
  },
  asks: ['github-oidc 200', 'token 200'],
}));

test.serial('GitHub Actions: outside of a job', acquires, () => ({
  identity: github,
  asks: [],
  says: [
    'this is not a GitHub Actions job: ACTIONS_ID_TOKEN_REQUEST_URL is not set (ERR_NO_OIDC_REQUEST)',
    'Give the job the permission (permissions: {id-token: write}), and start the daemon inside the job.',
  ],
}));

test.serial('GitHub Actions: a job that has ended', acquires, () => ({
  identity: github,
  options: {environment: {...job.environment, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'over'}},
  asks: ['github-oidc 401'],
  says: [
    'GitHub did not issue a token to the job (HTTP 401: The request token is not valid) (ERR_HTTP_401)',
    'Give the job the permission: permissions: {id-token: write}; the request token works while the job runs only.',
  ],
}));

const organization = cloud.addOrganization('contoso', {tenant, members: []});
const connection = cloud.addServiceConnection(organization);
const pipelines = {
  kind: 'azure-pipelines',
  clientId: tenant.addApplication({secret: false, federatedCredentials: [connection.credential]}).clientId,
  tenantId: tenant.id,
  serviceConnectionId: connection.id,
  request: undefined,
} as const;

test.serial('Azure Pipelines: a token', acquires, () => ({
  identity: pipelines,
  options: {environment: connection.environment},
  asks: ['pipelines-oidc 200', 'token 200'],
}));

test.serial('Azure Pipelines: a token of the old issuer, for a multitenant app', acquires, () => {
  const old = cloud.addServiceConnection(organization, {isOld: true});
  const app = tenant.addApplication({
    secret: false,
    multitenant: true,
    federatedCredentials: [old.credential],
  });
  return {
    identity: {...pipelines, clientId: app.clientId, serviceConnectionId: old.id, tenantId: elsewhere.id},
    options: {environment: old.environment},
    asks: ['pipelines-oidc 200', 'token 200'],
  };
});

test.serial('Azure Pipelines: Entra issues no assertions for a multitenant app', acquires, () => {
  const app = tenant.addApplication({
    secret: false,
    multitenant: true,
    federatedCredentials: [connection.credential],
  });
  return {
    identity: {...pipelines, clientId: app.clientId},
    options: {environment: connection.environment},
    asks: ['pipelines-oidc 200', 'token 401'],
    says: [
      'assertions of this issuer are accepted for managed identities, service accounts and single-tenant apps only, and this app is multitenant (AADSTS70052)',
      `Set the app to single tenant (signInAudience: AzureADMyOrg), and use one service connection with its own app per tenant. Authentication: ${credentialsBlade(app.clientId).replace('Credentials', 'Authentication')}`,
    ],
  };
});

const restricted = cloud.addTenant();
const trusting = cloud.addServiceConnection(cloud.addOrganization('restricted', {tenant: restricted}));
const limited = {
  ...pipelines,
  serviceConnectionId: trusting.id,
  tenantId: restricted.id,
  clientId: restricted.addApplication({secret: false, federatedCredentials: [trusting.credential]}).clientId,
};

test.serial('Azure Pipelines: a tenant that forbids federation', acquires, () => {
  restricted.federation = {forbidden: true};
  return {
    identity: limited,
    options: {environment: trusting.environment},
    asks: ['pipelines-oidc 200', 'token 401'],
    says: [
      'the tenant limits or forbids workload identity federation (AADSTS700223)',
      'Ask an admin of the tenant to allow it; federation with a managed identity instead of an app registration may still be allowed.',
    ],
  };
});

test.serial('Azure Pipelines: a tenant that allows other issuers only', acquires, () => {
  restricted.federation = {issuers: ['https://token.actions.githubusercontent.com']};
  return {
    identity: limited,
    options: {environment: trusting.environment},
    asks: ['pipelines-oidc 200', 'token 401'],
    says: [
      `the tenant does not let this issuer federate with this kind of identity: the assertion's issuer is ${restricted.issuer}, its subject ${trusting.subject} (AADSTS700238)`,
      'Ask an admin of the tenant to allow the issuer for app registrations, managed identities or both.',
    ],
  };
});

test.serial('Azure Pipelines: outside of a job', acquires, () => ({
  identity: pipelines,
  asks: [],
  says: [
    'this is not an Azure Pipelines job: SYSTEM_OIDCREQUESTURI is not set (ERR_NO_OIDC_REQUEST)',
    'Pass System.AccessToken to the step that starts the daemon: env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}.',
  ],
}));

test.serial('Azure Pipelines: a service connection that the job may not use', acquires, () => ({
  identity: {...pipelines, serviceConnectionId: NOBODY},
  options: {environment: connection.environment},
  asks: ['pipelines-oidc 404'],
  says: [
    "Azure Pipelines did not issue a token to the job (HTTP 404: Service connection with ID 'aaaaaaaa-bbbb-4ccc-8ddd-000000000000' could not be found, or the job may not use it) (ERR_HTTP_404)",
    'Pass System.AccessToken to the step as SYSTEM_ACCESSTOKEN, check serviceConnectionId, and let the pipeline use that service connection.',
  ],
}));

for (const [what, identity, environment, endpoint] of [
  ['GitHub Actions', github, job.environment, 'github-oidc'],
  ['Azure Pipelines', pipelines, connection.environment, 'pipelines-oidc'],
] as const) {
  test.serial(`${what} that wants to be left alone does not keep others from Entra`, async (t) => {
    cloud.requests.clear();
    cloud.fault({endpoint, status: 429, headers: {'retry-after': '600'}, body: {}});
    const {acquire} = acquiringFrom(cloud, {environment});
    const throttled = await acquire(identity);
    t.like(throttled, {kind: 'failed', failure: {code: 'ERR_THROTTLED', retryAfter: 300_000}});
    const other = await acquire(clientSecret().identity);
    t.is(other.kind, 'token', told(other));
    t.deepEqual(
      cloud.requests.all.map((request) => `${request.endpoint} ${String(request.status)}`),
      [`${endpoint} 429`, 'token 200'],
    );
  });
}

// ── Azure CLI: a program of that name that prints what the real one prints ──

const azureCli = {kind: 'azure-cli', tenantId: tenant.id} as const;
let programs = 0;

function azSaying(script: string): AcquiringOptions {
  const path = join(directory, `az-${String((programs += 1))}`);
  mkdirSync(path);
  writeFileSync(join(path, 'az'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(path, 'az'), 0o755);
  return {environment: {PATH: `${path}:/usr/bin:/bin`, HOME: directory}};
}

test.serial('Azure CLI: a token', acquires, () => ({
  identity: azureCli,
  options: azSaying(
    `test "$*" = "account get-access-token --output json --scope 499b84ac-1321-427f-aa17-267ca6975798/.default --tenant ${tenant.id}" &&
     echo '{"accessToken":"ey.token.x","expires_on":99999999999,"tokenType":"Bearer"}'`,
  ),
  asks: [],
}));

test.serial('Azure CLI: not installed', acquires, () => ({
  identity: azureCli,
  options: {environment: {PATH: directory}},
  asks: [],
  says: [
    'the Azure CLI (az) is not installed here (ERR_NO_AZURE_CLI)',
    'Install it (https://aka.ms/azcli), and check that the PATH of the service includes az: orgkey doctor compares.',
  ],
}));

test.serial('Azure CLI: without a signed-in user', acquires, () => ({
  identity: azureCli,
  options: azSaying(`echo "ERROR: Please run 'az login' to setup account." >&2; exit 1`),
  asks: [],
  says: [
    'no user is signed in to the Azure CLI, or the sign-in has expired (ERR_AZURE_CLI_SIGN_IN)',
    'Run az login as the user of the daemon; without subscriptions: az login --allow-no-subscriptions',
  ],
}));

test.serial('Azure CLI: something else, its words escaped', acquires, () => ({
  identity: azureCli,
  options: azSaying(String.raw`printf 'ERROR: \033[31mbad\n' >&2; exit 1`),
  asks: [],
  says: [
    String.raw`the Azure CLI failed: ERROR: \u{1b}[31mbad (ERR_AZURE_CLI)`,
    'Try it: az account get-access-token',
  ],
}));

test.serial('Azure CLI: it prints no JSON', acquires, () => ({
  identity: azureCli,
  options: azSaying('echo hello'),
  asks: [],
  says: ['az answered without a token (ERR_AZURE_CLI)', 'Try it: az account get-access-token'],
}));

// ── users, and kinds that need no issuer ──

test.serial('sign-in: a user who has not signed in yet', acquires, () => ({
  identity: {
    kind: 'sign-in',
    method: 'browser',
    issuer: tenant.issuer,
    clientId: NOBODY,
    clientSecret: undefined,
    scopes: [],
  },
  asks: [],
  says: ['no user has signed in yet (ERR_NOT_SIGNED_IN)', 'Run orgkey login for the organization.'],
}));

test.serial('personal access token: read, no issuer is asked', acquires, () => ({
  identity: {kind: 'pat', personalAccessToken: held('a'.repeat(84))},
  asks: [],
}));

test.serial('personal access token: one with a line end', acquires, () => ({
  identity: {kind: 'pat', personalAccessToken: held('abc\nusername=evil')},
  asks: [],
  says: [
    'the personal access token is empty or has an invalid character (ERR_PAT_FORMAT)',
    'Paste it again, without spaces and line ends: https://dev.azure.com/_usersSettings/tokens',
  ],
}));

test.serial('a secret that cannot be read: the reader’s reason and repair', acquires, () => ({
  identity: {kind: 'pat', personalAccessToken: {from: 'command', argv: ['pass', 'show', 'pat']}},
  options: {
    readSecret: () =>
      Promise.reject(
        Object.assign(new Error('pass ended with 1'), {code: 'ERR_SECRET_COMMAND', hint: 'Run it by hand.'}),
      ),
  },
  asks: [],
  says: ['pass ended with 1 (ERR_SECRET_COMMAND)', 'Run it by hand.'],
}));

test.serial('stored: no issuer can be asked', acquires, () => ({
  identity: {kind: 'stored', persist: false},
  asks: [],
  says: [
    'a stored credential needs no acquirer (ERR_INTERNAL)',
    'This is a bug in orgkey: report it with the log.',
  ],
}));
