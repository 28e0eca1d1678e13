import test from 'ava';
import type {Fault} from '../cloud/faults.ts';
import {patientOf} from '../helpers/doctor.ts';

/** A server that limits requests or fails says nothing about the credential: no check speaks of membership then. */

const statuses: readonly (readonly [fault: Fault, wait: string])[] = [
  [
    {status: 429, headers: {'retry-after': '30'}, body: {message: 'TF400733: too many requests'}},
    'wait 30 s',
  ],
  [{status: 503, headers: {'retry-after': '15'}}, 'wait 15 s'],
  [{status: 500}, 'wait some minutes'],
  [{status: 504, headers: {'retry-after': '999999999'}}, 'wait over an hour'],
];

const URL = 'https://dev.azure.com/contoso/web/_git/site';

test('a busy server is never taken for a missing membership', async (t) => {
  const {cloud, person, examine} = await patientOf(t, (world) => {
    const tenant = world.addTenant();
    const app = tenant.addApplication();
    world.addOrganization('contoso', {tenant, members: [app]}).addRepository('web/site', {files: {a: 'a'}});
    return {
      credentials: `{organizations: [contoso], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}}`,
    };
  });
  t.is((await examine([URL])).of('contoso', 'repository'), 'ok: can be read');
  for (const [fault, wait] of statuses)
    for (const endpoint of ['connection-data', 'azure-devops', 'git'] as const) {
      const active = cloud.fault({endpoint, times: 'always', ...fault});
      const what = `${endpoint} ${String(fault.status)}`;
      const {of} = await examine([URL]);
      const said = of('contoso');
      t.regex(said, new RegExp(wait), what);
      t.notRegex(said, /a member|Basic|new token|Read on|anonymous|correct the spelling/, what);
      if (endpoint === 'connection-data') {
        const tested = await person.run('org test', ['contoso', '--json']);
        t.not(tested.code, 0, what);
        t.notRegex(tested.stdout, /member of no|Basic|"rejected"|ERR_NOT_ACCEPTED/, what);
      }
      active.clear();
    }
});
