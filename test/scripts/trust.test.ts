import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {readSituations} from '../../scripts/trust/situations.ts';
import {readDefences} from '../../scripts/trust/defences.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

for (const {promise, file, from, to, test: testFile, match} of readDefences())
  test(`the defence of a promise can be broken, and has a test: ${promise}`.slice(0, 160), (t) => {
    t.is(read(file).split(from).length, 2, `${file} has the defence once`);
    t.not(from, to);
    const titles = read(testFile).replaceAll(/\$\{[^}]*\}/g, '');
    for (const part of match.split('*')) t.true(titles.includes(part), `${testFile} has a test "${match}"`);
  });

test('every situation has tests that exist, and a defence that one of them notices', (t) => {
  const situations = readSituations();
  t.is(situations.length, 15);
  const byPromise = new Map(readDefences().map((defence) => [defence.promise, defence]));
  for (const {situation, tests, defences} of situations) {
    t.true(tests.length > 0 && defences.length > 0, situation);
    for (const file of tests) t.true(existsSync(join(root, file)), file);
    for (const promise of defences) t.true(byPromise.has(promise), `${situation}: ${promise}`);
    const noticing = defences.map((promise) => byPromise.get(promise)?.test ?? '');
    t.true(
      noticing.some((file) => tests.includes(file)),
      `${situation}: none of its tests notices a break`,
    );
  }
});

test('README and SECURITY.md have the number of defences', (t) => {
  const {length} = readDefences();
  t.true(read('README.md').includes(`[${length} defences](docs/trust.md)`));
  t.true(read('SECURITY.md').includes(`${length} of ${length} breaks are noticed`));
});

test('every test and script that SECURITY.md names exists', (t) => {
  const named = [...read('SECURITY.md').matchAll(/\]\(((?:test|scripts|docs|src)\/[^)#]+)/g)].map(
    ([, path = '']) => path,
  );
  t.true(named.length > 10);
  for (const path of named) t.true(existsSync(join(root, path)), path);
});
