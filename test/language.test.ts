import test from 'ava';
import {findConstructions} from '../scripts/language.ts';

test('comments, messages, test titles and documents use none of the listed constructions', (t) => {
  t.deepEqual(findConstructions(), []);
});
