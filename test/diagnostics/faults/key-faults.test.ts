import test from 'ava';
import {recordFaults} from '../../helpers/fault-tables.ts';
import {provokeAll} from '../../helpers/provoke-fault.ts';
import {SickWorld} from '../../helpers/sick-world.ts';
import {keyFaults} from './key-faults.ts';

test('doctor names each fault of a submodule key, and its repair repairs it', async (t) => {
  t.timeout(300_000);
  const world = await SickWorld.start(t, {hasKey: true});
  const well = await world.examine([world.url], {});
  t.is(well.code, 0, JSON.stringify(well.diagnostics.filter(({outcome}) => outcome !== 'ok')));
  t.true(well.diagnostics.some(({detail}) => detail === 'the host accepts the key of contoso'));
  const {rows, problems} = await provokeAll(world, keyFaults);
  t.deepEqual(problems, []);
  t.deepEqual(recordFaults('ssh', rows), [], 'docs/faults.md');
});
