import test from 'ava';
import {parseVariables} from '../../src/places/environment-file.ts';

const cases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'A=1\nB=two words \n': {A: '1', B: 'two words'},
  '# A=1\n; B=2\n\nexport C=3\n1D=4\n': {},
  'A="1 2"\nB=\'$x\'\nC="a\\"b\\\\c"': {A: '1 2', B: '$x', C: 'a"b\\c'},
  'A=x=y\r\nB=\n': {A: 'x=y', B: ''},
};

for (const [text, expected] of Object.entries(cases)) {
  test(`the variables of a service are read as systemd does: ${JSON.stringify(text)}`, (t) => {
    t.deepEqual(parseVariables(text), expected);
  });
}
