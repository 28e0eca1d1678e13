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
  ['Azure.Example.org/DevOps', 'azure.example.org/DevOps', []],
  ['azure.example.org:8443/a/b/', 'azure.example.org:8443/a/b', []],
  ['azure.example.org:443/devops', 'azure.example.org/devops', []],
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

for (const [host, reason] of [
  ['dev.azure.com/contoso', 'has a path, which only servers have'],
  ['contoso.visualstudio.com/DefaultCollection', 'has a path, which only servers have'],
  ['azure.example.org/a b', 'has an invalid virtual directory'],
  ['azure.example.org/..', 'has an invalid virtual directory'],
  ['azure.example.org//a', 'has an invalid virtual directory'],
  ['azure.example.org/a%2fb', 'has an invalid virtual directory'],
  ['https://azure.example.org/devops', 'must be a host name, without https://'],
] as const)
  test(`the host ${host} is refused`, async (t) => {
    const {loaded} = await loadText(t, on('personalAccessToken: x', JSON.stringify(host)));
    const problems = loaded.kind === 'invalid' ? loaded.problems : loaded.configuration.problems;
    t.deepEqual(
      problems.map(({message}) => message),
      [`host ${reason}`],
    );
  });

test('each virtual directory of a server has its own credentials', async (t) => {
  const text = `integrations:
  azure:
    - host: azure.example.org/DevOps
      credentials: [{organizations: [Main], personalAccessToken: x}, {personalAccessToken: y}]
    - {host: azure.example.org/other, credentials: [{organizations: [Main], personalAccessToken: z}]}
    - {host: azure.example.org, credentials: [{organizations: [Main], personalAccessToken: p}]}
    - {host: azure.example.org/devops, credentials: [{organizations: [MAIN], personalAccessToken: q}]}
`;
  const {loaded} = await loadText(t, text);
  const problems = loaded.kind === 'invalid' ? loaded.problems : loaded.configuration.problems;
  t.deepEqual(
    problems.map(({message}) => message.replace(/\S*yaml/, 'config.yaml')),
    ['the collection main is listed twice, first at config.yaml:4:38'],
  );
});

test('a virtual directory in the name of a collection is refused, with the place for it', async (t) => {
  const {loaded} = await loadText(
    t,
    on('organizations: [devops/Main]\npersonalAccessToken: x', 'azure.example.org'),
  );
  const problems = loaded.kind === 'invalid' ? loaded.problems : loaded.configuration.problems;
  t.like(problems[0], {
    message: 'invalid collection name',
    hint: 'write a virtual directory behind the host: server.example.org/devops',
  });
});
