import test from 'ava';
import {recordFaults} from '../../helpers/fault-tables.ts';
import {provokeAll} from '../../helpers/provoke-fault.ts';
import {SickWorld} from '../../helpers/sick-world.ts';
import {networkFaults} from './network-faults.ts';

test('doctor names each fault of the network, and git works after its repair', async (t) => {
  t.timeout(600_000);
  const world = await SickWorld.start(t);
  const {rows, problems} = await provokeAll(world, networkFaults);
  t.deepEqual(problems, []);
  t.deepEqual(recordFaults('network', rows), [], 'docs/faults.md');
});
