import test from 'ava';
import {on} from '../../helpers/configurations.ts';
import {loadText, soundIn} from '../../helpers/load-text.ts';

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
