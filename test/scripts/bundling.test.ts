import {build} from 'esbuild';
import test from 'ava';
import {mergeStart} from '../../scripts/bundling/merge-start.ts';
import {settleImports} from '../../scripts/bundling/settle-imports.ts';

/** Bundles sources as the build does, with a file for what the start shares with a later part. */
async function bundled(sources: Readonly<Record<string, string>>) {
  const {metafile, outputFiles} = await build({
    entryPoints: ['entry.ts'],
    outdir: 'out',
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    metafile: true,
    plugins: [
      {
        name: 'sources',
        setup(bundle) {
          bundle.onResolve({filter: /\.ts$/}, ({path}) => ({
            path: path.replace('./', ''),
            namespace: 'sources',
          }));
          bundle.onLoad({filter: /^/, namespace: 'sources'}, ({path}) => ({
            contents: sources[path] ?? '',
            loader: 'ts',
          }));
        },
      },
    ],
  });
  const files = new Map(outputFiles.map(({path, text}) => [path.split('/').at(-1) ?? '', text]));
  return {files, outputs: metafile.outputs};
}

const program = {
  'entry.ts':
    "import {count} from './shared.ts'; export const start = count(); export const later = () => import('./later.ts');",
  'later.ts': "import {count} from './shared.ts'; export const second = count();",
  'shared.ts': 'let calls = 0; export const count = () => ++calls;',
};

test('what a start shares with a later part is in the entry, once', async (t) => {
  const before = await bundled(program);
  const after = await mergeStart('entry.js', before);
  t.is(before.files.size, 3);
  t.is(after.files.size, 2);
  const [entry = '', later = ''] = [...after.files.values()];
  t.is([entry, later].join('').split('++').length, 2);
  t.regex(later, /from"\.\/entry\.js"/);
  t.deepEqual(
    Object.values(after.outputs).map(({inputs}) => Object.keys(inputs)),
    [['sources:shared.ts', 'sources:entry.ts'], ['sources:later.ts']].map((names) => names.toSorted()),
  );
});

test('a module of Node is taken without an import, before the rest', (t) => {
  const text = settleImports(
    'a.js',
    'f();import fs,{join as j}from"node:path";import*as os from"node:os";function f(){j()}import"./b.js";export{f};',
  );
  t.is(
    text,
    'var {join:j}=process.getBuiltinModule("node:path"),fs=process.getBuiltinModule("node:path"),' +
      'os=process.getBuiltinModule("node:os");f();function f(){j()}import"./b.js";export{f};',
  );
});

test('only a file with code in CommonJS has the names of CommonJS', (t) => {
  t.notRegex(settleImports('a.js', 'import{join}from"node:path";join();'), /require/);
  t.regex(settleImports('a.js', 'var a=require("node:path");'), /^const require=.*createRequire/);
});
