import test from 'ava';
import {environment, files} from './configurations.ts';
import {loadText, problemsIn} from './load-text.ts';

/** A configuration, and all of its problems as `line:column message`. */
export type Refused = readonly (readonly [title: string, text: string, problems: readonly string[]])[];

/** Tests that each configuration is refused with exactly these problems. */
export function testRefused(configurations: Refused): void {
  for (const [title, text, problems] of configurations)
    test(`refused, with every place: ${title}`, async (t) => {
      t.deepEqual(problemsIn(await loadText(t, text, {environment, files})), problems);
    });
}
