import test from 'ava';
import {judge, tenantIn, type Credential} from '../../src/diagnostics/azure-devops.ts';
import {NO_TENANT} from '../../src/organization/connected-tenant.ts';

const TENANT = '22222222-2222-4222-8222-222222222222';
const OBJECT = '33333333-3333-4333-8333-333333333333';
const answer = (status: number, text = '', headers: Record<string, string> = {}) => ({
  status,
  text,
  headers,
  skew: undefined,
});
const signIn = (who: string) =>
  `TF401444: Please sign-in at least once as ${TENANT}\\${TENANT}\\${who} in a web browser to enable access to the service.`;

const CLOSED =
  'The Managed Identity / Service Principal x does not have access to Azure DevOps organization contoso. Please make sure the identity has been added to the organization.';
const NO_PROJECT = "VS800075: The project with id 'vstfs:///Classification/TeamProject/0' does not exist.";
const CHALLENGE = `Bearer realm="", authorization_uri="https://login.microsoftonline.com/${TENANT}", error="insufficient_claims", error_description="Continuous access evaluation\u202e ended it", claims="e30="`;

for (const [title, given, form, kind, message, repair] of [
  [
    'an app that is not a user',
    answer(401, signIn(OBJECT)),
    'access-token',
    'client-secret',
    /TF401444/,
    /^Add the identity under .*Users/,
  ],
  [
    'a managed identity that is not a user',
    answer(401, signIn(OBJECT)),
    'access-token',
    'managed-identity',
    /TF401444/,
    /^Add the identity/,
  ],
  [
    'a service principal of the Azure CLI',
    answer(401, signIn(OBJECT)),
    'access-token',
    'azure-cli',
    /TF401444/,
    /^Add the identity/,
  ],
  [
    'a user who never came',
    answer(401, signIn('ann@contoso.com')),
    'access-token',
    'sign-in',
    /TF401444/,
    /^Open the organization once/,
  ],
  [
    'a user of the Azure CLI',
    answer(401, signIn('ann@contoso.com')),
    'access-token',
    'azure-cli',
    /TF401444/,
    /^Open the organization once/,
  ],
  [
    'an organization without access',
    answer(403, CLOSED),
    'access-token',
    'azure-pipelines',
    /^the identity is not a user of the organization$/,
    /^Add the identity under Organization settings > Users.*object ID/,
  ],
  [
    'a project without the identity',
    answer(404, NO_PROJECT),
    'access-token',
    'managed-identity',
    /in no group of it \(VS800075\)$/,
    /Readers: Organization settings > Users > Manage access/,
  ],
  [
    'an ended token of an app',
    answer(401, '', {'www-authenticate': CHALLENGE}),
    'access-token',
    'client-secret',
    /^a policy of the tenant ended this token: Continuous access evaluation\\u\{202e\} ended it$/,
    /sign-in logs .* not its membership$/,
  ],
  [
    'an ended token of a user',
    answer(401, '', {'www-authenticate': `Basic realm="x", ${CHALLENGE}`}),
    'access-token',
    'sign-in',
    /^a policy of the tenant/,
    /^sign in again: orgkey login$/,
  ],
  [
    'a token of another organization',
    answer(401, 'TF400813: The user is not authorized.'),
    'pat',
    'pat',
    /^the personal access token is wrong, revoked or expired/,
    undefined,
  ],
] as const satisfies readonly (readonly [
  string,
  ReturnType<typeof answer>,
  Credential['form'],
  string,
  RegExp,
  RegExp | undefined,
])[]) {
  test(`an answer is judged: ${title}`, (t) => {
    const verdict = judge(given, form, kind);
    if (verdict.kind === 'ok') return t.fail('it is judged as well');
    t.regex(verdict.message, message);
    if (repair === undefined) t.is(verdict.repair, undefined);
    else t.regex(verdict.repair ?? '', repair);
  });
}

test('the tenant is read from the header, else from the challenge', (t) => {
  const bearer = `Bearer authorization_uri=https://login.microsoftonline.com/${TENANT}`;
  t.is(tenantIn(answer(401, '', {'x-vss-resourcetenant': TENANT.toUpperCase()})), TENANT);
  t.is(tenantIn(answer(401, '', {'x-vss-resourcetenant': 'x', 'www-authenticate': bearer})), TENANT);
  t.is(tenantIn(answer(401, '', {'www-authenticate': CHALLENGE})), TENANT);
  t.is(tenantIn(answer(401, '', {'www-authenticate': 'Bearer, Basic realm="x", TFS-Federated'})), NO_TENANT);
  t.is(tenantIn(answer(200)), undefined);
});
