import test from 'ava';
import {recordFaults} from '../../helpers/fault-tables.ts';
import {provokeAll} from '../../helpers/provoke-fault.ts';
import {SickWorld} from '../../helpers/sick-world.ts';
import {serviceFaults} from './service-faults.ts';

test('doctor names each fault behind orgkey, and its repair repairs it', async (t) => {
  t.timeout(300_000);
  const world = await SickWorld.start(t);
  const {rows, problems} = await provokeAll(world, serviceFaults);
  t.deepEqual(problems, []);
  t.deepEqual(recordFaults('service', rows), [], 'docs/faults.md');
});
