import test from 'ava';
import {secretForms} from '../../src/secret/secret-forms.ts';
import * as fc from '../helpers/any.ts';
import {leaksIn} from '../helpers/canary.ts';

/** What is left of a text when every form of the secret is cut out of it. */
function without(secret: string, text: string): string {
  return secretForms(secret).reduce((rest, form) => rest.replaceAll(form, ' '), text);
}

test('a secret is found in base64, whatever surrounds it', (t) => {
  const words = fc.string({unit: 'binary', maxLength: 12});
  fc.assert(
    fc.property(fc.stringMatching(/^[!-~]{12,40}$/), words, words, (secret, before, after) => {
      const text = Buffer.from(`${before}${secret}${after}`);
      for (const encoding of ['base64', 'base64url'] as const) {
        t.deepEqual(leaksIn(without(secret, text.toString(encoding)), {secret}), []);
      }
    }),
    {numRuns: 2000},
  );
});

for (const [what, text] of [
  ['text', 'my secret&pw+1'],
  ['a path', '/my%20secret%26pw%2B1/'],
  ['a form', 'a=b&s=my+secret%26pw%2B1&c=d'],
  ['hexadecimal', Buffer.from('my secret&pw+1').toString('hex')],
  ['a login', Buffer.from('user:my secret&pw+1\n').toString('base64')],
] as const) {
  test(`a secret is found in ${what}`, (t) => t.not(without('my secret&pw+1', text), text));
}

test('a secret of one character has no forms', (t) => t.deepEqual(secretForms('a'), []));
