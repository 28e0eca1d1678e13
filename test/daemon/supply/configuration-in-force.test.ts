import test from 'ava';
import type {Loaded} from '../../../src/config/configuration.ts';
import {NO_CONFIGURATION} from '../../../src/config/default-settings.ts';
import {ConfigurationInForce} from '../../../src/daemon/supply/configuration-in-force.ts';

/** A file whose readings end when the test says so. */
function slowFile() {
  const readings: {readonly end: () => void}[] = [];
  const file = {problem: 'none yet'};
  const inForce = new ConfigurationInForce({
    initial: NO_CONFIGURATION,
    recall: async () => undefined,
    now: () => 0,
    load() {
      const read: Loaded = {
        kind: 'invalid',
        source: 'a file',
        problems: [{place: 'file', message: file.problem, hint: undefined}],
        files: [],
      };
      return new Promise((resolve) => readings.push({end: () => resolve(read)}));
    },
  });
  return {file, readings, inForce};
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a change during a reading is read afterwards', async (t) => {
  const {file, readings, inForce} = slowFile();
  const first = inForce.reload();
  await turn();
  file.problem = 'the change';
  const second = inForce.reload();
  const third = inForce.reload();
  await turn();
  t.is(readings.length, 1, 'one after the other');
  readings[0]?.end();
  await first;
  t.is(inForce.problems[0]?.message, 'none yet');
  await turn();
  t.is(readings.length, 2, 'once for all callers');
  readings[1]?.end();
  await Promise.all([second, third]);
  t.is(inForce.problems[0]?.message, 'the change');
});

test('simultaneous calls share a reading, and a failed one is followed by others', async (t) => {
  let readings = 0;
  const inForce = new ConfigurationInForce({
    initial: NO_CONFIGURATION,
    recall: async () => undefined,
    now: () => 0,
    async load() {
      readings++;
      throw new Error('the disk is gone');
    },
  });
  const both = await Promise.allSettled([inForce.reload(), inForce.reload()]);
  t.deepEqual(
    both.map(({status}) => status),
    ['rejected', 'rejected'],
  );
  t.is(readings, 1);
  await t.throwsAsync(inForce.reload());
  t.is(readings, 2);
});
