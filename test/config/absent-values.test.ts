import test from 'ava';
import {loadConfiguration} from '../../src/config/load-configuration.ts';
import {loadText, problemsIn, problemsOf, soundIn, warningsIn} from '../helpers/load-text.ts';

const GUID = '11111111-2222-3333-4444-555555555555';

/** Lines of one credential for contoso, and the warnings in place of an error. */
const fields: readonly (readonly [title: string, lines: readonly string[], warnings: readonly string[]])[] = [
  [
    'a secret that systemd passes',
    ['personalAccessToken: {$credential: contoso}'],
    ['systemd passes its credentials to the service only: only a daemon can read this one'],
  ],
  [
    'a certificate that systemd passes',
    ['clientCertificate: {$credential: contoso}', `clientId: ${GUID}`, `tenantId: ${GUID}`],
    ['systemd passes its credentials to the service only: only a daemon can read this one'],
  ],
  [
    'a secret in a variable',
    ['personalAccessToken: {$env: CONTOSO_PAT}'],
    ['the variable CONTOSO_PAT is not set here: only a daemon that has it can read it'],
  ],
  [
    'a secret in a text with a variable',
    ['personalAccessToken: "${CONTOSO_PAT}"'],
    ['the variable CONTOSO_PAT is not set here: only a daemon that has it can read it'],
  ],
  [
    'a secret in a file below a variable',
    ['personalAccessToken: {$file: "${SECRETS}/pat"}'],
    ['the variable SECRETS is not set here: only a daemon that has it can read it'],
  ],
  [
    'ids in variables',
    ['clientId: "${AZURE_CLIENT_ID}"', 'clientSecret: x', 'tenantId: {$env: AZURE_TENANT_ID}'],
    [
      'the variable AZURE_CLIENT_ID is not set here: only a daemon that has it can read it',
      'the variable AZURE_TENANT_ID is not set here: only a daemon that has it can read it',
    ],
  ],
];

function textOf(lines: readonly string[]): string {
  return `integrations:
  azure:
    - host: dev.azure.com
      credentials:
${lines.map((line, at) => `        ${at === 0 ? '-' : ' '} ${line}`).join('\n')}
          organizations: [contoso]
`;
}

for (const [title, lines, warnings] of fields) {
  test(`what only a daemon can know leaves the rule for it in force: ${title}`, async (t) => {
    const looked = await loadText(t, textOf(lines), {absent: 'warning'});
    const {bindings} = soundIn(t, looked);
    t.deepEqual(
      bindings.map(({organizations}) => organizations),
      [['contoso']],
    );
    t.deepEqual(
      warningsIn(looked).map((one) => one.replace(/^\S+ /, '')),
      warnings,
    );
    const acted = await loadText(t, textOf(lines));
    t.is(problemsIn(acted).length, warnings.length, 'for whoever acts by it, it is an error');
  });
}

test('only what does not follow from an absent value is an error', async (t) => {
  const organizations = textOf(['personalAccessToken: x']).replace('[contoso]', '["${ORG}"]');
  const looked = await loadText(t, organizations, {absent: 'warning'});
  t.deepEqual(soundIn(t, looked).bindings, []);
  const wrong = await loadText(t, organizations.replace('host: dev', 'host: https://dev'), {
    absent: 'warning',
  });
  t.deepEqual(problemsIn(wrong), ['3:13 host must be a host name, without https://']);
});

test('a variable that is not set is to be put where the service of its file reads it', async (t) => {
  const content = Buffer.from(
    'integrations: {azure: [{credentials: [{organizations: [a], personalAccessToken: "${AZURE_PAT}"}]}]}',
  );
  const hintFor = async (file: string) => {
    const loaded = await loadConfiguration({file, content, environment: {}, key: new Uint8Array(32)});
    return problemsOf(loaded).map(({hint}) => hint);
  };
  t.deepEqual(await hintFor('/etc/orgkey/config.yaml'), [
    'put AZURE_PAT=value into /etc/orgkey/env, then run: orgkey service restart --system',
  ]);
  const own =
    process.platform === 'darwin'
      ? 'run: launchctl setenv AZURE_PAT value, then: orgkey service restart'
      : 'put AZURE_PAT=value into ~/.config/orgkey/env, then run: orgkey service restart';
  t.deepEqual(await hintFor('/home/ann/.config/orgkey/config.yaml'), [own]);
});
