import test from 'ava';
import {CLIENT, TENANT, on} from '../../helpers/configurations.ts';
import {loadText, problemsOf} from '../../helpers/load-text.ts';
import {testRefused} from '../../helpers/refused.ts';

testRefused([
  ['an unknown key', on('clientId: system-assigned\nfoo: 1'), ['6:11 unknown key: foo']],
  [
    'a misspelt key, which is reported once',
    on(`clientId: ${CLIENT}\nclientSecrt: abc\ntenantID: ${TENANT}`),
    ['6:11 unknown key: clientSecrt', '7:11 unknown key: tenantID'],
  ],
  ['an unknown key of a host', 'integrations:\n  azure:\n    - hots: x\n', ['3:7 unknown key: hots']],
  ['an unknown setting', 'orgkey:\n  prefech: true\n', ['2:3 unknown key: prefech']],
  [
    'a key of the prototype',
    'orgkey:\n  __proto__: 1\n  constructor: 2\n',
    ['2:3 unknown key', '3:3 unknown key: constructor'],
  ],
  [
    'a key that stands twice',
    on('clientId: system-assigned\nclientId: system-assigned'),
    ['6:11 the same key is here twice'],
  ],
  [
    'a section that stands twice',
    'orgkey: {}\nintegrations: {azure: [], azure: []}\norgkey: {}\nintegrations: {}\n',
    ['2:27 the same key is here twice', '3:1 the same key is here twice', '4:1 the same key is here twice'],
  ],
  [
    'no fields at all',
    on('organizations: [a]'),
    [
      '5:11 the keys match no credential type; the closest is a personal access token, which needs personalAccessToken',
    ],
  ],
  [
    'a field too few',
    on(`clientId: ${CLIENT}\ntenantId: ${TENANT}`),
    ['5:11 the keys match no credential type; the closest is a client secret, which needs clientSecret'],
  ],
  [
    'a field too many',
    on(`clientId: ${CLIENT}\ntenantId: ${TENANT}\nclientSecret: a\npersonalAccessToken: b`),
    [
      '5:11 the keys match no credential type; the closest is a client secret, which does not allow personalAccessToken',
    ],
  ],
  [
    'two kinds in one',
    on('personalAccessToken: a\nstored: true'),
    [
      '5:11 the keys match no credential type; the closest is a personal access token, which does not allow stored',
    ],
  ],
  [
    'a certificate without a tenant',
    on(`clientId: ${CLIENT}\nclientCertificate: a`),
    ['5:11 the keys match no credential type; the closest is a client certificate, which needs tenantId'],
  ],
  [
    'a source beside the fields of a credential',
    on('organizations: [a]\n$file: ./a.pat'),
    ['6:11 unknown key: $file'],
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
    ['4:11 unknown key: $env', '5:12 unknown key: $file', '5:26 unknown key: organisations'],
  ],
  [
    'a source in place of all credentials',
    'integrations: {azure: [{credentials: {$file: a.yaml}}]}',
    ['1:38 credentials must be a list'],
  ],
  ['a source in place of a host', 'integrations: {azure: [{$file: a.yaml}]}', ['1:25 unknown key: $file']],
  [
    'a source beside the fields of a host, whose credentials are wrong as well',
    'integrations: {azure: [{$env: A, credentials: [{stored: maybe}]}]}',
    ['1:25 unknown key: $env', '1:57 stored must be true or false'],
  ],
  [
    'a source in place of all hosts',
    'integrations: {azure: {$file: a.yaml}}',
    ['1:23 azure must be a list: begin each host with a hyphen'],
  ],
  ['a source in place of all integrations', 'integrations: {$file: a.yaml}', ['1:16 unknown key: $file']],
  ['a source in place of the settings', 'orgkey: {$file: a.yaml}', ['1:10 unknown key: $file']],
  [
    'a source beside the settings, of which one is wrong as well',
    'orgkey: {$schema: x, onFailur: pass}',
    ['1:10 unknown key: $schema', '1:22 unknown key: onFailur'],
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
]);

test('an unknown key that is near a known one says which, any other says what is possible', async (t) => {
  const {loaded} = await loadText(t, on('clientId: system-assigned\norganisations: [a]\nxyz: 1'));
  t.deepEqual(
    problemsOf(loaded).map(({hint}) => hint),
    ['did you mean organizations?', 'possible here: organizations, clientId'],
  );
});

test('a source where no single value belongs says what it is for', async (t) => {
  const {loaded} = await loadText(t, on('$file: a.pat'));
  t.deepEqual(
    problemsOf(loaded).map(({hint}) => hint),
    ['a key that begins with $ stands for a single value, as in personalAccessToken: {$file: …}'],
  );
});

test('a misspelled key of ssh', async (t) => {
  const {loaded} = await loadText(t, 'orgkey:\n  ssh: {proxycommand: nc}\n');
  t.deepEqual(
    problemsOf(loaded).map(({message, hint}) => [message, hint]),
    [['unknown key: proxycommand', 'did you mean proxyCommand?']],
  );
});

test('a kind that does not fit says what it must have', async (t) => {
  const {loaded} = await loadText(t, on('clientCertificate: a'));
  t.deepEqual(
    problemsOf(loaded).map(({message, hint}) => [message, hint]),
    [
      [
        'the keys match no credential type; the closest is a client certificate, which needs clientId and tenantId',
        'a client certificate has exactly clientId, clientCertificate and tenantId, optional clientCertificatePassword',
      ],
    ],
  );
});
