import test from 'ava';
import {daemonFor} from '../../helpers/daemon.ts';
import {getFor, passwordIn} from '../../helpers/requests.ts';
import {cloudFor} from '../../helpers/cloud-for.ts';

test('a token that cannot be acquired ahead is logged once, and when it is there', async (t) => {
  const cloud = await cloudFor(t);
  const tenant = cloud.addTenant();
  const app = tenant.addApplication();
  const fault = cloud.fault({endpoint: 'token', aadsts: 7000222, error: 'invalid_client', times: 'always'});
  const credential = `clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}`;
  const daemon = await daemonFor(t, {
    configuration: `integrations: {azure: [{credentials: [{organizations: [contoso], ${credential}}]}]}\n`,
    environment: cloud.environment(),
  });
  await daemon.says(/"level":"warn".*no token could be acquired ahead: .*"code":"AADSTS7000222"/);
  fault.clear();
  await daemon.call('clear', undefined);
  t.not(passwordIn(await daemon.ask(getFor('contoso'))), '');
  await daemon.says(/"level":"info".*it has a token now/);
  t.is(daemon.stderr.match(/could be acquired ahead/g)?.length, 1);
});
