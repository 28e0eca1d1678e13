import test from 'ava';
import {acquirersOf, killAcquirers} from '../helpers/acquirers-of.ts';
import type {Probed} from '../helpers/daemon-probe.ts';
import {until} from '../helpers/patience.ts';
import {moreThan, startProbed} from '../helpers/probed-daemon.ts';
import {getFor, passwordIn} from '../helpers/requests.ts';
import {cloudFor} from '../helpers/cloud-for.ts';

/** `scripts/stress.ts` does a hundred. */
const TIMES = 15;

test('a killed acquirer costs git no token and leaves nothing behind', async (t) => {
  const cloud = await cloudFor(t);
  const tenant = cloud.addTenant();
  const app = tenant.addApplication();
  cloud.addOrganization('contoso', {tenant, members: [app]});
  const daemon = await startProbed({
    configuration: `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}}
`,
    environment: cloud.environment(),
  });
  t.teardown(() => daemon.close());
  t.not(passwordIn(await daemon.ask(getFor('contoso'))), '');
  const before = await daemon.probeAtRest();
  const {killed, empty} = await killAcquirers(daemon, {organization: 'contoso', times: TIMES});
  t.log(`${killed} killed`);
  t.true(killed > TIMES / 3);
  t.deepEqual(empty, []);
  t.not(passwordIn(await daemon.ask(getFor('contoso'))), '');
  t.deepEqual(acquirersOf(daemon), []);
  const isAsBefore = (now: Probed) => Object.keys(moreThan(before, now)).length === 0;
  await t.notThrowsAsync(until('the handles of before', () => daemon.probe(), isAsBefore));
});
