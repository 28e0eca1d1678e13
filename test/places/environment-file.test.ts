import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {readServiceVariables} from '../../src/places/environment-file.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const cases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'A=1\nB=two words \n': {A: '1', B: 'two words'},
  '# A=1\n; B=2\n\nexport C=3\n1D=4\n': {},
  'A="1 2"\nB=\'$x\'\nC="a\\"b\\\\c"': {A: '1 2', B: '$x', C: 'a"b\\c'},
  'A=x=y\r\nB=\n': {A: 'x=y', B: ''},
};

for (const [text, expected] of Object.entries(cases)) {
  test(`the variables of a service are read as systemd does: ${JSON.stringify(text)}`, (t) => {
    const home = scratchDirectory(t);
    t.deepEqual(readServiceVariables(home), {}, 'without a file');
    mkdirSync(join(home, '.config/orgkey'), {recursive: true});
    writeFileSync(join(home, '.config/orgkey/env'), text);
    t.deepEqual(readServiceVariables(home), expected);
  });
}
