import test from 'ava';
import {repairClaims} from '../../src/identity/claims-challenge.ts';
import {repairMembership} from '../../src/identity/repair-membership.ts';

for (const [kind, membership, claims] of [
  ['client-secret', /^Add the identity .*Basic/, /^have an admin/],
  ['managed-identity', /^Add the identity .*Basic/, /^have an admin/],
  ['azure-pipelines', /^Add the identity .*Basic/, /^have an admin/],
  ['sign-in', /^Open the organization once/, /^sign in again: orgkey login$/],
  ['azure-cli', /^Open the organization once/, /^sign in again: az login$/],
  ['pat', /^Replace the personal access token/, /^have an admin/],
] as const) {
  test(`a rejection without a reason is repaired in words for ${kind}`, (t) => {
    t.regex(repairMembership(kind), membership);
    t.regex(repairClaims(kind), claims);
    if (kind !== 'pat') t.notRegex(repairMembership(kind), /personal access token/);
  });
}
