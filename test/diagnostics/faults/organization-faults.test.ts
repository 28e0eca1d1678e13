import test from 'ava';
import {recordFaults} from '../../helpers/fault-tables.ts';
import {provokeAll} from '../../helpers/provoke-fault.ts';
import {SickWorld} from '../../helpers/sick-world.ts';
import {organizationFaults} from './organization-faults.ts';

test('doctor names each fault of an organization or a credential, and git works after its repair', async (t) => {
  t.timeout(600_000);
  const world = await SickWorld.start(t);
  const {rows, problems} = await provokeAll(world, organizationFaults);
  t.deepEqual(problems, []);
  t.deepEqual(recordFaults('organization', rows), [], 'docs/faults.md');
});
