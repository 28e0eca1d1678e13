import test from 'ava';
import {loadText, soundIn} from '../helpers/load-text.ts';

const environment = {
  AZURE_CLIENT_ID: '11111111-1111-4111-8111-111111111111',
  AZURE_CLIENT_SECRET: 'secret',
  AZURE_TENANT_ID: '22222222-2222-4222-8222-222222222222',
  APP_REGISTRATION_CLIENT_ID: '33333333-3333-4333-8333-333333333333',
  MANAGED_IDENTITY_CLIENT_ID: '44444444-4444-4444-8444-444444444444',
  OTHER_TENANT_ID: '55555555-5555-4555-8555-555555555555',
  PERSONAL_ACCESS_TOKEN: 'pat',
};

const secret = [
  'clientId: ${AZURE_CLIENT_ID}',
  'clientSecret: ${AZURE_CLIENT_SECRET}',
  'tenantId: ${AZURE_TENANT_ID}',
];

/** Every shape of Backstage's documentation. @see https://backstage.io/docs/integrations/azure/locations */
const shapes: readonly (readonly [
  title: string,
  credentials: readonly (readonly string[])[],
  kinds: readonly string[],
])[] = [
  ['service principal with a client secret', [secret], ['client-secret']],
  ['system-assigned managed identity', [['clientId: system-assigned']], ['managed-identity']],
  ['user-assigned managed identity', [['clientId: ${AZURE_CLIENT_ID}']], ['managed-identity']],
  ['personal access token', [['personalAccessToken: ${PERSONAL_ACCESS_TOKEN}']], ['pat']],
  [
    'assertion of the system-assigned identity',
    [
      [
        'clientId: ${APP_REGISTRATION_CLIENT_ID}',
        'managedIdentityClientId: system-assigned',
        'tenantId: ${AZURE_TENANT_ID}',
      ],
    ],
    ['managed-identity-assertion'],
  ],
  [
    'assertion of a user-assigned identity',
    [
      [
        'clientId: ${APP_REGISTRATION_CLIENT_ID}',
        'managedIdentityClientId: ${MANAGED_IDENTITY_CLIENT_ID}',
        'tenantId: ${AZURE_TENANT_ID}',
      ],
    ],
    ['managed-identity-assertion'],
  ],
  [
    'another tenant',
    [
      [
        'clientId: ${APP_REGISTRATION_CLIENT_ID}',
        'managedIdentityClientId: system-assigned',
        'tenantId: ${OTHER_TENANT_ID}',
      ],
    ],
    ['managed-identity-assertion'],
  ],
  [
    'several organizations',
    [
      ['organizations:', '  - my-org', '  - my-other-org', ...secret],
      ['organizations:', '  - another-org', 'clientId: ${AZURE_CLIENT_ID}'],
      ['organizations:', '  - yet-another-org', 'personalAccessToken: ${PERSONAL_ACCESS_TOKEN}'],
    ],
    ['client-secret', 'managed-identity', 'pat'],
  ],
];

for (const [title, credentials, kinds] of shapes) {
  test(`a Backstage file works as it is: ${title}`, async (t) => {
    const items = credentials.map((lines) =>
      lines.map((line, at) => `        ${at === 0 ? '-' : ' '} ${line}\n`).join(''),
    );
    const text = `integrations:\n  azure:\n    - host: dev.azure.com\n      credentials:\n${items.join('')}`;
    const {bindings} = soundIn(t, await loadText(t, text, {environment}));
    t.deepEqual(
      bindings.map(({identity}) => identity.kind),
      kinds,
    );
  });
}

test('a Backstage file of a whole company works as it is', async (t) => {
  const text = `app:
  title: Scaffolded Backstage App
  baseUrl: http://localhost:3000
organization:
  name: My Company
backend:
  listen: ':7007'
  cors:
    origin: \${FRONTEND}
  database:
    client: better-sqlite3
    connection: ':memory:'
integrations:
  github:
    - host: github.com
      token: \${GITHUB_TOKEN}
  azure:
    - host: dev.azure.com
      credentials:
        - organizations: [a-team]
          personalAccessToken:
            $env: PERSONAL_ACCESS_TOKEN
        - clientId: system-assigned
    - host: tfs.example.org
      apiVersion: '6.0'
      commitSigningKey: \${SIGNING_KEY}
      credentials:
        - personalAccessToken: \${PERSONAL_ACCESS_TOKEN}
catalog:
  providers:
    azureDevOps:
      yourProviderId: {host: dev.azure.com, organization: a-team, schedule: {frequency: {minutes: 30}}}
techdocs:
  $include: techdocs.yaml
`;
  const {bindings} = soundIn(t, await loadText(t, text, {environment, mode: 0o644}));
  t.deepEqual(
    bindings.map(({host, organizations, identity}) => [host, organizations, identity.kind]),
    [
      ['dev.azure.com', ['a-team'], 'pat'],
      ['dev.azure.com', [], 'managed-identity'],
      ['tfs.example.org', [], 'pat'],
    ],
  );
});
