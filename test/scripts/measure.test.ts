import test from 'ava';
import {cyclesOf, importGraph, parseModule, unusedExports} from '../../scripts/measure/modules.ts';

test('an import, a type import, a re-export and a dynamic import are read with their paths', (t) => {
  const {imports, exports} = parseModule(
    'src/a/b.ts',
    `import {one, type Two} from './c.ts';
import type {Three} from '../d.ts';
import fs from 'node:fs';
export {four} from './e.ts';
export const five: typeof import('./f.ts') = await import('./g.ts');
`,
  );
  t.deepEqual(imports, [
    {path: 'src/a/c.ts', name: 'one', isType: false},
    {path: 'src/a/c.ts', name: 'Two', isType: true},
    {path: 'src/d.ts', name: 'Three', isType: true},
    {path: 'src/a/g.ts', name: undefined, isType: false},
    {path: 'src/a/f.ts', name: undefined, isType: true},
    {path: 'src/a/e.ts', name: 'four', isType: false},
  ]);
  t.deepEqual(exports, ['four', 'five']);
});

test('an export that no other file imports is found', (t) => {
  const modules = [
    parseModule('src/a.ts', 'export const used = 1;\nexport const unused = 2;\n'),
    parseModule('src/b.ts', "import {used} from './a.ts';\nconsole.log(used);\n"),
  ];
  t.deepEqual(unusedExports(modules, modules), ['src/a.ts: unused']);
});

test('a cycle that only types close counts only with types', (t) => {
  const modules = [
    parseModule('src/a.ts', "import {b} from './b.ts';\nexport const a = b;\n"),
    parseModule(
      'src/b.ts',
      "import type {a} from './a.ts';\nexport const b = 1;\nexport type A = typeof a;\n",
    ),
  ];
  t.deepEqual(cyclesOf(importGraph(modules, {withTypes: false})), []);
  t.deepEqual(cyclesOf(importGraph(modules, {withTypes: true})), [['src/a.ts', 'src/b.ts']]);
});
