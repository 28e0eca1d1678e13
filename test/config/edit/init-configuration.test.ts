import test from 'ava';
import {
  configurationFromBackstage,
  freshConfiguration,
  terraformConfiguration,
  type InitialText,
} from '../../../src/config/edit/init-configuration.ts';
import {loadText, namedFiles, soundIn, warningsIn} from '../../helpers/load-text.ts';

function textIn(initial: InitialText): string {
  if (initial.kind === 'text') return initial.text;
  throw new Error(initial.message);
}

test('a fresh configuration is valid as it is, and points editors to the schema', async (t) => {
  const text = freshConfiguration({schema: '/opt/orgkey/dist/config.schema.json'});
  t.regex(text, /^# yaml-language-server: \$schema=\/opt\/orgkey\/dist\/config\.schema\.json\n/);
  const loaded = await loadText(t, text);
  t.deepEqual(soundIn(t, loaded).bindings, []);
  t.is(warningsIn(loaded).length, 1);
});

test('every example in a fresh configuration is valid once its hash signs are gone', async (t) => {
  const lines = freshConfiguration({}).split('\n');
  const examples = lines
    .slice(lines.indexOf('integrations:'))
    .map((line) => line.replace(/^( *)# (?=- |  \S|orgkey:)/, '$1'))
    .filter((line) => !/^ *#/.test(line));
  // one name for all of them, to be read: here each needs its own
  let number = 0;
  const text = examples
    .join('\n')
    .replaceAll('- organizations: [contoso]', () => `- organizations: [contoso${(number += 1)}]`);
  const files = {'contoso-secret': 'a', 'fabrikam-pat': 'b', contoso_key: 'c'};
  const {bindings, settings} = soundIn(t, await loadText(t, text, {files}));
  t.deepEqual(
    bindings.map(({identity}) => identity.kind),
    ['managed-identity', 'client-secret', 'pat', 'sign-in'],
  );
  t.deepEqual([settings.sockets.length, settings.submodules.length], [1, 1]);
});

test('from Terraform’s variables', async (t) => {
  const environment = {AZDO_ORG_SERVICE_URL: 'https://dev.azure.com/contoso', ARM_USE_MSI: 'true'};
  const text = textIn(terraformConfiguration(environment, {}));
  const {bindings} = soundIn(t, await loadText(t, text, {environment}));
  t.deepEqual(
    bindings.map(({identity, organizations}) => [identity.kind, organizations]),
    [['managed-identity', ['contoso']]],
  );
  t.is(terraformConfiguration({AZDO_ORG_SERVICE_URL: 'x'}, {}).kind, 'failed');
});

const backstage = `# the whole company
app:
  title: x
integrations:
  github:
    - host: github.com
  # ours
  azure:
    - host: dev.azure.com # all of them
      token: \${TOKEN} # old
    - host: server.example.org
      credential: {token: a}
    - host: contoso.visualstudio.com
      credentials:
        # the build agents
        - clientId: system-assigned
backend: 1
`;

test('from a Backstage file: what is ours, comments included, what was removed put right', async (t) => {
  const text = textIn(configurationFromBackstage(backstage, {directory: '/'}));
  t.regex(text, /# ours\n/);
  t.regex(text, /# all of them\n/);
  t.regex(text, /# old\n/);
  t.regex(text, /# the build agents\n/);
  t.notRegex(text, /github|backend|company/);
  const {bindings} = soundIn(t, await loadText(t, text, {environment: {TOKEN: 'x'}}));
  t.deepEqual(
    bindings.map(({host, organizations, identity}) => [host, organizations, identity.kind]),
    [
      ['dev.azure.com', [], 'pat'],
      ['server.example.org', [], 'pat'],
      ['dev.azure.com', ['contoso'], 'managed-identity'],
    ],
  );
});

const from = '/the/${APP} #1';

/** Paths in a Backstage file of that directory, and their targets. */
const paths: readonly (readonly [written: string, leads: string])[] = [
  ['pat', '/the/${APP} #1/pat'],
  ['./deep/pat', '/the/${APP} #1/deep/pat'],
  ['../pat', '/the/pat'],
  ['${NAME}.pat', '/the.pat'],
  ['of-${TOOL}.pat', '/the/${APP} #1/of-tool.pat'],
  ['/run/pat', '/run/pat'],
  ['~/pat', '/home/of/me/pat'],
];

for (const [written, leads] of paths)
  test(`from a Backstage file elsewhere: the path ${written} leads where it led`, async (t) => {
    const environment = {HOME: '/home/of/me', NAME: '/the', TOOL: 'tool'};
    const load = (credential: string) => {
      const text = `integrations: {azure: [{credentials: [{${credential}}]}]}`;
      return loadText(t, textIn(configurationFromBackstage(text, {directory: from})), {environment});
    };
    const id = '9f000000-0000-0000-0000-000000000001';
    const path = JSON.stringify(written);
    const token = await load(`clientId: ${id}, tenantId: ${id}, federatedTokenFile: ${path}`);
    const [binding] = soundIn(t, token).bindings;
    t.is(binding?.identity.kind === 'federated-token-file' && binding.identity.federatedTokenFile, leads);
    const {loaded, file} = await load(`personalAccessToken: {$file: ${path}}`);
    t.deepEqual(loaded.kind === 'loaded' && namedFiles(loaded.configuration.files), [file, leads]);
  });

test('from a Backstage file elsewhere: a program beside it is still there, others are looked for', async (t) => {
  const text = `integrations:
  azure:
    - credentials:
        - {organizations: [a], personalAccessToken: {$command: [./print, ./as-it-is]}}
        - {organizations: [b], personalAccessToken: {$command: [print, ./as-it-is]}}
`;
  const loaded = await loadText(t, textIn(configurationFromBackstage(text, {directory: from})));
  t.deepEqual(
    soundIn(t, loaded).bindings.map(({identity}) => identity.kind === 'pat' && identity.personalAccessToken),
    [
      {from: 'command', argv: [`${from}/print`, './as-it-is']},
      {from: 'command', argv: ['print', './as-it-is']},
    ],
  );
});

const none: readonly (readonly [text: string, message: string])[] = [
  ['a: [', 'the file is not valid YAML'],
  ['a: 1', 'the file has no list integrations.azure'],
  ['- a', 'the file has no list integrations.azure'],
  [
    'x: &a [{host: b}]\nintegrations: {azure: [*a]}',
    'integrations.azure uses anchors of other parts of the file',
  ],
];

for (const [text, message] of none) {
  test(`nothing comes from ${JSON.stringify(text)}`, (t) => {
    t.deepEqual(configurationFromBackstage(text, {directory: '/'}), {kind: 'failed', message});
  });
}
