import test from 'ava';
import {explore} from '../../scripts/fuzzing/explore.ts';
import {seeded} from '../../scripts/fuzzing/seeded.ts';
import {targets} from '../../scripts/fuzzing/targets.ts';

const INPUTS = 400;

// serial: the profiler counts for the whole process
for (const [name, target] of Object.entries(targets))
  test.serial(`inputs that reach new code do no harm: ${name}`, async (t) => {
    const {failure, inputs, reached} = await explore(target, {
      isEnough: (count) => count >= INPUTS,
      random: seeded(1),
    });
    t.is(failure, undefined, failure && `${failure.input.toString('base64')}: ${String(failure.error)}`);
    t.true(inputs >= INPUTS);
    t.true(reached > 10);
  });

test.serial('an input that does harm is found and shown', async (t) => {
  const {failure} = await explore(
    {seeds: ['a'], run: failAtB},
    {isEnough: (inputs) => inputs >= 100_000, random: seeded(1)},
  );
  t.true(failure?.input.includes('b'));
});

function failAtB(bytes: Buffer): void {
  if (bytes.includes('b')) throw new Error('harm');
}
