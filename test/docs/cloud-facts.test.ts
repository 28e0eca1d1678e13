import test from 'ava';
import {cloudFacts, factProblems} from '../../scripts/docs/cloud-facts.ts';

test('each fact about the cloud is used, and each number that is used is a fact', (t) => {
  t.deepEqual(factProblems(), []);
});

test('a fact that is not confirmed says what happens if it is otherwise', (t) => {
  const rows = cloudFacts()
    .split('\n')
    .filter((line) => /^\| \d+ \|/.test(line));
  t.true(rows.length > 80);
  for (const row of rows) {
    const isOpen = row.includes('| not in whole |');
    t.is(row.includes('**If not:**'), isOpen, row);
    // a source that could not be found makes a fact open
    if (row.includes('source found')) t.true(isOpen, row);
  }
});
