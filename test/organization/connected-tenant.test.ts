import test from 'ava';
import {claimsChallenge, connectedTenant, NO_TENANT} from '../../src/organization/connected-tenant.ts';

const A = 'aaaaaaaa-1111-4111-8111-111111111111';
const B = 'bbbbbbbb-2222-4222-8222-222222222222';
const at = (tenant: string) => `Bearer authorization_uri=https://login.microsoftonline.com/${tenant}`;

const tells = test.macro({
  title: (_, challenges: readonly string[], tenant: string | undefined) =>
    `${challenges.join(' | ') || 'nothing'} tells ${tenant ?? 'no tenant'}`,
  exec: (t, challenges: readonly string[], tenant: string | undefined) =>
    t.is(connectedTenant(challenges), tenant),
});

test(tells, [], undefined);
test(tells, [at(A), 'Basic realm="https://tfsprodweu.app.visualstudio.com/"', 'TFS-Federated'], A);
test(tells, ['TFS-Federated', at(A.toUpperCase())], A);
test(tells, [`bearer  authorization_uri="https://login.microsoftonline.us/${A}", other=1`], A);
test(tells, [`${at(A)}/oauth2/authorize`], A);
test(tells, [at(A), at(B)], A);
test(tells, [at(`${A}0`)], undefined);
test(tells, [at('common')], undefined);
test(tells, [`Basic realm="authorization_uri=https://login.microsoftonline.com/${A}"`], undefined);
test(tells, [`Bearer authorization_uri=http://login.microsoftonline.com/${A}`], undefined);
test(tells, [`Bearer authorization_uri=https://evil.example/x/${A}`], undefined);

const cae = `Bearer realm="", authorization_uri="https://login.microsoftonline.com/${A}/oauth2/authorize", error="insufficient_claims", claims="e30="`;
test(tells, [cae], A);
test(tells, [`Basic realm="x", ${cae}`], A);
test(tells, [`Bearer realm="a \\", authorization_uri=https://login.microsoftonline.com/${B}"`], undefined);
test(tells, [`Negotiate YII=, ${at(A)}, TFS-Federated`], A);
test(tells, ['Bearer', 'Basic realm="x"', 'TFS-Federated'], NO_TENANT);
test(tells, ['Bearer, Basic realm="x", TFS-Federated'], NO_TENANT);
test(tells, ['Bearer'], undefined);
test(tells, ['Bearer', 'Basic realm="TFS-Federated"'], undefined);
test(tells, ['Bearer realm="x"', 'TFS-Federated'], undefined);
test(tells, ['Negotiate', 'NTLM', 'Bearer', 'Basic realm="x"'], undefined);

test('a claims challenge is read at any position, with its words', (t) => {
  t.is(claimsChallenge(['Basic realm="x"', cae]), '');
  t.is(claimsChallenge([`${cae}, error_description="Token was \\"ended\\""`]), 'Token was "ended"');
  t.is(claimsChallenge([at(A), 'Basic realm="error=insufficient_claims"']), undefined);
  t.is(claimsChallenge(['Bearer error="invalid_token", claims="e30="']), undefined);
});
