import test from 'ava';
import {verifyToken} from '../../../src/daemon/supply/verify-token.ts';
import {organizationFrom} from '../../../src/organization/organization.ts';
import {Secret} from '../../../src/secret/secret.ts';
import type {Fault} from '../../cloud/faults.ts';
import {cloudFor} from '../../helpers/cloud-for.ts';

const strangers: readonly [what: string, fault: Fault][] = [
  ['a page', {status: 200, body: '<html>Welcome', headers: {'content-type': 'text/html'}}],
  ['a redirect', {status: 302, body: '', headers: {location: 'http://login.hotel.example/'}}],
  ['another page', {status: 203, body: '<html>Welcome', headers: {'content-type': 'text/html'}}],
];

test('the page of a network in the place of Azure DevOps leaves a token unjudged', async (t) => {
  const cloud = await cloudFor(t);
  const contoso = cloud.addOrganization('contoso');
  contoso.addRepository('web/site', {files: {a: 'a'}});
  const organization = organizationFrom('contoso');
  if (organization === undefined) throw new Error('no organization');
  const verify = (text: string) =>
    verifyToken(
      {
        owner: {kind: 'organization', organization},
        host: 'dev.azure.com',
        path: 'contoso/web/_git/site',
      },
      {
        kind: 'pat',
        secret: Secret.fromText(text),
        fingerprint: 'f',
        acquiredAt: 0,
        acquiredUptime: 0,
        expiresAt: undefined,
        refreshAt: undefined,
      },
      cloud.environment(),
    );
  t.is(await verify(contoso.addPat().value), 'works');
  t.is(await verify('x'.repeat(52)), 'rejected');
  for (const [what, fault] of strangers) {
    const active = cloud.fault({endpoint: 'azure-devops', ...fault, times: 'always'});
    t.is(await verify('x'.repeat(52)), 'unknown', what);
    active.clear();
  }
});
