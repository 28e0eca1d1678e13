import {execFileSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {loadConfiguration} from '../../src/config/load-configuration.ts';
import {Bindings} from '../../src/identity/bindings.ts';
import {clientIdOf} from '../../src/identity/identity.ts';
import {organizationFrom} from '../../src/organization/organization.ts';
import {CLIENT, MACHINE, TENANT, environment, on, revealed} from '../helpers/configurations.ts';
import {loadText, problemsIn, soundIn, warningsIn} from '../helpers/load-text.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

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
    ['3:7 no credentials: requests for this host are passed on; Backstage would use DefaultAzureCredential'],
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
    'a socket for an organization without a credential',
    `${on('clientId: system-assigned\norganizations: [a]')}orgkey: {sockets: [{name: s, organizations: [b]}]}\n`,
    ['7:19 the socket s names an organization that no credential is for'],
  ],
];

for (const [title, text, warnings] of warned) {
  test(`accepted with a warning: ${title}`, async (t) => {
    t.deepEqual(warningsIn(await loadText(t, text)), warnings);
  });
}

test('a missing configuration is reported with its path', async (t) => {
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

test('a configuration that is not UTF-8, or not a file, is reported', async (t) => {
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

test('values nested too deeply are reported', async (t) => {
  t.deepEqual(problemsIn(await loadText(t, `orgkey: ${'['.repeat(200_000)}`)).length, 1);
  t.deepEqual(problemsIn(await loadText(t, `orgkey:\n${'- '.repeat(100_000)}`)).length, 1);
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
