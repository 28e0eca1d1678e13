import {chmodSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {loadConfiguration} from '../../../src/config/load-configuration.ts';
import {firstSet, NAMES, terraformTarget} from '../../../src/config/build/terraform-variables.ts';
import type {Identity} from '../../../src/identity/identity.ts';
import {loadText, problemsIn, problemsOf, soundIn} from '../../helpers/load-text.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';

const A = '11111111-1111-4111-8111-111111111111';
const B = '22222222-2222-4222-8222-222222222222';
const C = '33333333-3333-4333-8333-333333333333';
const PEM =
  '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----';

/** The fields of the identity, secrets in the clear. */
function fieldsOf(identity: Identity): object {
  return JSON.parse(
    JSON.stringify(identity, (name, value) => {
      if (name === 'key') return undefined;
      const isHeld = typeof value === 'object' && value !== null && value.from === 'held';
      return isHeld ? value.secret.revealText() : value;
    }),
  );
}

const app = {ARM_CLIENT_ID: A, ARM_TENANT_ID: B};
const id = {clientId: A, tenantId: B};
const request = {
  ARM_USE_OIDC: 'true',
  ARM_OIDC_REQUEST_TOKEN: 't',
  ARM_OIDC_REQUEST_URL: 'https://oidc.example/x?y=1',
};
/** Everything at once; rows take away what comes first. */
const everything = {
  AZDO_PERSONAL_ACCESS_TOKEN: 'pat',
  ...app,
  ...request,
  ARM_OIDC_TOKEN: 'jwt',
  ARM_OIDC_TOKEN_FILE_PATH: '/run/jwt',
  ARM_CLIENT_SECRET: 'secret',
  ARM_CLIENT_CERTIFICATE: Buffer.from(PEM).toString('base64'),
  ARM_CLIENT_CERTIFICATE_PASSWORD: 'pw',
  ARM_USE_MSI: 'true',
};

type Variables = Readonly<Record<string, string>>;

function except(...names: readonly string[]): Variables {
  return Object.fromEntries(Object.entries(everything).filter(([name]) => !names.includes(name)));
}

const identities: readonly (readonly [title: string, variables: Variables, identity: object])[] = [
  ['a personal access token alone decides', everything, {kind: 'pat', personalAccessToken: 'pat'}],
  [
    'then the OIDC token',
    except('AZDO_PERSONAL_ACCESS_TOKEN'),
    {kind: 'federated-token', ...id, assertion: 'jwt'},
  ],
  [
    'then the token file',
    except('AZDO_PERSONAL_ACCESS_TOKEN', 'ARM_OIDC_TOKEN'),
    {kind: 'federated-token-file', ...id, federatedTokenFile: '/run/jwt'},
  ],
  [
    'then the OIDC request',
    except('AZDO_PERSONAL_ACCESS_TOKEN', 'ARM_OIDC_TOKEN', 'ARM_OIDC_TOKEN_FILE_PATH'),
    {kind: 'github-actions', ...id, request: {url: 'https://oidc.example/x?y=1', token: 't'}},
  ],
  [
    'then the client secret',
    {...except('AZDO_PERSONAL_ACCESS_TOKEN'), ARM_USE_OIDC: 'false'},
    {kind: 'client-secret', ...id, clientSecret: 'secret'},
  ],
  [
    'then the client certificate',
    {...except('AZDO_PERSONAL_ACCESS_TOKEN', 'ARM_CLIENT_SECRET'), ARM_USE_OIDC: 'false'},
    {kind: 'client-certificate', ...id, clientCertificate: PEM, clientCertificatePassword: 'pw'},
  ],
  [
    'then the managed identity',
    {
      ...except('AZDO_PERSONAL_ACCESS_TOKEN', 'ARM_CLIENT_SECRET', 'ARM_CLIENT_CERTIFICATE'),
      ARM_USE_OIDC: 'false',
    },
    {kind: 'managed-identity', clientId: A},
  ],
  ['then the Azure CLI', {...app, ARM_USE_CLI: 'true'}, {kind: 'azure-cli', tenantId: B}],
  ['the Azure CLI without a client id', {ARM_TENANT_ID: B}, {kind: 'azure-cli', tenantId: B}],
  [
    'the managed identity of the machine',
    {ARM_USE_MSI: 'true'},
    {kind: 'managed-identity', clientId: 'system-assigned'},
  ],
  [
    '1, t, T, TRUE, True are true, as for Terraform',
    {ARM_USE_MSI: 'T'},
    {kind: 'managed-identity', clientId: 'system-assigned'},
  ],
  [
    'a variable that is empty is not set',
    {...app, ARM_CLIENT_SECRET: '', ARM_USE_MSI: '1'},
    {kind: 'managed-identity', clientId: A},
  ],
  [
    'ARM_ comes before AZURE_',
    {
      ARM_CLIENT_ID: A,
      AZURE_CLIENT_ID: C,
      ARM_TENANT_ID: B,
      AZURE_TENANT_ID: C,
      ARM_CLIENT_SECRET: 'a',
      AZURE_CLIENT_SECRET: 'b',
    },
    {kind: 'client-secret', ...id, clientSecret: 'a'},
  ],
  [
    'AZURE_ alone',
    {AZURE_CLIENT_ID: A.toUpperCase(), AZURE_TENANT_ID: B, AZURE_CLIENT_SECRET: ' b\n'},
    {kind: 'client-secret', ...id, clientSecret: 'b'},
  ],
  [
    'the pod’s token file, once OIDC is switched on',
    {...app, ARM_USE_OIDC: 'true', AZURE_FEDERATED_TOKEN_FILE: '/var/run/token'},
    {kind: 'federated-token-file', ...id, federatedTokenFile: '/var/run/token'},
  ],
  [
    'the pod’s token file without the switch means nothing',
    {ARM_TENANT_ID: B, AZURE_FEDERATED_TOKEN_FILE: '/var/run/token'},
    {kind: 'azure-cli', tenantId: B},
  ],
  [
    'GitHub’s own names',
    {
      ...app,
      ARM_USE_OIDC: 'true',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 't',
      ACTIONS_ID_TOKEN_REQUEST_URL: 'https://gh.example/?a',
    },
    {kind: 'github-actions', ...id, request: {url: 'https://gh.example/?a', token: 't'}},
  ],
  ...[
    'ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID',
    'ARM_OIDC_AZURE_SERVICE_CONNECTION_ID',
    'AZURESUBSCRIPTION_SERVICE_CONNECTION_ID',
  ].map(
    (name) =>
      [
        `Azure Pipelines’ own names, the connection by ${name}`,
        {
          ...app,
          ARM_USE_OIDC: 'true',
          SYSTEM_ACCESSTOKEN: 't',
          SYSTEM_OIDCREQUESTURI: 'https://ado.example/',
          [name]: C,
        },
        {
          kind: 'azure-pipelines',
          ...id,
          serviceConnectionId: C,
          request: {url: 'https://ado.example/', token: 't'},
        },
      ] as const,
  ),
];

for (const [title, environment, identity] of identities) {
  test(`Terraform's variables: ${title}`, async (t) => {
    const loaded = await loadConfiguration({file: undefined, environment, key: new Uint8Array(32)});
    const {bindings, source} = soundIn(t, {loaded});
    t.is(source, 'environment');
    t.deepEqual(bindings[0] && fieldsOf(bindings[0].identity), identity);
  });
}

const unusable: readonly (readonly [variables: Variables, message: string])[] = [
  [
    app,
    'ARM_CLIENT_ID is set, but not one of ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH, ARM_USE_OIDC and ARM_USE_MSI',
  ],
  [
    {ARM_CLIENT_ID: A},
    'ARM_CLIENT_ID is set, but not ARM_TENANT_ID and one of ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH, ARM_USE_OIDC and ARM_USE_MSI',
  ],
  [{ARM_CLIENT_SECRET: 'a', ARM_CLIENT_ID: A}, 'ARM_CLIENT_SECRET is set, but no tenant: ARM_TENANT_ID'],
  [{ARM_CLIENT_SECRET: 'a', ARM_TENANT_ID: A}, 'ARM_CLIENT_SECRET is set, but no client id: ARM_CLIENT_ID'],
  [{ARM_CLIENT_SECRET: 'a', ARM_CLIENT_ID: 'x', ARM_TENANT_ID: A}, 'ARM_CLIENT_ID must be a GUID'],
  [
    {ARM_CLIENT_SECRET: 'a', ARM_CLIENT_ID: A, ARM_TENANT_ID: 'x.onmicrosoft.com'},
    'ARM_TENANT_ID must be a GUID',
  ],
  [
    {...app, ARM_CLIENT_SECRET_FILE_PATH: '/not/there'},
    'ARM_CLIENT_SECRET_FILE_PATH: the file /not/there does not exist',
  ],
  [
    {...app, ARM_CLIENT_SECRET_FILE_PATH: '/not/there', ARM_USE_MSI: 'true'},
    'ARM_CLIENT_SECRET_FILE_PATH: the file /not/there does not exist',
  ],
  [
    {ARM_CLIENT_ID_FILE_PATH: '/not/there', ARM_USE_MSI: 'true'},
    'ARM_CLIENT_ID_FILE_PATH: the file /not/there does not exist',
  ],
  [
    {...app, ARM_CLIENT_CERTIFICATE_PATH: '/not/there'},
    'ARM_CLIENT_CERTIFICATE_PATH: the file /not/there does not exist',
  ],
  [{...app, ARM_CLIENT_CERTIFICATE: '§'}, 'ARM_CLIENT_CERTIFICATE is not base64'],
  [
    {...app, ARM_CLIENT_CERTIFICATE: 'MIIK'},
    'ARM_CLIENT_CERTIFICATE: the client certificate must be PEM with the certificate and its key',
  ],
  [{...app, ARM_OIDC_TOKEN: 'x'}, 'ARM_OIDC_TOKEN is set, but ARM_USE_OIDC is not'],
  [
    {...app, ARM_USE_OIDC: 'true'},
    'ARM_USE_OIDC is set, but no token, token file or address to request a token from',
  ],
  [
    {...app, ARM_USE_OIDC: 'true', ARM_CLIENT_SECRET: 'a'},
    'ARM_USE_OIDC is set, but no token, token file or address to request a token from',
  ],
  [
    {...app, ARM_USE_OIDC: 'true', ARM_OIDC_REQUEST_TOKEN: 'a'},
    'ARM_OIDC_REQUEST_TOKEN is set, but ARM_OIDC_REQUEST_URL, the address for it, is not',
  ],
  [
    {...app, ARM_USE_OIDC: 'true', ARM_OIDC_REQUEST_URL: 'https://a.example'},
    'ARM_OIDC_REQUEST_URL is set, but ARM_OIDC_REQUEST_TOKEN, the token for it, is not',
  ],
  [
    {...app, ...request, ARM_OIDC_REQUEST_URL: 'http://a.example'},
    'ARM_OIDC_REQUEST_URL must be an https address',
  ],
  [
    {...app, ARM_USE_OIDC: 'true', SYSTEM_ACCESSTOKEN: 'a', SYSTEM_OIDCREQUESTURI: 'https://a.example'},
    'SYSTEM_ACCESSTOKEN is set, but not the id of the service connection',
  ],
  [
    {...app, ...request, ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID: 'x'},
    'ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID must be a GUID',
  ],
  [{ARM_USE_MSI: 'yes'}, 'ARM_USE_MSI must be true or false'],
  [{...app, ARM_USE_CLI: 'false'}, 'the variables name no source of credentials, and ARM_USE_CLI is false'],
  [
    {AZDO_PERSONAL_ACCESS_TOKEN: 'a\nb'},
    'AZDO_PERSONAL_ACCESS_TOKEN: the secret has a line break or a control character in it',
  ],
  [
    {AZDO_PERSONAL_ACCESS_TOKEN: 'a', AZDO_ORG_SERVICE_URL: 'contoso'},
    'AZDO_ORG_SERVICE_URL is not the address of an organization',
  ],
  [
    {ARM_USE_MSI: 'true', AZDO_ORG_SERVICE_URL: 'https://server.example.org/tfs/Main'},
    'AZDO_ORG_SERVICE_URL names a server, where only AZDO_PERSONAL_ACCESS_TOKEN is possible',
  ],
];

for (const [environment, message] of unusable) {
  test(`Terraform's variables are refused: ${message} (${Object.keys(environment).join(' ')})`, async (t) => {
    const loaded = await loadConfiguration({file: undefined, environment, key: new Uint8Array(32)});
    t.deepEqual(
      loaded.kind === 'invalid' && loaded.problems.map((problem) => [problem.place, problem.message]),
      [['environment', message]],
    );
  });
}

const nothing: readonly Variables[] = [
  {},
  {PATH: '/bin'},
  {AZURE_FEDERATED_TOKEN_FILE: '/x'},
  {SYSTEM_ACCESSTOKEN: 'x', SYSTEM_OIDCREQUESTURI: 'https://x'},
  {ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'x', ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x'},
  {ARM_USE_CLI: 'false', ARM_USE_MSI: '0', ARM_USE_OIDC: ''},
];

for (const environment of nothing) {
  test(`without a file, nothing is configured by: ${Object.keys(environment).join(' ') || 'nothing'}`, async (t) => {
    const loaded = await loadConfiguration({file: undefined, environment, key: new Uint8Array(32)});
    const {source, bindings} = soundIn(t, {loaded});
    t.deepEqual([source, bindings.length], ['none', 0]);
  });
}

const targets: readonly (readonly [
  url: string | undefined,
  host: string,
  organization: string | undefined,
])[] = [
  [undefined, 'dev.azure.com', undefined],
  ['https://dev.azure.com/Contoso', 'dev.azure.com', 'contoso'],
  ['https://dev.azure.com/contoso/', 'dev.azure.com', 'contoso'],
  ['HTTPS://DEV.azure.com:443/contoso/project', 'dev.azure.com', 'contoso'],
  ['https://contoso.visualstudio.com', 'dev.azure.com', 'contoso'],
  ['https://server.example.org:8443/tfs/My%20Collection', 'server.example.org:8443', 'My Collection'],
  ['https://server.example.org/Main', 'server.example.org', 'Main'],
  ['https://server.example.org', 'server.example.org', undefined],
  ['https://server.example.org/DevOps/Main/', 'server.example.org/DevOps', 'Main'],
];

for (const [url, host, organization] of targets) {
  test(`AZDO_ORG_SERVICE_URL ${url} is for ${host} ${organization}`, (t) => {
    t.deepEqual(terraformTarget({AZDO_ORG_SERVICE_URL: url}), {kind: 'target', host, organization});
  });
}

const noTargets = [
  'dev.azure.com/contoso',
  'http://dev.azure.com/contoso',
  'https://dev.azure.com',
  'https://u:p@dev.azure.com/contoso',
  'https://dev.azure.com/-',
  'https://dev.azure.com.evil.example:0/x',
  'https://*/x',
];

for (const url of noTargets) {
  test(`AZDO_ORG_SERVICE_URL ${url} is refused`, (t) => {
    t.is(terraformTarget({AZDO_ORG_SERVICE_URL: url}).kind, 'failed');
  });
}

test('the organization that the variables name gets the credential by name', async (t) => {
  const environment = {ARM_USE_MSI: 'true', AZDO_ORG_SERVICE_URL: 'https://dev.azure.com/contoso'};
  const loaded = await loadConfiguration({file: undefined, environment, key: new Uint8Array(32)});
  t.deepEqual(soundIn(t, {loaded}).bindings[0]?.organizations, ['contoso']);
});

test('files that the variables name are read, and their modes looked at', async (t) => {
  const directory = scratchDirectory(t);
  writeFileSync(join(directory, 'id'), `${A}\n`, {mode: 0o644});
  writeFileSync(join(directory, 'secret'), 'from a file\n', {mode: 0o600});
  const environment = {
    ARM_CLIENT_ID_FILE_PATH: join(directory, 'id'),
    ARM_TENANT_ID: B,
    ARM_CLIENT_SECRET_FILE_PATH: 'secret',
  };
  const options = {file: undefined, environment, key: new Uint8Array(32), workingDirectory: directory};
  const {bindings, files} = soundIn(t, {loaded: await loadConfiguration(options)});
  t.deepEqual(bindings[0] && fieldsOf(bindings[0].identity), {
    kind: 'client-secret',
    ...id,
    clientSecret: 'from a file',
  });
  t.deepEqual(files, [join(directory, 'id'), join(directory, 'secret')]);
  chmodSync(join(directory, 'secret'), 0o644);
  const refused = await loadConfiguration(options);
  t.is(
    problemsOf(refused)[0]?.message,
    `ARM_CLIENT_SECRET_FILE_PATH: the file ${directory}/secret holds a secret and can be read by others`,
  );
});

test('environment: terraform is a credential as any other, its problems at its place', async (t) => {
  const text =
    'integrations:\n  azure:\n    - credentials:\n        - organizations: [a, b]\n          environment: terraform\n';
  const environment = {ARM_USE_MSI: 'true', AZDO_ORG_SERVICE_URL: 'https://dev.azure.com/other'};
  const {bindings} = soundIn(t, await loadText(t, text, {environment}));
  t.deepEqual(
    bindings.map(({identity, organizations}) => [identity.kind, organizations]),
    [['managed-identity', ['a', 'b']]],
  );
  t.deepEqual(problemsIn(await loadText(t, text, {environment: {ARM_CLIENT_SECRET: 'x'}})), [
    '5:24 ARM_CLIENT_SECRET is set, but no client id: ARM_CLIENT_ID',
  ]);
});

test('on a server, environment: terraform must come to a personal access token', async (t) => {
  const text =
    'integrations:\n  azure:\n    - host: server.example.org\n      credentials: [{environment: terraform}]\n';
  soundIn(t, await loadText(t, text, {environment: {AZDO_PERSONAL_ACCESS_TOKEN: 'x'}}));
  t.deepEqual(problemsIn(await loadText(t, text, {environment: {ARM_USE_MSI: 'true'}})), [
    '4:21 only personalAccessToken and stored are possible on hosts other than dev.azure.com',
  ]);
});

/** Each variable that can be given in two ways, in the provider's order; the first of a row wins. */
const order: readonly (readonly [first: string, second: string])[] = [
  ['ARM_CLIENT_ID', 'AZURE_CLIENT_ID'],
  ['ARM_TENANT_ID', 'AZURE_TENANT_ID'],
  ['ARM_CLIENT_SECRET', 'AZURE_CLIENT_SECRET'],
  ['ARM_CLIENT_SECRET_PATH', 'ARM_CLIENT_SECRET_FILE_PATH'],
  ['ARM_OIDC_REQUEST_TOKEN', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN'],
  ['ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'SYSTEM_ACCESSTOKEN'],
  ['ARM_OIDC_REQUEST_URL', 'ACTIONS_ID_TOKEN_REQUEST_URL'],
  ['ACTIONS_ID_TOKEN_REQUEST_URL', 'SYSTEM_OIDCREQUESTURI'],
  ['ARM_OIDC_TOKEN_FILE_PATH', 'AZURE_FEDERATED_TOKEN_FILE'],
  ['ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID', 'ARM_OIDC_AZURE_SERVICE_CONNECTION_ID'],
  ['ARM_OIDC_AZURE_SERVICE_CONNECTION_ID', 'AZURESUBSCRIPTION_SERVICE_CONNECTION_ID'],
];

for (const [first, second] of order)
  test(`Terraform’s variables have the provider’s order: ${first} before ${second}`, (t) => {
    const names = Object.values(NAMES).find((row) => row.some((name) => name === second)) ?? [];
    t.deepEqual(firstSet({[first]: 'a', [second]: 'b'}, names), {name: first, value: 'a'});
    t.deepEqual(firstSet({[first]: ' ', [second]: 'b'}, names), {name: second, value: 'b'});
  });

const conflicts: readonly (readonly [value: string, file: string])[] = [
  ['ARM_CLIENT_SECRET', 'ARM_CLIENT_SECRET_PATH'],
  ['ARM_CLIENT_SECRET', 'ARM_CLIENT_SECRET_FILE_PATH'],
  ['ARM_CLIENT_ID', 'ARM_CLIENT_ID_FILE_PATH'],
];

for (const [value, file] of conflicts)
  test(`a value and a file that differ are an error, as for the provider: ${value}, ${file}`, async (t) => {
    const path = join(scratchDirectory(t), 'file');
    const environment: Record<string, string> = {
      ARM_CLIENT_ID: A,
      ARM_TENANT_ID: B,
      ARM_CLIENT_SECRET: 'canary',
      [file]: path,
    };
    const load = async (content: string) => {
      writeFileSync(path, content, {mode: 0o600});
      return problemsOf(await loadConfiguration({file: undefined, environment, key: new Uint8Array(32)}));
    };
    t.deepEqual(await load(`${environment[value]}\n`), []);
    t.deepEqual(
      (await load('other')).map(({message}) => message),
      [`${value} and the file of ${file} differ`],
    );
  });

test('environment: terraform without any of its variables does not fall back to the Azure CLI', async (t) => {
  const text = 'integrations: {azure: [{credentials: [{environment: terraform}]}]}';
  const found = await loadText(t, text);
  t.deepEqual(problemsIn(found), [
    '1:53 environment is terraform, but none of its variables, ARM_… and AZDO_…, is set',
  ]);
});

const azure = {AZURE_CLIENT_ID: A, AZURE_TENANT_ID: B};

const azureIdentities: readonly (readonly [title: string, variables: Variables, identity: object])[] = [
  [
    'a client secret',
    {...azure, AZURE_CLIENT_SECRET: 's'},
    {kind: 'client-secret', ...id, clientSecret: 's'},
  ],
  [
    'a client secret before a token file',
    {...azure, AZURE_CLIENT_SECRET: 's', AZURE_FEDERATED_TOKEN_FILE: '/run/token'},
    {kind: 'client-secret', ...id, clientSecret: 's'},
  ],
  [
    'the token file of a pod',
    {...azure, AZURE_FEDERATED_TOKEN_FILE: '/run/token'},
    {kind: 'federated-token-file', ...id, federatedTokenFile: '/run/token'},
  ],
  ['a managed identity that is named', {AZURE_CLIENT_ID: A}, {kind: 'managed-identity', clientId: A}],
  ['the managed identity of the machine', {}, {kind: 'managed-identity', clientId: 'system-assigned'}],
  [
    'the managed identity alone',
    {...azure, AZURE_CLIENT_SECRET: 's', AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential'},
    {kind: 'managed-identity', clientId: A},
  ],
  ['the Azure CLI for a developer', {AZURE_TOKEN_CREDENTIALS: 'dev'}, {kind: 'azure-cli'}],
  [
    'the Azure CLI of a tenant',
    {AZURE_TOKEN_CREDENTIALS: 'AzureCliCredential', AZURE_TENANT_ID: B},
    {kind: 'azure-cli', tenantId: B},
  ],
];

const AZURE = 'integrations: {azure: [{credentials: [{environment: azure}]}]}';

for (const [title, environment, identity] of azureIdentities) {
  test(`environment: azure finds ${title}`, async (t) => {
    const {bindings} = soundIn(t, await loadText(t, AZURE, {environment}));
    t.deepEqual(bindings[0] && fieldsOf(bindings[0].identity), identity);
  });
}

const azureMistakes: readonly (readonly [variables: Variables, message: string])[] = [
  [
    {AZURE_CLIENT_ID: A, AZURE_CLIENT_SECRET: 's'},
    'AZURE_CLIENT_SECRET is set, but no tenant: AZURE_TENANT_ID',
  ],
  [{...azure, AZURE_CLIENT_ID: 'x', AZURE_CLIENT_SECRET: 's'}, 'AZURE_CLIENT_ID must be a GUID'],
  [
    {AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential', AZURE_CLIENT_ID: A},
    'the variables name no source of credentials',
  ],
  [
    {AZURE_TOKEN_CREDENTIALS: 'AzurePowerShellCredential'},
    'AZURE_TOKEN_CREDENTIALS names a credential that orgkey does not know',
  ],
  [
    {...azure, AZURE_CLIENT_CERTIFICATE_PATH: '/not/there'},
    'AZURE_CLIENT_CERTIFICATE_PATH: the file /not/there does not exist',
  ],
];

for (const [environment, message] of azureMistakes) {
  test(`environment: azure is refused: ${message} (${Object.keys(environment).join(' ')})`, async (t) => {
    t.deepEqual(problemsIn(await loadText(t, AZURE, {environment})), [`1:53 ${message}`]);
  });
}
