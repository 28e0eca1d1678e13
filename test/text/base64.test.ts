import test from 'ava';
import * as fc from '../helpers/any.ts';
import {decodeBase64, encodeBase64} from '../../src/text/base64.ts';

test('encodes as everybody does', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({maxLength: 100}), (bytes) => {
      t.is(Buffer.from(encodeBase64(bytes)).toString('latin1'), Buffer.from(bytes).toString('base64'));
    }),
    {numRuns: 1000},
  );
});

test('decodes what it encoded', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({maxLength: 100}), (bytes) => {
      t.deepEqual(decodeBase64(encodeBase64(bytes)), Uint8Array.from(bytes));
    }),
    {numRuns: 1000},
  );
});

const decodes = test.macro({
  exec: (t, text: string, expected: string | undefined) => {
    const decoded = decodeBase64(Buffer.from(text));
    t.is(decoded && Buffer.from(decoded).toString('latin1'), expected);
  },
  title: (_, text: string, expected: string | undefined) =>
    expected === undefined
      ? `${JSON.stringify(text)} is no base64`
      : `${JSON.stringify(text)} is ${JSON.stringify(expected)}`,
});

test(decodes, '', '');
test(decodes, 'Zg==', 'f');
test(decodes, 'Zm8=', 'fo');
test(decodes, 'Zm9v', 'foo');
test(decodes, 'Zm9vYmFy', 'foobar');
test(decodes, '+/+/', '\u00fb\u00ff\u00bf');
for (const text of [
  'Z',
  'Zg',
  'Zg=',
  'Zg===',
  '====',
  '=',
  'Z===',
  'Zh==',
  'Zm9=',
  'Zm 9',
  'Zm9v\n',
  'Zg==Zg==',
  '-_-_',
  'Zm9v====',
  'Zé==',
]) {
  test(decodes, text, undefined);
}
