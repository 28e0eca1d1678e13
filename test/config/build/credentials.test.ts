import test from 'ava';
import {
  CLIENT,
  CONNECTION,
  MACHINE,
  PEM,
  TENANT,
  environment,
  files,
  on,
  shown,
} from '../../helpers/configurations.ts';
import {loadText, soundIn} from '../../helpers/load-text.ts';

const application = {clientId: CLIENT, tenantId: TENANT};

const kinds: readonly (readonly [title: string, credential: string, identity: object])[] = [
  [
    'a client secret',
    `clientId: ${CLIENT}\nclientSecret: s~e.c-r_e/t=\ntenantId: ${TENANT}`,
    {kind: 'client-secret', ...application, clientSecret: 's~e.c-r_e/t='},
  ],
  [
    'a client secret, all from variables',
    'clientId: ${CLIENT}\nclientSecret: {$env: SECRET}\ntenantId: "${ TENANT }"',
    {kind: 'client-secret', ...application, clientSecret: 'from a variable'},
  ],
  [
    'a client secret from a file, the client id from one too',
    'clientId: {$file: client}\nclientSecret: {$file: secret}\ntenantId: {$env: TENANT}',
    {kind: 'client-secret', ...application, clientSecret: 'from a file'},
  ],
  [
    'a token from a file that an editor began with the mark of UTF-8',
    'personalAccessToken: {$file: marked}',
    {kind: 'pat', personalAccessToken: 'from a file'},
  ],
  [
    'GUIDs are put in lower case and trimmed',
    `clientId: "  ${CLIENT.toUpperCase()} "\nclientSecret: x\ntenantId: "${TENANT}\\n"`,
    {kind: 'client-secret', ...application, clientSecret: 'x'},
  ],
  [
    'a secret that begins with an escaped placeholder',
    'personalAccessToken: $${CLIENT}',
    {kind: 'pat', personalAccessToken: '${CLIENT}'},
  ],
  [
    'a secret with text around a variable',
    'personalAccessToken: a-${ORGANIZATION}-${MISSING:-b}-${EMPTY:-c}',
    {kind: 'pat', personalAccessToken: 'a-Contoso-b-c'},
  ],
  [
    'a secret that is a number in quotes',
    'personalAccessToken: "0123"',
    {kind: 'pat', personalAccessToken: '0123'},
  ],
  [
    'a comment behind a secret',
    'personalAccessToken: abc # of the build agents',
    {kind: 'pat', personalAccessToken: 'abc'},
  ],
  [
    'a comment behind a variable',
    'personalAccessToken: ${ORGANIZATION} #agents',
    {kind: 'pat', personalAccessToken: 'Contoso'},
  ],
  [
    'a client certificate',
    `clientId: ${CLIENT}\nclientCertificate: {$file: deep/cert.pem}\nclientCertificatePassword: pw\ntenantId: ${TENANT}`,
    {
      kind: 'client-certificate',
      ...application,
      clientCertificate: PEM.trim(),
      clientCertificatePassword: 'pw',
    },
  ],
  ['a user-assigned managed identity', `clientId: ${MACHINE}`, {kind: 'managed-identity', clientId: MACHINE}],
  [
    'the machine’s identity',
    'clientId: system-assigned',
    {kind: 'managed-identity', clientId: 'system-assigned'},
  ],
  [
    'a managed identity that signs for an application',
    `clientId: ${CLIENT}\nmanagedIdentityClientId: ${MACHINE}\ntenantId: ${TENANT}`,
    {kind: 'managed-identity-assertion', ...application, managedIdentityClientId: MACHINE},
  ],
  [
    'a federated token file',
    `clientId: ${CLIENT}\ntenantId: ${TENANT}\nfederatedTokenFile: /run/token`,
    {kind: 'federated-token-file', ...application, federatedTokenFile: '/run/token'},
  ],
  [
    'a job of GitHub’s',
    `clientId: ${CLIENT}\ntenantId: ${TENANT}\noidc: github-actions`,
    {kind: 'github-actions', ...application, request: undefined},
  ],
  [
    'a job of Azure Pipelines',
    `clientId: ${CLIENT}\ntenantId: ${TENANT}\noidc: azure-pipelines\nserviceConnectionId: ${CONNECTION}`,
    {kind: 'azure-pipelines', ...application, serviceConnectionId: CONNECTION, request: undefined},
  ],
  ['the Azure CLI', 'azureCli: true', {kind: 'azure-cli', tenantId: undefined}],
  [
    'the Azure CLI in a tenant',
    `azureCli: \${TRUE}\ntenantId: ${TENANT}`,
    {kind: 'azure-cli', tenantId: TENANT},
  ],
  [
    'people in the browser',
    'signIn: browser',
    {
      kind: 'sign-in',
      method: 'browser',
      issuer: 'https://login.microsoftonline.com/organizations/v2.0',
      clientId: '04b07795-8ddb-461a-bbee-02f9e1bf7b46',
      clientSecret: undefined,
      scopes: ['499b84ac-1321-427f-aa17-267ca6975798/.default'],
    },
  ],
  [
    'people with a device code, in a tenant',
    `signIn: device-code\ntenantId: ${TENANT}`,
    {
      kind: 'sign-in',
      method: 'device-code',
      issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`,
      clientId: '04b07795-8ddb-461a-bbee-02f9e1bf7b46',
      clientSecret: undefined,
      scopes: ['499b84ac-1321-427f-aa17-267ca6975798/.default'],
    },
  ],
  [
    'an Entra OAuth app with its issuer, secret and scopes',
    `signIn: browser\nissuer: https://login.example/x/v2.0/\nclientId: ${CLIENT}\nclientSecret: s\nscopes: [vso.code, vso.code_write]`,
    {
      kind: 'sign-in',
      method: 'browser',
      issuer: 'https://login.example/x/v2.0',
      clientId: CLIENT,
      clientSecret: 's',
      scopes: ['vso.code', 'vso.code_write'],
    },
  ],
  ['what people type', 'stored: true', {kind: 'stored', persist: false}],
  ['what people type, kept', 'stored: true\npersist: true', {kind: 'stored', persist: true}],
  [
    'a program',
    'personalAccessToken: {$command: [pass, show, "a b"]}',
    {kind: 'pat', personalAccessToken: {from: 'command', argv: ['pass', 'show', 'a b']}},
  ],
  [
    'the keyring',
    'personalAccessToken: {$keyring: contoso}',
    {kind: 'pat', personalAccessToken: {from: 'keyring', name: 'contoso'}},
  ],
  [
    'a vault',
    'personalAccessToken: {$keyVault: {vault: builds, secret: pat-1}}',
    {kind: 'pat', personalAccessToken: {from: 'key-vault', vault: 'builds', secret: 'pat-1'}},
  ],
];

for (const [title, credential, identity] of kinds) {
  test(`a credential can be: ${title}`, async (t) => {
    const {bindings} = soundIn(t, await loadText(t, on(credential), {environment, files}));
    t.is(bindings.length, 1);
    t.deepEqual(bindings[0] && shown(bindings[0].identity), identity);
    t.deepEqual(bindings[0]?.organizations, []);
    t.is(bindings[0]?.host, 'dev.azure.com');
  });
}

test('equal identities have equal keys, whatever they are for; each thing that decides makes another', async (t) => {
  const variants = [
    `clientId: ${CLIENT}\nclientSecret: a\ntenantId: ${TENANT}`,
    `clientId: ${CLIENT}\nclientSecret: b\ntenantId: ${TENANT}`,
    `clientId: ${MACHINE}\nclientSecret: a\ntenantId: ${TENANT}`,
    `clientId: ${CLIENT}\nclientSecret: a\ntenantId: ${MACHINE}`,
    `clientId: ${CLIENT}\nclientSecret: {$keyring: a}\ntenantId: ${TENANT}`,
    `clientId: ${CLIENT}\nclientSecret: {$command: [a]}\ntenantId: ${TENANT}`,
    'personalAccessToken: a',
    'clientId: system-assigned',
    `clientId: ${CLIENT}`,
    'azureCli: true',
    `azureCli: true\ntenantId: ${TENANT}`,
    'signIn: browser',
    'signIn: device-code',
    'signIn: browser\nscopes: [vso.code]',
  ];
  const keys = new Set<string>();
  for (const variant of variants) {
    const [one, other] = [
      await loadText(t, on(variant)),
      await loadText(t, on(`organizations: [x]\n${variant}`)),
    ];
    const key = soundIn(t, one).bindings[0]?.identity.key ?? '';
    t.is(soundIn(t, other).bindings[0]?.identity.key, key);
    keys.add(key);
  }
  t.is(keys.size, variants.length);
  const elsewhere = await loadText(
    t,
    `${on(variants[0] ?? '')}orgkey: {entra: {authorityHost: "https://login.example"}}`,
  );
  t.false(keys.has(soundIn(t, elsewhere).bindings[0]?.identity.key ?? ''));
  const elsewhen = await loadText(t, on(variants[0] ?? ''), {key: new Uint8Array(32).fill(1)});
  t.false(keys.has(soundIn(t, elsewhen).bindings[0]?.identity.key ?? ''));
});
