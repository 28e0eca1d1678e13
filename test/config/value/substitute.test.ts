import test from 'ava';
import {hasPlaceholder, substitute} from '../../../src/config/value/substitute.ts';

const variables: Readonly<Record<string, string>> = {A: 'a', B: ' b\n', EMPTY: '', NESTED: '${A}'};

/** As Backstage does it. */
const rows: readonly (readonly [text: string, becomes: string | undefined])[] = [
  ['', ''],
  ['plain', 'plain'],
  ['${A}', 'a'],
  ['x${A}y${B}z', 'xaybz'],
  ['${ A }', 'a'],
  ['$${A}', '${A}'],
  ['$$${A}', '$${A}'],
  ['$A', '$A'],
  ['${A', '${A'],
  ['{A}', '{A}'],
  ['${EMPTY}', ''],
  ['${MISSING}', undefined],
  ['x ${A} ${MISSING}', undefined],
  ['$${MISSING}', '${MISSING}'],
  ['${NESTED}', '${A}'],
  ['${MISSING:-other}', 'other'],
  ['${EMPTY:-other}', 'other'],
  ['${A:-other}', 'a'],
  ['${MISSING:- a b }', 'a b'],
  ['${MISSING:-}', undefined],
  ['${toString}', undefined],
];

for (const [text, becomes] of rows) {
  test(`${JSON.stringify(text)} becomes ${JSON.stringify(becomes)}`, (t) => {
    const result = substitute(text, (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined));
    t.is(result.kind === 'text' ? result.text : undefined, becomes);
  });
}

test('an escaped placeholder stays text', (t) => {
  t.true(hasPlaceholder('a${B}'));
  t.false(hasPlaceholder('a$${B}'));
  t.false(hasPlaceholder('a$B{C}'));
});
