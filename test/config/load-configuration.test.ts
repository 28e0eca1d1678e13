import {execFileSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import test from 'ava';
import type {SubmoduleSettings} from '../../src/config/configuration.ts';
import {loadConfiguration} from '../../src/config/load-configuration.ts';
import {Bindings} from '../../src/identity/bindings.ts';
import {clientIdOf, type Identity, type SecretSource} from '../../src/identity/identity.ts';
import {organizationFrom} from '../../src/organization/organization.ts';
import {loadText, problemsIn, soundIn, warningsIn} from '../helpers/load-text.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const CLIENT = '11111111-1111-4111-8111-111111111111';
const TENANT = '22222222-2222-4222-8222-222222222222';
const MACHINE = '33333333-3333-4333-8333-333333333333';
const CONNECTION = '44444444-4444-4444-8444-444444444444';
const PEM =
  '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n';

const environment = {
  CLIENT,
  TENANT,
  SECRET: '  from a variable\n',
  EMPTY: '',
  TRUE: 'true',
  ORGANIZATION: 'Contoso',
  BLANK: ' \n',
};

const files = {
  secret: 'from a file\r\n',
  marked: '\ufeff from a file\r\n',
  'deep/cert.pem': PEM,
  client: `${CLIENT}\n`,
  empty: '\n',
  lines: 'one\ntwo\n',
};

/** One credential on dev.azure.com. */
function on(credential: string, host = 'dev.azure.com'): string {
  return `integrations:\n  azure:\n    - host: ${host}\n      credentials:\n        - ${credential.split('\n').join('\n          ')}\n`;
}

function revealed(source: SubmoduleSettings['privateKey'] | undefined): unknown {
  return source?.from === 'held' ? source.secret.revealText() : source;
}

/** Without its key, secrets in the clear. */
function shown(identity: Identity): unknown {
  return Object.fromEntries(
    Object.entries(identity)
      .filter(([name]) => name !== 'key')
      .map(([name, value]) => [
        name,
        typeof value === 'object' && value !== null && 'from' in value
          ? revealed(value as SecretSource)
          : value,
      ]),
  );
}

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

test('paths in the configuration begin at the configuration', async (t) => {
  const text = on(
    `organizations: [a]\nclientId: ${CLIENT}\ntenantId: ${TENANT}\nfederatedTokenFile: sub/token`,
  );
  const {directory, loaded} = await loadText(t, text);
  const identity = soundIn(t, {loaded}).bindings[0]?.identity;
  t.is(
    identity?.kind === 'federated-token-file' && identity.federatedTokenFile,
    join(directory, 'sub/token'),
  );
});

test('a program’s path that begins with a dot begins at the configuration', async (t) => {
  const {directory, loaded} = await loadText(t, on('personalAccessToken: {$command: [./show, x]}'));
  const identity = soundIn(t, {loaded}).bindings[0]?.identity;
  t.deepEqual(identity?.kind === 'pat' && identity.personalAccessToken, {
    from: 'command',
    argv: [join(directory, 'show'), 'x'],
  });
});

test('paths that begin with ~/ begin at home, which the environment names if nobody else does', async (t) => {
  const home = scratchDirectory(t);
  writeFileSync(join(home, 'pat'), 'of home\n', {mode: 0o600});
  const text = `integrations:
  azure:
    - credentials:
        - {organizations: [a], personalAccessToken: {$file: ~/pat}}
        - {organizations: [b], personalAccessToken: {$command: [~/show, ~/x]}}
        - {clientId: ${CLIENT}, tenantId: ${TENANT}, federatedTokenFile: ~/token}
`;
  for (const options of [{home, environment: {HOME: '/other'}}, {environment: {HOME: home}}]) {
    const loaded = await loadText(t, text, options);
    const configuration = soundIn(t, loaded);
    t.deepEqual(
      configuration.bindings.map(({identity}) => shown(identity)),
      [
        {kind: 'pat', personalAccessToken: 'of home'},
        {kind: 'pat', personalAccessToken: {from: 'command', argv: [join(home, 'show'), '~/x']}},
        {kind: 'federated-token-file', ...application, federatedTokenFile: join(home, 'token')},
      ],
    );
    t.deepEqual(configuration.files, [loaded.file, join(home, 'pat')]);
  }
});

test('a submodule key can be in an ssh-agent, named by its path or by the usual variable', async (t) => {
  const text = `orgkey:
  submodules:
    - {organizations: [a], privateKey: {$agent: SSH_AUTH_SOCK, publicKey: ssh-rsa AAAA me}}
    - {organizations: [b], privateKey: {$agent: ~/agent, publicKey: {$env: KEY}}}
`;
  const environment = {SSH_AUTH_SOCK: '/run/agent', KEY: 'ssh-rsa BBBB'};
  const {loaded} = await loadText(t, text, {home: '/home/ann', environment});
  t.deepEqual(
    soundIn(t, {loaded}).settings.submodules.map(({privateKey}) => privateKey),
    [
      {from: 'ssh-agent', socket: '/run/agent', publicKey: 'ssh-rsa AAAA me'},
      {from: 'ssh-agent', socket: '/home/ann/agent', publicKey: 'ssh-rsa BBBB'},
    ],
  );
});

test('a systemd credential is read from where systemd put it', async (t) => {
  const credentials = scratchDirectory(t);
  writeFileSync(join(credentials, 'contoso'), 'of systemd\n', {mode: 0o400});
  const loaded = await loadText(t, on('personalAccessToken: {$credential: contoso}'), {
    environment: {CREDENTIALS_DIRECTORY: credentials},
  });
  const {bindings, files: watched} = soundIn(t, loaded);
  t.deepEqual(bindings[0] && shown(bindings[0].identity), {kind: 'pat', personalAccessToken: 'of systemd'});
  t.deepEqual(watched, [loaded.file, join(credentials, 'contoso')]);
});

test('everything else of a Backstage file is left alone, whatever it is', async (t) => {
  const text = `app: {title: x, baseUrl: "\${NOT_SET}"}
backend:
  database: {$include: other.yaml}
  secret: {$env: NOT_SET}
$schema: schema.json
integrations:
  github: [{host: github.com, token: "\${NOT_SET}"}]
  gitlab: {$include: gitlab.yaml}
  gerrit: {$file: gerrit.json}
  azure:
    - host: dev.azure.com
      apiVersion: 6.0
      commitSigningKey: x
      credentials:
        - clientId: system-assigned
kubernetes: &k
  - *k
`;
  const {bindings} = soundIn(t, await loadText(t, text));
  t.is(bindings.length, 1);
});

test('anchors and aliases work as in any YAML', async (t) => {
  const text = `x: &app {clientId: ${CLIENT}, clientSecret: s, tenantId: ${TENANT}}
integrations: &i
  azure:
    - host: dev.azure.com
      credentials: [*app]
`;
  t.is(soundIn(t, await loadText(t, text)).bindings.length, 1);
});

const settings = {
  prefetch: true,
  onFailure: 'quit',
  idleExit: undefined,
  entra: {authorityHost: 'https://login.microsoftonline.com', disableInstanceDiscovery: false},
  sockets: [],
  submodules: [],
  sshProxyCommand: undefined,
  metricsListen: undefined,
  audit: {maxSize: 10_485_760, files: 5},
};

test('every setting has its default', async (t) => {
  for (const text of [
    '',
    '# nothing\n',
    'orgkey:\n',
    'orgkey: {}\n',
    'integrations: {azure: []}\n',
    'x: 1\n',
  ])
    t.deepEqual(soundIn(t, await loadText(t, text)).settings, settings as never, text);
});

test('every setting is read', async (t) => {
  const text = `orgkey:
  prefetch: false
  onFailure: pass
  idleExit: 10m
  entra: {authorityHost: "https://login.example:8443/", disableInstanceDiscovery: true}
  sockets:
    - {name: team-a, organizations: [Contoso, contoso], mode: "0660", group: builders}
    - {name: b, organizations: ["\${ORGANIZATION}"]}
  submodules:
    - organizations: [Contoso]
      privateKey: {$file: secret}
    - organizations: [Northwind]
      host: SSH.dev.azure.com:22
      privateKey: {$file: secret}
    - organizations: [Fabrikam]
      host: SSH.example.org:2222
      privateKey: {$file: deep/cert.pem}
      repositories: [tools/*, "a b/c"]
      knownHosts: ssh.example.org ssh-rsa AAAA
  ssh: {proxyCommand: "nc %h %p"}
  metrics: {listen: "127.0.0.1:9464"}
  audit: {maxSize: 500KiB, files: 2}
`;
  const {settings, warnings} = soundIn(t, await loadText(t, text, {environment, files}));
  const {submodules, ...others} = settings;
  t.deepEqual(others, {
    prefetch: false,
    onFailure: 'pass',
    idleExit: 600_000,
    entra: {authorityHost: 'https://login.example:8443', disableInstanceDiscovery: true},
    sockets: [
      {name: 'team-a', organizations: ['contoso'], mode: 0o660, group: 'builders'},
      {name: 'b', organizations: ['contoso'], mode: 0o600, group: undefined},
    ],
    sshProxyCommand: 'nc %h %p',
    metricsListen: '127.0.0.1:9464',
    audit: {maxSize: 512_000, files: 2},
  });
  t.deepEqual(
    submodules.map((rule) => ({
      ...rule,
      place: '',
      privateKey: revealed(rule.privateKey),
      keyFile: basename(rule.keyFile ?? ''),
    })),
    [
      {
        organizations: ['contoso'],
        host: 'ssh.dev.azure.com',
        privateKey: 'from a file',
        keyFile: 'secret',
        repositories: [],
        knownHosts: undefined,
        place: '',
      },
      {
        organizations: ['northwind'],
        host: 'ssh.dev.azure.com',
        privateKey: 'from a file',
        keyFile: 'secret',
        repositories: [],
        knownHosts: undefined,
        place: '',
      },
      {
        organizations: ['fabrikam'],
        host: 'ssh.example.org:2222',
        privateKey: PEM.trim(),
        keyFile: 'cert.pem',
        repositories: ['tools/*', 'a b/c'],
        knownHosts: 'ssh.example.org ssh-rsa AAAA',
        place: '',
      },
    ],
  );
  t.is(warnings.length, 2);
});

const hosts: readonly (readonly [written: string, host: string, organizations: readonly string[]])[] = [
  ['dev.azure.com', 'dev.azure.com', []],
  ['DEV.Azure.com:443', 'dev.azure.com', []],
  ['Contoso.visualstudio.com', 'dev.azure.com', ['contoso']],
  ['azure.example.org', 'azure.example.org', []],
  ['Azure.Example.org:8443', 'azure.example.org:8443', []],
  ['azure.example.org:443', 'azure.example.org', []],
  ['"[::1]:8443"', '[::1]:8443', []],
  ['tfs_1', 'tfs_1', []],
];

for (const [written, host, organizations] of hosts) {
  test(`the host ${written} is ${host}${organizations.map((name) => `, organization ${name}`).join('')}`, async (t) => {
    const {bindings} = soundIn(t, await loadText(t, on('personalAccessToken: x', written)));
    t.is(bindings[0]?.host, host);
    t.deepEqual(bindings[0]?.organizations, organizations);
  });
}

test('no host means dev.azure.com', async (t) => {
  const {bindings} = soundIn(
    t,
    await loadText(t, 'integrations: {azure: [{credentials: [{clientId: system-assigned}]}]}'),
  );
  t.is(bindings[0]?.host, 'dev.azure.com');
});

test('any identity is possible on {organization}.visualstudio.com, and stored logins everywhere', async (t) => {
  const text = `integrations:
  azure:
    - {host: contoso.visualstudio.com, credentials: [{clientId: system-assigned, organizations: [CONTOSO]}]}
    - {host: fabrikam.visualstudio.com, credentials: [{azureCli: true}]}
    - {host: server.example.org, credentials: [{stored: true, organizations: [A Collection_1.0]}]}
    - {host: "*", credentials: [{stored: true}]}
`;
  const {bindings} = soundIn(t, await loadText(t, text));
  t.deepEqual(
    bindings.map(({host, organizations, identity}) => [host, organizations, identity.kind]),
    [
      ['dev.azure.com', ['contoso'], 'managed-identity'],
      ['dev.azure.com', ['fabrikam'], 'azure-cli'],
      ['server.example.org', ['A Collection_1.0'], 'stored'],
      ['*', [], 'stored'],
    ],
  );
});

test('the place of a credential is where it stands', async (t) => {
  const {file, loaded} = await loadText(t, on('organizations: [a]\nclientId: system-assigned'));
  t.is(soundIn(t, {loaded}).bindings[0]?.place, `${file}:5:11`);
});

/** Each configuration, and all of its problems as `line:column message`. */
const bad: readonly (readonly [title: string, text: string, problems: readonly string[]])[] = [
  ['an unknown key', on('clientId: system-assigned\nfoo: 1'), ['6:11 unknown key']],
  [
    'a slip of the pen, which is told once',
    on(`clientId: ${CLIENT}\nclientSecrt: abc\ntenantID: ${TENANT}`),
    ['6:11 unknown key', '7:11 unknown key'],
  ],
  ['an unknown key of a host', 'integrations:\n  azure:\n    - hots: x\n', ['3:7 unknown key']],
  ['an unknown setting', 'orgkey:\n  prefech: true\n', ['2:3 unknown key']],
  [
    'a key of the prototype',
    'orgkey:\n  __proto__: 1\n  constructor: 2\n',
    ['2:3 unknown key', '3:3 unknown key'],
  ],
  [
    'a key that stands twice',
    on('clientId: system-assigned\nclientId: system-assigned'),
    ['6:11 the same key stands here twice'],
  ],
  [
    'a section that stands twice',
    'orgkey: {}\nintegrations: {azure: [], azure: []}\norgkey: {}\nintegrations: {}\n',
    [
      '2:27 the same key stands here twice',
      '3:1 the same key stands here twice',
      '4:1 the same key stands here twice',
    ],
  ],
  [
    'no fields at all',
    on('organizations: [a]'),
    [
      '5:11 the keys fit no kind of credential; the nearest is a personal access token: personalAccessToken is missing',
    ],
  ],
  [
    'a field too few',
    on(`clientId: ${CLIENT}\ntenantId: ${TENANT}`),
    ['5:11 the keys fit no kind of credential; the nearest is a client secret: clientSecret is missing'],
  ],
  [
    'a field too many',
    on(`clientId: ${CLIENT}\ntenantId: ${TENANT}\nclientSecret: a\npersonalAccessToken: b`),
    [
      '5:11 the keys fit no kind of credential; the nearest is a client secret: personalAccessToken is too much',
    ],
  ],
  [
    'two kinds in one',
    on('personalAccessToken: a\nstored: true'),
    ['5:11 the keys fit no kind of credential; the nearest is a personal access token: stored is too much'],
  ],
  [
    'a certificate without a tenant',
    on(`clientId: ${CLIENT}\nclientCertificate: a`),
    ['5:11 the keys fit no kind of credential; the nearest is a client certificate: tenantId is missing'],
  ],
  [
    'an organization twice, whatever the case',
    `integrations:
  azure:
    - host: dev.azure.com
      credentials:
        - {organizations: [contoso, CONTOSO], clientId: system-assigned}
        - {organizations: [fabrikam, Contoso], personalAccessToken: a}
    - host: contoso.visualstudio.com
      credentials: [{personalAccessToken: a}]
    - host: Fabrikam.visualstudio.com
      credentials: [{organizations: [fabrikam], personalAccessToken: a}]
`,
    [
      '5:37 the organization contoso is listed twice, first at 5:28',
      '6:38 the organization contoso is listed twice, first at 5:28',
      '8:21 the organization contoso is listed twice, first at 5:28',
      '10:38 the organization fabrikam is listed twice, first at 6:28',
    ],
  ],
  [
    'a collection twice',
    on('organizations: [A b, a B]\npersonalAccessToken: x', 'server.example.org'),
    ['5:32 the collection a b is listed twice, first at 5:27'],
  ],
  [
    'two fallbacks, an empty list counting as none',
    `integrations:
  azure:
    - credentials:
        - clientId: system-assigned
        - organizations: []
          personalAccessToken: a
    - host: dev.azure.com
      credentials: [{azureCli: true}]
    - host: server.example.org
      credentials: [{personalAccessToken: a}, {personalAccessToken: b}]
`,
    [
      '5:11 a second credential without organizations for the same host, the first is at 4:11',
      '8:21 a second credential without organizations for the same host, the first is at 4:11',
      '10:47 a second credential without organizations for the same host, the first is at 10:21',
    ],
  ],
  [
    'Entra on a server',
    on('clientId: system-assigned', 'server.example.org'),
    ['5:11 only personalAccessToken and stored are possible on hosts other than dev.azure.com'],
  ],
  [
    'a token for every host',
    on('personalAccessToken: a', '"*"'),
    ['5:11 on the host * only stored: true is possible'],
  ],
  [
    'organizations of every host',
    on('stored: true\norganizations: [a]', '"*"'),
    ['6:26 the host * has no organizations'],
  ],
  [
    'another organization than the host’s',
    on('clientId: system-assigned\norganizations: [fabrikam]', 'contoso.visualstudio.com'),
    ['6:27 the host names another organization'],
  ],
  ...[
    'https://dev.azure.com',
    'dev.azure.com/contoso',
    'dev..azure.com',
    'a b',
    'dev.azure.com:0',
    '-a.example.org',
    'ex*mple.org',
    'user@host',
  ].map(
    (host) =>
      [
        `the host ${host}`,
        on('personalAccessToken: a', JSON.stringify(host)),
        [
          host.startsWith('https')
            ? '3:13 host must be a host name alone, without https:// and without a path'
            : '3:13 host is no valid host name',
        ],
      ] as const,
  ),
  ...[
    'ssh.dev.azure.com',
    'dev.azure.com:8443',
    'vs-ssh.visualstudio.com',
    'visualstudio.com',
    'a.b.visualstudio.com',
    'pkgs.dev.azure.com',
  ].map(
    (host) =>
      [
        `the host ${host}`,
        on('personalAccessToken: a', host),
        ['3:13 host is no host of Azure DevOps that serves git'],
      ] as const,
  ),
  [
    'the host -a.visualstudio.com',
    on('personalAccessToken: a', 'a_b.visualstudio.com'),
    ['3:13 host does not begin with the name of an organization'],
  ],
  [
    'names that no organization has',
    on('clientId: system-assigned\norganizations: [a b, -a, a_b, "", ünï, \u212a]'),
    [
      '6:27 not the name of an organization: letters, digits and hyphens, 50 at most',
      '6:32 not the name of an organization: letters, digits and hyphens, 50 at most',
      '6:36 not the name of an organization: letters, digits and hyphens, 50 at most',
      '6:41 not the name of an organization: letters, digits and hyphens, 50 at most',
      '6:45 not the name of an organization: letters, digits and hyphens, 50 at most',
      '6:50 not the name of an organization: letters, digits and hyphens, 50 at most',
    ],
  ],
  [
    'names that no collection has',
    on('personalAccessToken: a\norganizations: [a/b, .., ""]', 'server.example.org'),
    [
      '6:27 not the name of a collection',
      '6:32 not the name of a collection',
      '6:36 not the name of a collection',
    ],
  ],
  [
    'organizations that are no list',
    on('clientId: system-assigned\norganizations: contoso'),
    ['6:26 organizations must be a list'],
  ],
  [
    'GUIDs that are none',
    on(`clientId: 1234\nclientSecret: a\ntenantId: contoso.example`),
    ['5:21 YAML reads this as a number: put quotes around it', '7:21 tenantId must be a GUID'],
  ],
  [
    'a GUID that comes from a variable and is none',
    on('clientId: ${ORGANIZATION}\nclientSecret: a\ntenantId: {$env: ORGANIZATION}'),
    ['5:21 clientId must be a GUID', '7:21 tenantId must be a GUID'],
  ],
  [
    'a managed identity that is no GUID',
    on('clientId: system-assigne'),
    ['5:21 clientId must be a GUID or system-assigned'],
  ],
  [
    'system-assigned where an application is meant',
    on(`clientId: system-assigned\nclientSecret: a\ntenantId: ${TENANT}`),
    ['5:21 clientId must be a GUID'],
  ],
  [
    'the removed token and credential',
    'integrations:\n  azure:\n    - host: dev.azure.com\n      token: abc\n      credential:\n        clientId: x\n',
    ['4:7 token was removed: use credentials', '5:7 credential was removed: use credentials'],
  ],
  [
    'variables that are missing',
    on('clientId: ${NOT_SET}\nclientSecret: {$env: NOT_SET_EITHER}\ntenantId: a${not_shown}b'),
    [
      '5:21 the variable NOT_SET is not set',
      '6:32 the variable NOT_SET_EITHER is not set',
      '7:21 a variable is not set',
    ],
  ],
  ['a variable that is empty', on('personalAccessToken: ${BLANK}'), ['5:32 the secret is empty']],
  [
    'a file that is missing',
    on('personalAccessToken: {$file: ./not/there}'),
    ['5:40 the file ./not/there does not exist'],
  ],
  ['a file that is empty', on('personalAccessToken: {$file: empty}'), ['5:32 the secret is empty']],
  [
    'a file that is a directory',
    on('personalAccessToken: {$file: deep}'),
    ['5:40 the file ./deep is not a regular file'],
  ],
  [
    'a token of two lines',
    on('personalAccessToken: {$file: lines}'),
    ['5:32 the secret has a line break or a control character in it'],
  ],
  [
    'a token with a NUL',
    on('personalAccessToken: "a\\0b"'),
    ['5:32 the secret has a line break or a control character in it'],
  ],
  ...['0123456789', '0x1F', '1e5', '.inf', '-7', '0o17'].map(
    (number) =>
      [
        `a secret that YAML reads as a number: ${number}`,
        on(`personalAccessToken: ${number}`),
        ['5:32 YAML reads this as a number: put quotes around it'],
      ] as const,
  ),
  [
    'a secret that YAML reads as true',
    on('personalAccessToken: true'),
    ['5:32 YAML reads this as true or false: put quotes around it'],
  ],
  [
    'an organization that YAML reads as a number',
    on('clientId: system-assigned\norganizations: [2024, a]'),
    ['6:27 YAML reads this as a number: put quotes around it'],
  ],
  ['a secret that is missing', on('personalAccessToken:'), ['5:11 personalAccessToken has no value']],
  ['a secret that is null', on('personalAccessToken: ~'), ['5:11 personalAccessToken has no value']],
  [
    'a secret that YAML cuts',
    on('personalAccessToken: ab #cd'),
    ['5:32 YAML reads the # and the rest as a comment: put quotes around the text'],
  ],
  [
    'a secret in braces',
    on('personalAccessToken: {abcdef}'),
    [
      '5:32 personalAccessToken must be text or one of $env, $file, $command, $credential, $keyring, $keyVault',
    ],
  ],
  [
    'a secret in brackets',
    on('personalAccessToken: [abcdef]'),
    [
      '5:32 personalAccessToken must be text or one of $env, $file, $command, $credential, $keyring, $keyVault',
    ],
  ],
  [
    'a source with a key beside it',
    on('personalAccessToken: {$env: SECRET, x: 1}'),
    ['5:32 a key that begins with $ must be the only one'],
  ],
  ['a source that does not exist', on('personalAccessToken: {$vault: x}'), ['5:32 unknown source']],
  [
    'a source that names nothing',
    on('personalAccessToken: {$env: [a]}'),
    ['5:39 $env must be the name of a variable'],
  ],
  [
    'a command that is no list',
    on('personalAccessToken: {$command: pass show}'),
    ['5:43 $command must be a list: the program and its arguments'],
  ],
  [
    'an empty command',
    on('personalAccessToken: {$command: []}'),
    ['5:43 $command must be a list: the program and its arguments'],
  ],
  [
    'a systemd credential without systemd',
    on('personalAccessToken: {$credential: a}'),
    ['5:46 systemd passed no credentials: CREDENTIALS_DIRECTORY is not set'],
  ],
  [
    'a systemd credential elsewhere',
    on('personalAccessToken: {$credential: ../a}'),
    ['5:46 $credential must be the name of a systemd credential'],
  ],
  [
    'a vault without a secret',
    on('personalAccessToken: {$keyVault: {vault: a}}'),
    ['5:44 $keyVault must be a mapping of vault and secret'],
  ],
  [
    'a vault that is no name',
    on('personalAccessToken: {$keyVault: {vault: "a.b/c", secret: x}}'),
    ['5:44 $keyVault must be the name of a vault, or its host, and the name of a secret'],
  ],
  [
    'a client id from a program',
    on('clientId: {$command: [x]}'),
    ['5:21 this source is for secrets only: use text, $env or $file'],
  ],
  ...[
    ['a value', on('personalAccessToken: {$include: a.yaml}'), '5:33'],
    ['a credential', on('$include: a.yaml'), '5:11'],
    ['all credentials', 'integrations: {azure: [{credentials: {$include: a.yaml}}]}', '1:39'],
    ['a host', 'integrations: {azure: [{$include: a.yaml}]}', '1:25'],
    ['all hosts', 'integrations: {azure: {$include: a.yaml}}', '1:24'],
    ['all integrations', 'integrations: {$include: a.yaml}', '1:16'],
    ['all integrations but ours', `${on('azureCli: true')}  $include: a.yaml\n`, '6:3'],
    ['the whole file', '$include: a.yaml\n', '1:1'],
    ['a part of the settings', 'orgkey: {entra: {$include: a.yaml}}', '1:18'],
    ['a list of settings', 'orgkey: {sockets: {$include: a.yaml}}', '1:20'],
    ['all settings', 'orgkey: {$include: a.yaml}', '1:10'],
  ].map(
    ([what, text = '', at]) =>
      [
        `$include for ${what}`,
        text,
        [`${at} $include is not supported: one file must show who acts for which organization`],
      ] as const,
  ),
  [
    'a source beside the fields of a credential',
    on('organizations: [a]\n$file: ./a.pat'),
    ['6:11 unknown key'],
  ],
  [
    'sources in place of a credential, beside the fallback',
    `integrations:
  azure:
    - credentials:
        - $env: PAT
        - {$file: a.pat, organisations: [a]}
        - personalAccessToken: x
`,
    ['4:11 unknown key', '5:12 unknown key', '5:26 unknown key'],
  ],
  [
    'a source in place of all credentials',
    'integrations: {azure: [{credentials: {$file: a.yaml}}]}',
    ['1:38 credentials must be a list'],
  ],
  ['a source in place of a host', 'integrations: {azure: [{$file: a.yaml}]}', ['1:25 unknown key']],
  [
    'a source beside the fields of a host, whose credentials are wrong as well',
    'integrations: {azure: [{$env: A, credentials: [{stored: maybe}]}]}',
    ['1:25 unknown key', '1:57 stored must be true or false'],
  ],
  [
    'a source in place of all hosts',
    'integrations: {azure: {$file: a.yaml}}',
    ['1:23 azure must be a list: begin each host with a hyphen'],
  ],
  ['a source in place of all integrations', 'integrations: {$file: a.yaml}', ['1:16 unknown key']],
  ['a source in place of the settings', 'orgkey: {$file: a.yaml}', ['1:10 unknown key']],
  [
    'a source beside the settings, of which one is wrong as well',
    'orgkey: {$schema: x, onFailur: pass}',
    ['1:10 unknown key', '1:22 unknown key'],
  ],
  [
    'sources in place of mappings and lists of the settings',
    `orgkey:
  entra: {$file: a.yaml}
  sockets: {$env: A}
  submodules:
    - {$file: a.yaml}
    - {organizations: {$env: A}, privateKey: x}
`,
    [
      '2:10 entra must be a mapping',
      '3:12 sockets must be a list',
      '5:7 submodules must be a mapping',
      '6:23 organizations must be a list',
    ],
  ],
  [
    'a certificate that is a PFX',
    on(`clientId: ${CLIENT}\nclientCertificate: MIIK\ntenantId: ${TENANT}`),
    ['6:30 the client certificate must be PEM with the certificate and its key'],
  ],
  [
    'a certificate without its key',
    on(`clientId: ${CLIENT}\nclientCertificate: "-----BEGIN CERTIFICATE-----"\ntenantId: ${TENANT}`),
    ['6:30 the client certificate’s PEM has no private key'],
  ],
  [
    'an unknown pipeline',
    on(`clientId: ${CLIENT}\ntenantId: ${TENANT}\noidc: gitlab`),
    ['7:17 oidc must be github-actions or azure-pipelines'],
  ],
  [
    'Azure Pipelines without a service connection',
    on(`clientId: ${CLIENT}\ntenantId: ${TENANT}\noidc: azure-pipelines`),
    ['7:17 oidc: azure-pipelines needs serviceConnectionId'],
  ],
  [
    'GitHub with a service connection',
    on(`clientId: ${CLIENT}\ntenantId: ${TENANT}\noidc: github-actions\nserviceConnectionId: ${CONNECTION}`),
    ['8:32 serviceConnectionId is for oidc: azure-pipelines only'],
  ],
  [
    'a kind that is switched off',
    on('azureCli: false'),
    ['5:21 azureCli can only be true: leave the credential out instead'],
  ],
  ['an unknown environment', on('environment: bash'), ['5:24 environment must be terraform']],
  ['an unknown way to sign in', on('signIn: fax'), ['5:19 signIn must be browser or device-code']],
  [
    'an issuer and a tenant',
    on(`signIn: browser\nissuer: https://a.example/\ntenantId: ${TENANT}`),
    ['7:21 use issuer or tenantId, not both: the issuer names the tenant'],
  ],
  [
    'an issuer without TLS',
    on('signIn: browser\nissuer: http://a.example/'),
    ['6:19 issuer must be an https address without query'],
  ],
  [
    'a secret without its app',
    on('signIn: browser\nclientSecret: a'),
    ['6:25 clientSecret needs the clientId of the app that it belongs to'],
  ],
  [
    'a scope with a space',
    on('signIn: browser\nscopes: [a b]'),
    ['6:20 scopes must be without spaces, quotes and backslashes, one to an item'],
  ],
  [
    'hosts that are no list',
    'integrations:\n  azure:\n    host: dev.azure.com\n',
    ['3:5 azure must be a list: begin each host with a hyphen'],
  ],
  ['a credential that is text', on('abc'), ['5:11 a credential must be a mapping']],
  ['a file that is a list', '- a\n', ['1:1 the file must be a mapping: integrations:, orgkey:']],
  ['settings that are text', 'orgkey: abc\n', ['1:9 orgkey must be a mapping']],
  [
    'settings of the wrong type',
    `orgkey:
  prefetch: yes
  onFailure: stop
  idleExit: 10
  entra: {authorityHost: http://a.example, disableInstanceDiscovery: 1}
  sockets: {name: a}
  metrics: {listen: "0.0.0.0:80"}
  audit: {maxSize: 1KiB, files: 0}
`,
    [
      '2:13 prefetch must be true or false',
      '3:14 onFailure must be quit or pass',
      '4:13 YAML reads this as a number: put quotes around it',
      '5:26 authorityHost must be an https address without query',
      '5:70 disableInstanceDiscovery must be true or false',
      '6:12 sockets must be a list',
      '7:21 listen must be off, a loopback address with a port as in 127.0.0.1:9464, or the absolute path of a socket',
      '8:20 maxSize must be a size of at least 4KiB, as in 500KiB or 10MiB',
      '8:33 files must be a number from 1 to 1000',
    ],
  ],
  [
    'bad sockets',
    `orgkey:
  sockets:
    - {name: A_b, organizations: [a]}
    - {name: a, organizations: []}
    - {name: b, organizations: [a], mode: 0660}
    - {name: b, organizations: [a], mode: "0700"}
    - {name: c, organizations: [a], mode: "0060", group: a b}
    - {organizations: [a]}
    - {name: git, organizations: [a]}
`,
    [
      '3:14 name must be lower-case letters, digits and hyphens, 31 at most',
      '4:32 organizations must name at least one',
      '5:43 YAML reads this as a number: put quotes around it',
      '6:14 a second socket of this name, the first is at 5:14',
      '6:43 mode must be as in "0600", "0660" or "0666"',
      '7:43 mode must be as in "0600", "0660" or "0666"',
      '7:58 group must be the name or the number of a group',
      '8:7 name is missing',
      '9:14 name cannot be git: the main socket has that name',
    ],
  ],
  [
    'a holder of keys, which was removed',
    'orgkey: {ssh: {keyHolder: agent}}\n',
    ['1:16 keyHolder was removed: a submodule key can be in your own ssh-agent instead'],
  ],
  [
    'submodule keys in an ssh-agent, written wrongly',
    `orgkey:
  submodules:
    - {organizations: [a], privateKey: {$agent: SSH_AUTH_SOCK}}
    - {organizations: [b], privateKey: {$agent: SSH_AUTH_SOCK, publicKey: ssh-rsa AAAA}}
    - {organizations: [c], privateKey: {$agent: /a, publicKey: ssh-rsa AAAA, more: 1}}
`,
    [
      '3:40 $agent must be followed by publicKey, and by no other key',
      '4:49 the variable SSH_AUTH_SOCK is not set',
      '5:40 $agent must be followed by publicKey, and by no other key',
    ],
  ],
  [
    'bad submodules',
    `orgkey:
  submodules:
    - {organizations: [a], privateKey: {$file: nope}}
    - {organizations: [b], privateKey: k, repositories: [a, a/b/c]}
    - {organizations: [b], privateKey: k, repositories: [a/b], host: "a b"}
    - {organizations: [A], privateKey: k}
    - {privateKey: k}
    - {organizations: [c]}
`,
    [
      '3:48 the file ./nope does not exist',
      '4:58 repositories must be PROJECT/REPOSITORY, with * for any run of characters',
      '4:61 repositories must be PROJECT/REPOSITORY, with * for any run of characters',
      '5:70 host must be the ssh name of a host, as in ssh.dev.azure.com',
      '6:7 a second key for the same organization and host, the first is at 3:7',
      '7:7 organizations is missing',
      '8:7 privateKey is missing',
    ],
  ],
  ['a tab', 'orgkey:\n\tprefetch: true\n', ['2:1 tabs cannot indent: use spaces']],
  [
    'an open quote',
    'orgkey:\n  x: "abc\n',
    ['3:1 a quote, a bracket, a comma, a colon or a space is missing'],
  ],
  [
    'a placeholder between brackets',
    'integrations: {azure: [{host: ${HOST}}]}\n',
    ['1:31 between brackets, ${…} needs quotes around it'],
  ],
  [
    'a second document',
    'orgkey: {}\n---\nx: 1\n',
    ['2:1 a second document begins here: the file must be one'],
  ],
  [
    'an unknown alias',
    'orgkey: *abc\n',
    ['1:9 no anchor has this name: put quotes around text that begins with an asterisk'],
  ],
  ['an at sign', 'orgkey:\n  x: @abc\n', ['2:6 text cannot begin with this character: put quotes around it']],
  [
    'an alias of itself',
    'orgkey: &o {sockets: *o}\n',
    ['1:12 sockets must be a list', '1:13 values are nested too deeply'],
  ],
  [
    'a billion values in a few lines',
    `orgkey:\n  prefetch: &a [${'x,'.repeat(50)}]\n  onFailure: &b [${'*a,'.repeat(50)}]\n  idleExit: &c [${'*b,'.repeat(50)}]\n  ssh: [*c,*c]\n`,
    [
      '2:16 too many aliases',
      '3:17 onFailure must be quit or pass',
      '4:16 idleExit must be never, or a time as in 90s, 10m or 2h',
      '5:8 ssh must be a mapping',
    ],
  ],
  [
    'a key that stands twice, and slips elsewhere',
    `integrations:
  azure:
    - credentials:
        - {organisation: [a], personalAccessToken: x}
        - {personalAccessToken: y, personalAccessToken: z}
orgkey: {onFailur: pass}
`,
    ['4:12 unknown key', '5:36 the same key stands here twice', '6:10 unknown key'],
  ],
  [
    'values that YAML makes nothing of, and slips elsewhere',
    `integrations:
  azure:
    - credentials:
        - {organizations: *abc, personalAccessToken: x}
        - *abc
        - {personalAccessToken: !!binary eA==}
orgkey: {onFailur: pass, prefetch: *abc, idleExit:}
`,
    [
      '4:27 no anchor has this name: put quotes around text that begins with an asterisk',
      '5:11 no anchor has this name: put quotes around text that begins with an asterisk',
      '6:42 a kind of value that is not known here',
      '7:10 unknown key',
      '7:36 no anchor has this name: put quotes around text that begins with an asterisk',
      '7:42 idleExit has no value',
    ],
  ],
];

for (const [title, text, problems] of bad) {
  test(`refused, with every place: ${title}`, async (t) => {
    const found = problemsIn(await loadText(t, text, {environment, files}));
    t.deepEqual(found, problems);
  });
}

test('an unknown key that is near a known one says which, any other says what is possible', async (t) => {
  const {loaded} = await loadText(t, on('clientId: system-assigned\norganisations: [a]\nxyz: 1'));
  t.deepEqual(loaded.kind === 'invalid' && loaded.problems.map(({hint}) => hint), [
    'did you mean organizations?',
    'possible here: organizations, clientId',
  ]);
});

test('a source where no single value belongs says what it is for', async (t) => {
  const {loaded} = await loadText(t, on('$file: a.pat'));
  t.deepEqual(loaded.kind === 'invalid' && loaded.problems.map(({hint}) => hint), [
    'a key that begins with $ stands for a single value, as in personalAccessToken: {$file: …}',
  ]);
});

test('a misspelled key of ssh', async (t) => {
  const {loaded} = await loadText(t, 'orgkey:\n  ssh: {proxycommand: nc}\n');
  t.deepEqual(loaded.kind === 'invalid' && loaded.problems.map(({message, hint}) => [message, hint]), [
    ['unknown key', 'did you mean proxyCommand?'],
  ]);
});

test('a kind that does not fit says what it must have', async (t) => {
  const {loaded} = await loadText(t, on('clientCertificate: a'));
  t.deepEqual(loaded.kind === 'invalid' && loaded.problems.map(({message, hint}) => [message, hint]), [
    [
      'the keys fit no kind of credential; the nearest is a client certificate: clientId and tenantId are missing',
      'a client certificate has exactly clientId, clientCertificate and tenantId, optional clientCertificatePassword',
    ],
  ]);
});

const warned: readonly (readonly [title: string, text: string, warnings: readonly string[]])[] = [
  [
    'an assertion of the machine’s own identity',
    on(`clientId: ${CLIENT}\nmanagedIdentityClientId: system-assigned\ntenantId: ${TENANT}`),
    [
      '6:36 Entra accepts client assertions of user-assigned managed identities only: system-assigned will probably be rejected',
    ],
  ],
  [
    'a host without credentials',
    'integrations:\n  azure:\n    - host: dev.azure.com\n',
    ['3:7 no credentials: requests for this host are passed on'],
  ],
  [
    'nothing at all',
    'app: {}\n',
    ['1:1 nothing is configured: there is neither integrations.azure nor orgkey'],
  ],
  [
    'a socket for every user',
    `${on('clientId: system-assigned')}orgkey: {sockets: [{name: a, organizations: [b], mode: "0666"}]}\n`,
    ['6:56 every user of this machine may ask this socket for credentials'],
  ],
  [
    'a socket for an organization that nobody acts for',
    `${on('clientId: system-assigned\norganizations: [a]')}orgkey: {sockets: [{name: s, organizations: [b]}]}\n`,
    ['7:19 the socket s names an organization that no credential is for'],
  ],
];

for (const [title, text, warnings] of warned) {
  test(`accepted with a warning: ${title}`, async (t) => {
    t.deepEqual(warningsIn(await loadText(t, text)), warnings);
  });
}

test('a configuration that is not there is told by its path', async (t) => {
  const file = join(scratchDirectory(t), 'nope.yaml');
  t.deepEqual(await loadConfiguration({file, environment: {}, key: new Uint8Array(32)}), {
    kind: 'invalid',
    source: file,
    problems: [{place: file, message: 'the configuration does not exist', hint: undefined}],
    files: [file],
  });
});

test('where files were looked for is watched, as far as another one would be taken', async (t) => {
  const directory = scratchDirectory(t);
  const candidates = ['own', 'machine'].map((name) => join(directory, name));
  const [own = '', machine = ''] = candidates;
  const watched = async (file: string | undefined, variables = {}) => {
    const loaded = await loadConfiguration({
      file,
      candidates,
      environment: variables,
      key: new Uint8Array(32),
    });
    return loaded.kind === 'loaded' ? loaded.configuration.files : loaded.files;
  };
  t.deepEqual(await watched(undefined), [own, machine]);
  t.deepEqual(await watched(undefined, {AZDO_PERSONAL_ACCESS_TOKEN: 'x'}), [own, machine]);
  t.deepEqual(await watched(undefined, {ARM_USE_OIDC: 'true'}), [own, machine]);
  t.deepEqual(await watched(machine), [own, machine]);
  writeFileSync(machine, on('azureCli: true'), {mode: 0o600});
  t.deepEqual(await watched(machine), [own, machine]);
  writeFileSync(own, on('azureCli: true'), {mode: 0o600});
  t.deepEqual(await watched(own), [own]);
  t.deepEqual(await watched(join(directory, 'named')), [join(directory, 'named')]);
});

test('a configuration that is not UTF-8, or no file, is told', async (t) => {
  const directory = scratchDirectory(t);
  const latin = join(directory, 'latin.yaml');
  writeFileSync(latin, Buffer.from('# \xe4\n', 'latin1'), {mode: 0o600});
  for (const [file, message] of [
    [latin, 'the configuration is not UTF-8'],
    [directory, 'the configuration is not a regular file'],
    ['/dev/null', 'the configuration is not a regular file'],
  ] as const) {
    const loaded = await loadConfiguration({file, environment: {}, key: new Uint8Array(32)});
    t.is(loaded.kind === 'invalid' ? loaded.problems[0]?.message : '', message);
  }
});

test('values too deep are told, not overflowed', async (t) => {
  t.deepEqual(problemsIn(await loadText(t, `orgkey: ${'['.repeat(200_000)}`)).length, 1);
  t.deepEqual(problemsIn(await loadText(t, `orgkey:\n${'- '.repeat(100_000)}`)).length, 1);
});

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

test('the hash changes with the text, a variable and a file, and with nothing else', async (t) => {
  const text = on('clientId: ${CLIENT}\nclientSecret: {$file: secret}\ntenantId: ${TENANT}');
  const directory = scratchDirectory(t);
  const file = join(directory, 'config.yaml');
  const hashWith = async (wanted: string, variables: object, secret: string) => {
    writeFileSync(file, wanted, {mode: 0o600});
    writeFileSync(join(directory, 'secret'), secret, {mode: 0o600});
    const loaded = await loadConfiguration({
      file,
      environment: {...environment, ...variables},
      key: new Uint8Array(32),
    });
    return soundIn(t, {loaded}).hash;
  };
  const first = await hashWith(text, {}, 'a');
  t.is(await hashWith(text, {OTHER: 'x'}, 'a'), first);
  t.not(await hashWith(`${text}# more\n`, {}, 'a'), first);
  t.not(await hashWith(text, {TENANT: MACHINE}, 'a'), first);
  t.not(await hashWith(text, {}, 'b'), first);
});

const literals: readonly (readonly [secret: string, isRefused: boolean])[] = [
  ['canary', true],
  ['${CLIENT}', false],
  ['"${CLIENT} ${TENANT}"', false],
  ['${CLIENT:-}', false],
  ['${NOT_SET:-canary}', true],
  ['${CLIENT:-canary}', true],
  ['canary${EMPTY:-x}', true],
  ['${CLIENT}canary', true],
  ['$${canary}', true],
  ['{$env: SECRET}', false],
];

for (const [secret, isRefused] of literals)
  test(`where others can read the configuration, a secret is ${isRefused ? 'refused' : 'no literal'}: ${secret}`, async (t) => {
    const loaded = await loadText(t, on(`personalAccessToken: ${secret}`), {environment, mode: 0o644});
    const refusal = '5:32 the configuration holds a secret and can be read by others; here is one';
    t.is(loaded.loaded.kind, isRefused ? 'invalid' : 'loaded');
    t.deepEqual(problemsIn(loaded), isRefused ? [refusal] : []);
  });

test('a plain file is loaded without the YAML library', async (t) => {
  const {file} = await loadText(t, on('clientId: system-assigned'));
  const script = `
    import {registerHooks} from 'node:module';
    const seen = [];
    registerHooks({load: (url, context, next) => { if (/\\/node_modules\\//.test(url)) seen.push(url); return next(url, context); }});
    const {loadConfiguration} = await import(process.argv[1]);
    const loaded = await loadConfiguration({file: process.argv[2], environment: {}, key: new Uint8Array(32)});
    console.log(loaded.kind, seen.length);
  `;
  const module = join(import.meta.dirname, '../../src/config/load-configuration.ts');
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script, module, file], {
    encoding: 'utf8',
  });
  t.is(output.trim(), 'loaded 0');
});

test('ten thousand organizations, each with its own credential', async (t) => {
  const variables: Record<string, string> = {};
  const lines = ['integrations:', '  azure:', '    - host: dev.azure.com', '      credentials:'];
  for (let number = 0; number < 10_000; number += 1) {
    variables[`SECRET_${number}`] = `secret ${number}`;
    lines.push(
      `        - organizations: [org-${number}]`,
      `          clientId: 9f000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
      `          clientSecret: \${SECRET_${number}}`,
      `          tenantId: ${TENANT}`,
    );
  }
  const {bindings} = soundIn(t, await loadText(t, `${lines.join('\n')}\n`, {environment: variables}));
  t.is(bindings.length, 10_000);
  t.is(new Set(bindings.map(({identity}) => identity.key)).size, 10_000);
  const lookup = new Bindings(bindings);
  for (let number = 0; number < 10_000; number += 1) {
    const organization = organizationFrom(`ORG-${number}`);
    if (organization === undefined) throw new Error('no name');
    const choice = lookup.choose({kind: 'organization', organization});
    if (choice.kind !== 'chosen') throw new Error(`${organization} has no credential`);
    const {identity} = choice.binding;
    if (clientIdOf(identity) !== `9f000000-0000-4000-8000-${String(number).padStart(12, '0')}`)
      t.fail(organization);
    if (identity.kind !== 'client-secret' || revealed(identity.clientSecret) !== `secret ${number}`)
      t.fail(organization);
  }
});

test('more problems than anybody reads are counted', async (t) => {
  const items = Array.from(
    {length: 300},
    () => '        - {personalAccessToken: 1, organizations: [x y]}',
  ).join('\n');
  const problems = problemsIn(await loadText(t, `integrations:\n  azure:\n    - credentials:\n${items}\n`));
  t.is(problems.length, 201);
  t.is(problems.at(-1), '104:33 400 more problems from here on');
});
