import {readDefences} from '../trust/defences.ts';
import {readSituations} from '../trust/situations.ts';
import {code, page, table} from './markdown.ts';

/** Returns docs/trust.md. */
export function trustReference(): string {
  const defences = readDefences();
  return page([
    '# Defences and the tests that hold them',
    `Each of these ${defences.length} promises has a defence in the code. \`npm run trust\` breaks one after the other in a copy of the checkout, and runs the test that must fail then. [SECURITY.md](../SECURITY.md) says against whom they protect, and what is not protected.`,
    table(
      ['Promise', 'Against', 'Defence', 'Test'],
      defences.map(({promise, against, file, test}) => [promise, against, code(file), code(test)]),
    ),
    '## Situations',
    'Each has tests or a bounded script, and at least one defence of the table above.',
    table(
      ['Situation', 'Tests and scripts', 'Defences'],
      readSituations().map(({situation, tests, defences: promises}) => [
        situation,
        tests.map(code).join(', '),
        promises.join('; '),
      ]),
    ),
  ]);
}
