import test from 'ava';
import {codeOf, messageOf, OrgkeyError} from '../../src/text/orgkey-error.ts';

test('an error has a code, a message, a hint and a cause', (t) => {
  const cause = new Error('below');
  const error = new OrgkeyError('ERR_EXAMPLE', 'it failed', {hint: 'Repair it.', cause});
  t.like(error, {name: 'OrgkeyError', code: 'ERR_EXAMPLE', message: 'it failed', hint: 'Repair it.', cause});
});

test('an error without a cause has no property for it', (t) => {
  t.false('cause' in new OrgkeyError('ERR_EXAMPLE', 'it failed'));
});

for (const [error, code, message] of [
  [new OrgkeyError('ERR_EXAMPLE', 'it failed'), 'ERR_EXAMPLE', 'it failed'],
  [Object.assign(new Error('no such file'), {code: 'ENOENT'}), 'ENOENT', 'no such file'],
  [Object.assign(new Error('a number'), {code: 2}), undefined, 'a number'],
  [new Error('plain'), undefined, 'plain'],
  ['text', undefined, 'text'],
  [null, undefined, 'null'],
  [undefined, undefined, 'undefined'],
] as const)
  test(`the code of ${String(error)} is ${code}`, (t) => {
    t.is(codeOf(error), code);
    t.is(messageOf(error), message);
  });
