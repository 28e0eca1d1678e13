/**
 * usage: scripts/with-node node scripts/explore.ts [SECONDS [SEED [WORD]]]
 *
 * Looks for inputs that our parsers of foreign bytes do not survive, guided by the code that each input reaches, for so many
 * seconds each (default: 60). Prints an input that fails in base64, and exits 1.
 */
import {explore} from './fuzzing/explore.ts';
import {seeded} from './fuzzing/seeded.ts';
import {targets} from './fuzzing/targets.ts';

const [seconds = '60', seed = String(Date.now() % 1_000_000), word = ''] = process.argv.slice(2);
for (const [name, target] of Object.entries(targets)) {
  if (!name.includes(word)) continue;
  const end = performance.now() + Number(seconds) * 1000;
  const isEnough = () => performance.now() > end;
  const found = await explore(target, {isEnough, random: seeded(Number(seed))});
  const {inputs, reached, kept, failure} = found;
  console.log(
    `${failure === undefined ? 'ok    ' : 'FAILED'}  ${name}: ${inputs} inputs, ${reached} ranges, ${kept} kept`,
  );
  if (failure === undefined) continue;
  console.log(`        seed ${seed}, input ${failure.input.toString('base64')}\n${String(failure.error)}`);
  process.exitCode = 1;
}
