import test from 'ava';
import {parse} from 'yaml';
import {
  removeOrganization,
  setOrganization,
  type OrganizationEdit,
} from '../../../src/config/edit/edit-organizations.ts';

const services = 'dev.azure.com';
const pat = ['personalAccessToken: {$file: "/home/a: \'b\' # c/fabrikam"}'];
const patField = {personalAccessToken: {$file: "/home/a: 'b' # c/fabrikam"}};

function text(edit: OrganizationEdit): string {
  return edit.kind === 'text' ? edit.text : edit.kind;
}

interface Rule {
  readonly organizations?: readonly string[];
}

function rulesIn(yaml: string, host = services): readonly Rule[] {
  const {integrations} = parse(yaml) as {
    integrations: {azure: {host?: string; credentials?: Rule[]}[]};
  };
  return integrations.azure
    .filter((entry) => (entry.host ?? services) === host)
    .flatMap(({credentials}) => credentials ?? []);
}

const others = [
  ['nothing', ''],
  ['comments only', '# mine\n'],
  [
    'a rule of another organization, with comments',
    `# head
integrations:
  # why
  azure:
    - host: dev.azure.com # ours
      credentials:
        # first
        - organizations: [contoso] # one
          clientId: system-assigned # two
# tail
orgkey:
  prefetch: false
`,
  ],
  ['a host without credentials', 'integrations:\n  azure:\n    - host: dev.azure.com\n'],
  [
    'credentials with comments only',
    'integrations:\n  azure:\n    - host: dev.azure.com\n      credentials:\n        # - organizations: [x]\n\n# orgkey:\n',
  ],
  ['empty credentials', 'integrations:\n  azure:\n    - host: dev.azure.com\n      credentials: [] # none\n'],
  ['a host without a name', 'integrations:\n  azure:\n  - credentials:\n    - signIn: browser\n'],
  [
    'another host',
    'integrations:\n  azure:\n    - host: tfs.example.com\n      credentials: [{personalAccessToken: x}]\n',
  ],
  ['an empty list', 'integrations: {azure: []}\n'],
  ['no list', 'integrations:\n  azure:\n'],
  ['brackets', 'integrations: {azure: [{credentials: [{organizations: [contoso], azureCli: true}]}]}'],
  [
    'JSON',
    '{"integrations": {"azure": [{"host": "dev.azure.com",\n  "credentials": [\n    {"organizations": ["contoso"], "signIn": "browser"}\n  ]}]}}',
  ],
  [
    'the rest of an app-config, without a line break at the end',
    'app: {title: "a: b"}\nintegrations:\n  github: [{host: github.com}]\n  azure:\n    - credentials:\n        - organizations: [contoso]\n          azureCli: true',
  ],
  [
    'lines that end as on Windows',
    'integrations:\r\n  azure:\r\n    - host: dev.azure.com\r\n      credentials:\r\n        - organizations: [contoso]\r\n          azureCli: true\r\n',
  ],
] as const;

for (const [title, before] of others) {
  test(`an organization is added and removed again: ${title}`, (t) => {
    const owner = {organization: 'fabrikam', host: services};
    const edit = setOrganization(before, owner, pat);
    t.is(edit.kind === 'text' ? edit.change : edit.kind, 'added');
    const added = text(edit);
    t.deepEqual(rulesIn(added).at(-1), {organizations: ['fabrikam'], ...patField});
    for (const comment of before.match(/# .*/g) ?? []) t.true(added.includes(comment), comment);
    for (const line of before.split(/\r?\n/).filter((one) => !/[[\]{}]|azure:$|credentials:$/.test(one)))
      t.true(added.includes(line), line);
    if (before.includes('\r\n')) t.notRegex(added, /[^\r]\n/);
    t.is(text(setOrganization(added, {...owner, organization: 'FABRIKAM'}, pat)), added, 'twice is once');

    const removed = text(removeOrganization(added, owner));
    t.false(rulesIn(removed).some(({organizations = []}) => organizations.includes('fabrikam')));
    for (const comment of before.match(/# .*/g) ?? []) t.true(removed.includes(comment), comment);
    if (
      rulesIn(
        before === '' || before === '# mine\n'
          ? 'integrations: {azure: []}'
          : before.replace(/azure:\n$/, 'azure: []\n'),
      ).length > 0
    )
      t.is(removed.trimEnd(), before.trimEnd(), 'as it was');
    t.is(removeOrganization(removed, owner).kind, 'absent');
  });
}

const shared = `integrations:
  azure:
    - credentials:
        - organizations: [contoso, Fabrikam, northwind] # three
          personalAccessToken: {$file: old}
          # between
        - organizations:
            - wide # w
            - world # x
          azureCli: true
`;

test('an organization leaves the rule that it shares, which stays that of the others', (t) => {
  const changed = text(setOrganization(shared, {organization: 'fabrikam', host: services}, pat));
  t.deepEqual(
    rulesIn(changed).map(({organizations}) => organizations),
    [['contoso', 'northwind'], ['wide', 'world'], ['fabrikam']],
  );
  t.true(changed.includes('[contoso, northwind] # three\n'));
  t.is(
    text(removeOrganization(shared, {organization: 'WORLD', host: services})),
    shared.replace('            - world # x\n', ''),
  );
  t.is(
    text(removeOrganization(shared, {organization: 'contoso', host: services})),
    shared.replace('contoso, ', ''),
  );
});

test('an organization joins the rule with the same identity', (t) => {
  const joined = text(setOrganization(shared, {organization: 'new', host: services}, ['azureCli: true']));
  t.is(joined, shared.replace('- world # x\n', '- world # x\n            - "new"\n'));
});

const changes: readonly [title: string, rule: string, fields: readonly string[], expected: string][] = [
  [
    'other fields',
    `- organizations: [a] # names
  # the application
  clientId: one # id
  clientSecret: {$file: x} # secret
  tenantId: t
- organizations: [b]
  azureCli: true
`,
    ['personalAccessToken: {$file: "p"}'],
    `- organizations: [a] # names
  # the application
  personalAccessToken: {$file: "p"} # id
- organizations: [b]
  azureCli: true
`,
  ],
  [
    'the same fields with other values',
    '- clientId: one # id\n  organizations: [a]\n  tenantId:\n    $env: T\n',
    ['clientId: "two"', 'tenantId: "u"'],
    '- clientId: "two" # id\n  organizations: [a]\n  tenantId: "u"\n',
  ],
  [
    'more fields',
    '- organizations: [a]\n  azureCli: true\n',
    ['clientId: "x"', 'tenantId: "u"'],
    '- organizations: [a]\n  clientId: "x"\n  tenantId: "u"\n',
  ],
  [
    'a first field that goes',
    '- clientId: x\n  organizations: [a]\n  tenantId: u\n',
    ['tenantId: "u"'],
    '- organizations: [a]\n  tenantId: "u"\n',
  ],
  [
    'brackets',
    '- {organizations: [a], azureCli: true}\n',
    ['signIn: "browser"'],
    '- {organizations: [a], "signIn":"browser"}\n',
  ],
];

for (const [title, rule, fields, expected] of changes) {
  test(`the credential of an organization changes in place: ${title}`, (t) => {
    const head = 'integrations:\n  azure:\n    - host: dev.azure.com\n      credentials:\n';
    const whole = (lines: string) => head + lines.replaceAll(/^(?=.)/gm, '        ');
    const edit = setOrganization(whole(rule), {organization: 'A', host: services}, fields);
    t.is(text(edit), whole(expected));
  });
}

test('a credential without organizations is added and changed for a host of its own', (t) => {
  const owner = {organization: undefined, host: 'tfs.example.com'};
  const added = text(setOrganization(shared, owner, ['stored: true']));
  t.true(added.startsWith(shared));
  t.deepEqual(rulesIn(added, 'tfs.example.com'), [{stored: true}] as never);
  const changed = text(setOrganization(added, owner, pat));
  t.deepEqual(rulesIn(changed, 'tfs.example.com'), [patField] as never);
});

test('the last organization of a host removes the host, if nothing else is written there', (t) => {
  const added = text(setOrganization(shared, {organization: 'main', host: 'tfs.example.com'}, pat));
  t.is(text(removeOrganization(added, {organization: 'main', host: 'tfs.example.com'})), shared);
});

const unfit: readonly [title: string, yaml: string][] = [
  ['invalid YAML', 'integrations: [\n'],
  ['a list that is an alias', 'x: &x [contoso]\nintegrations: {azure: [{credentials: *x}]}\n'],
  [
    'credentials that are used twice',
    'integrations:\n  azure:\n    - credentials: &c\n        - organizations: [contoso]\n          azureCli: true\nother: *c\n',
  ],
  [
    'an organization that is listed twice',
    'integrations: {azure: [{credentials: [{organizations: [fabrikam], azureCli: true}, {organizations: [fabrikam], stored: true}]}]}\n',
  ],
];

for (const [title, yaml] of unfit) {
  test(`a text is not changed if it cannot be changed safely: ${title}`, (t) => {
    t.is(setOrganization(yaml, {organization: 'fabrikam', host: services}, pat).kind, 'unfit');
  });
}
