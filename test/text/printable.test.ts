import test from 'ava';
import * as fc from '../helpers/any.ts';
import {printable} from '../../src/text/printable.ts';

const shows = test.macro({
  exec: (t, text: string, expected: string) => {
    t.is(printable(text), expected);
  },
  title: (_, text: string, expected: string) => `${JSON.stringify(text)} is shown as ${expected}`,
});

test(shows, '', '');
test(shows, 'plain text', 'plain text');
test(shows, 'Ärger 日本 ✓ 😀', 'Ärger 日本 ✓ 😀');
test(shows, 'العربية', 'العربية');
test(shows, 'a\nb', 'a\\u{a}b');
test(shows, 'a\r\nb', 'a\\u{d}\\u{a}b');
test(shows, '\t', '\\u{9}');
test(shows, '\0', '\\u{0}');
test(shows, '\u001b]0;title\u0007', '\\u{1b}]0;title\\u{7}');
test(shows, '\u007f\u0080\u009b\u009f', '\\u{7f}\\u{80}\\u{9b}\\u{9f}');
test(shows, '\u0085\u2028\u2029', '\\u{85}\\u{2028}\\u{2029}');
test(shows, 'a\u00adb', 'a\\u{ad}b');
test(shows, '\u200b\u200c\u200d\u2060\ufeff', '\\u{200b}\\u{200c}\\u{200d}\\u{2060}\\u{feff}');
test(shows, '\u061c\u200e\u200f', '\\u{61c}\\u{200e}\\u{200f}');
test(shows, '\u202a\u202b\u202c\u202d\u202e', '\\u{202a}\\u{202b}\\u{202c}\\u{202d}\\u{202e}');
test(shows, '\u2066\u2067\u2068\u2069', '\\u{2066}\\u{2067}\\u{2068}\\u{2069}');
test(shows, '\u{e0041}\u{e0001}', '\\u{e0041}\\u{e0001}');
test(shows, '\ufe0f\u{e0100}', '\\u{fe0f}\\u{e0100}');
test(shows, '\u115f\u1160\u3164\uffa0\u034f', '\\u{115f}\\u{1160}\\u{3164}\\u{ffa0}\\u{34f}');
test(shows, '\ud800x\udc00', '\\u{d800}x\\u{dc00}');
test(shows, '\ue000', '\\u{e000}');
test(shows, '\ufff9', '\\u{fff9}');

test('the length is bounded', (t) => {
  t.is(printable('x'.repeat(500)), 'x'.repeat(500));
  t.is(printable('x'.repeat(501)), `${'x'.repeat(500)}…`);
  t.is(printable('abcdef', 3), 'abc…');
  t.is(printable('\n'.repeat(9), 3), '\\u{a}\\u{a}\\u{a}…');
  t.is(printable('ab😀', 3), 'ab\\u{d83d}…');
});

test('nothing of the dangerous kinds is left, and what is left was there', (t) => {
  const property = fc.property(
    fc.string({unit: 'binary', maxLength: 60}),
    fc.nat({max: 60}),
    (text, limit) => {
      const shown = printable(text, limit);
      return (
        shown.isWellFormed() &&
        !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(shown) &&
        shown.length <= limit * 10 + 1 &&
        printable(shown, Infinity) === shown
      );
    },
  );
  t.notThrows(() => fc.assert(property, {numRuns: 20_000}));
});
