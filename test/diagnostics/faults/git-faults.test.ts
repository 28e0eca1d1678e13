import test from 'ava';
import {recordFaults} from '../../helpers/fault-tables.ts';
import {provokeAll} from '../../helpers/provoke-fault.ts';
import {gitFaults} from './git-faults.ts';
import {SickWorld} from '../../helpers/sick-world.ts';

test('doctor names each fault between git and orgkey, and its repair repairs it', async (t) => {
  t.timeout(300_000);
  const world = await SickWorld.start(t);
  const well = await world.examine([world.url], {});
  t.is(well.code, 0, JSON.stringify(well.diagnostics.filter(({outcome}) => outcome !== 'ok')));
  const {rows, problems} = await provokeAll(world, gitFaults);
  t.deepEqual(problems, []);
  t.deepEqual(recordFaults('git', rows), [], 'docs/faults.md');
});
