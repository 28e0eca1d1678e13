import test from 'ava';
import * as fc from '../helpers/any.ts';
import {lowerAscii, lowerName, organizationFrom} from '../../src/organization/organization.ts';

const isNamed = test.macro({
  exec: (t, text: string, expected: string | undefined) => {
    const organization: string | undefined = organizationFrom(text);
    t.is(organization, expected);
  },
  title: (_, text: string, expected: string | undefined) =>
    `${JSON.stringify(text)} is ${expected === undefined ? 'no organization' : expected}`,
});

test(isNamed, 'contoso', 'contoso');
test(isNamed, 'CONTOSO', 'contoso');
test(isNamed, 'Contoso-Labs-2', 'contoso-labs-2');
test(isNamed, '1', '1');
test(isNamed, 'a--b', 'a--b');
test(isNamed, 'x'.repeat(50), 'x'.repeat(50));
for (const text of [
  '',
  'x'.repeat(51),
  '-',
  '-a',
  'a-',
  'a b',
  'a.b',
  'a_b',
  'a/b',
  'a\n',
  'a\0',
  '\u212ailo',
  '\u017fa',
  'ä',
  'a\u00ad',
  '１',
  'İ',
  '__proto__',
]) {
  test(isNamed, text, undefined);
}

test('an organization name is ASCII, whatever the input', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({unit: 'binary', maxLength: 60}), fc.stringMatching(/^[aZ09.-]{1,52}$/)),
      (text) => {
        const isName = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?$/.test(text);
        const name: string | undefined = organizationFrom(text);
        t.is(name, isName ? lowerAscii(text) : undefined);
      },
    ),
  );
});

test('ASCII folding changes no other letter', (t) => {
  t.is(lowerAscii('AZaz\u212a\u0130Ä[@`{'), 'azaz\u212a\u0130Ä[@`{');
});

test('no foreign letter is folded into an ASCII one, in all of Unicode', (t) => {
  const wrong: string[] = [];
  for (let point = 0x80; point <= 0x10_ffff; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    const letter = String.fromCodePoint(point);
    if (/[\0-\x7f]/.test(lowerName(letter))) wrong.push(point.toString(16));
  }
  t.deepEqual(wrong, []);
});

test('collection names are folded like ordinary text', (t) => {
  t.is(lowerName('DefaultCollection'), 'defaultcollection');
  t.is(lowerName('ÄRZTE Straße ΟΔΟΣ 日本'), 'ärzte straße οδος 日本');
});
