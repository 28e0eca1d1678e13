import test from 'ava';
import type {Loaded} from '../../../src/config/configuration.ts';
import {Bindings} from '../../../src/identity/bindings.ts';
import type {Identity} from '../../../src/identity/identity.ts';
import {organizationFrom} from '../../../src/organization/organization.ts';
import {environment, files} from '../../helpers/configurations.ts';
import {loadText, problemsIn, warningsIn} from '../../helpers/load-text.ts';

const GUID = '11111111-1111-4111-8111-111111111111';

/** Lines of fabrikam's credential, the code of its failure, and its message without the directory. */
const wrong: readonly (readonly [title: string, fields: string, code: string, message: RegExp])[] = [
  [
    'a missing secret file',
    'personalAccessToken: {$file: none}',
    'ERR_SECRET_UNREADABLE',
    /:5:\d+: the file .*none does not exist/,
  ],
  [
    'an empty secret file',
    'personalAccessToken: {$file: empty}',
    'ERR_SECRET_UNREADABLE',
    /: the secret in .*\/empty is empty/,
  ],
  [
    'an unset variable',
    'personalAccessToken: "${NOT_SET}"',
    'ERR_SECRET_UNREADABLE',
    /: the variable NOT_SET is not set/,
  ],
  [
    'an unset $env',
    'personalAccessToken: {$env: NOT_SET}',
    'ERR_SECRET_UNREADABLE',
    /: the variable NOT_SET is not set/,
  ],
  [
    'no systemd credential',
    'personalAccessToken: {$credential: a}',
    'ERR_SECRET_UNREADABLE',
    /: systemd passed no credentials/,
  ],
  [
    'a bad certificate',
    `clientId: ${GUID}, tenantId: ${GUID}, clientCertificate: x`,
    'ERR_CREDENTIAL',
    /: the client certificate must be PEM/,
  ],
  [
    'a wrong field',
    `clientId: 1234, tenantId: ${GUID}, clientSecret: a`,
    'ERR_CREDENTIAL',
    /: YAML reads this as a number/,
  ],
  [
    'a misspelt key',
    `clientIdd: ${GUID}, tenantId: ${GUID}, clientSecret: a`,
    'ERR_CREDENTIAL',
    /: unknown key/,
  ],
  [
    'keys of no kind',
    `clientId: ${GUID}, personalAccessToken: a`,
    'ERR_CREDENTIAL',
    /: the keys match no credential type/,
  ],
  [
    'an unknown source',
    'personalAccessToken: {$flie: a}',
    'ERR_SECRET_UNREADABLE',
    /: unknown source: \$flie$/,
  ],
];

function textOf(fields: string): string {
  return `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], personalAccessToken: a}
        - {organizations: [fabrikam], ${fields}}
orgkey: {prefetch: false}
`;
}

for (const [title, fields, code, message] of wrong)
  test(`one wrong credential spares the others: ${title}`, async (t) => {
    const loaded = await loadText(t, textOf(fields), {
      environment,
      files: {...files, empty: ''},
      unknownKeys: 'warning',
    });
    const identityFor = (organization: string) => chosen(loaded.loaded, organization);
    t.is(identityFor('contoso')?.kind, 'pat');
    const failed = identityFor('fabrikam');
    t.is(failed?.kind, 'unusable');
    t.is(failed?.kind === 'unusable' ? failed.failure.code : '', code);
    t.regex(failed?.kind === 'unusable' ? failed.failure.message : '', message);
    t.false(problemsIn(loaded).length === 0);
    t.is(loaded.loaded.kind === 'loaded' && loaded.loaded.configuration.settings.prefetch, false);
  });

function chosen(loaded: Loaded, name: string): Identity | undefined {
  if (loaded.kind === 'invalid') throw new Error(loaded.problems[0]?.message);
  const organization = organizationFrom(name);
  if (organization === undefined) return undefined;
  const choice = new Bindings(loaded.configuration.bindings).choose({kind: 'organization', organization});
  return choice.kind === 'chosen' ? choice.binding.identity : undefined;
}

/** If these were only left out, another rule could act for what they are for. */
const whole: readonly (readonly [title: string, text: string])[] = [
  ['YAML syntax', 'integrations: [a\n'],
  ['an organization twice', textOf('personalAccessToken: b').replace('fabrikam', 'contoso')],
  ['a key twice', textOf('personalAccessToken: b, personalAccessToken: c')],
  [
    'misspelt organizations',
    textOf('personalAccessToken: b').replace('organizations: [f', 'organisations: [f'),
  ],
  [
    'an organization from an unset variable',
    textOf('personalAccessToken: b').replace('fabrikam', '"${NOT_SET}"'),
  ],
  ['a wrong setting', textOf('personalAccessToken: b').replace('false', 'maybe')],
  [
    'a wrong host',
    textOf('personalAccessToken: b').replace('- credentials', '- host: a b\n      credentials'),
  ],
];

for (const [title, text] of whole)
  test(`a fault that concerns other rules makes the whole configuration invalid: ${title}`, async (t) => {
    const {loaded} = await loadText(t, text, {unknownKeys: 'warning'});
    t.is(loaded.kind, 'invalid');
  });

test('a wrong socket or submodule key is left out, and spares the others', async (t) => {
  const text = `orgkey:
  sockets:
    - {name: right, organizations: [contoso]}
    - {name: wrong, organizations: [contoso], mode: "0777"}
  submodules:
    - {organizations: [contoso], privateKey: a}
    - {organizations: [fabrikam], privateKey: {$file: none}}
`;
  const loaded = await loadText(t, text);
  t.deepEqual(
    problemsIn(loaded).map((problem) => problem.replace(/ .*/, '')),
    ['4:53', '7:55'],
  );
  const {loaded: result} = loaded;
  if (result.kind === 'invalid') throw new Error('it is not invalid');
  const {sockets, submodules} = result.configuration.settings;
  t.deepEqual(
    sockets.map(({name}) => name),
    ['right'],
  );
  t.deepEqual(
    submodules.map(({organizations}) => organizations),
    [['contoso']],
  );
});

/** Keys of a newer version, and what a daemon says about them. */
const newer: readonly (readonly [text: string, warnings: readonly string[], problems: readonly string[]])[] =
  [
    ['orgkey: {futureKey: 1}\n', ['1:10 unknown key: futureKey, which is ignored'], []],
    ['orgkey: {prefech: false}\n', ['1:10 unknown key: prefech, which is ignored'], []],
    ['orgkey: {entra: {futureKey: {a: 1}}}\n', ['1:18 unknown key: futureKey, which is ignored'], []],
    [textOf('personalAccessToken: b, futureKey: 1'), ['5:63 unknown key: futureKey, which is ignored'], []],
    [textOf('personalAccessTokn: b'), [], ['5:39 unknown key: personalAccessTokn']],
    // a restriction that does not hold would be worse than a rule that is left out
    [
      'orgkey: {submodules: [{organizations: [a], privateKey: b, repositorys: [c/d]}]}\n',
      [],
      ['1:59 unknown key: repositorys'],
    ],
  ];

for (const [text, warnings, problems] of newer)
  test(`a daemon warns of an unknown key, and a check refuses it: ${text}`, async (t) => {
    const lenient = await loadText(t, text, {unknownKeys: 'warning'});
    t.deepEqual(warningsIn(lenient), warnings);
    t.deepEqual(problemsIn(lenient), problems);
    t.is(problemsIn(await loadText(t, text)).length, 1);
  });
