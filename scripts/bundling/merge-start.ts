// Makes one file of everything that a program loads at its start.
import {basename} from 'node:path';
import {build, type Metafile, type Plugin} from 'esbuild';
import {parseSync} from 'oxc-parser';
import type {Program} from './bundle-program.ts';
import {replaceSpans, type Span} from './replace-spans.ts';

type Output = Metafile['outputs'][string];

/**
 * Merges the entry and the chunks that it imports. esbuild puts code that a start shares with a later part into a file of
 * its own, and Node takes half a millisecond for each of them. The later parts import from the entry then.
 */
export async function mergeStart(entry: string, {files, outputs}: Program): Promise<Program> {
  const start = loadedWith(entry, outputs);
  const nameIn = (chunk: string, name: string) =>
    chunk === entry ? name : `${chunk.replace(/\W/g, '_')}_${name}`;
  const wanted = new Map<string, string>();
  const later = new Map<string, string>();
  for (const [file, text] of files) {
    if (start.has(file)) continue;
    const spans = importsFrom(file, text)
      .filter(({from}) => start.has(from))
      .map(({from, names, end, ...span}): Span => {
        for (const {imported} of names)
          wanted.set(nameIn(from, imported), `{${imported} as ${nameIn(from, imported)}} from './${from}'`);
        const list = names.map(({imported, local}) => `${nameIn(from, imported)} as ${local}`);
        return {...span, end, text: `import{${list.join(',')}}from"./${entry}";`};
      });
    later.set(file, replaceSpans(text, spans));
  }
  const exported = [
    `export * from './${entry}';`,
    ...[...wanted.values()].map((names) => `export ${names};`),
  ];
  const text = await bundleStart(exported.join('\n'), files);
  return {
    files: new Map([[entry, text], ...later]),
    outputs: mergeOutputs(entry, start, outputs),
  };
}

/** Returns the names of the files that an entry imports, itself included. */
function loadedWith(entry: string, outputs: Metafile['outputs']): ReadonlySet<string> {
  const found = new Set<string>();
  const byName = new Map(Object.entries(outputs).map(([path, output]) => [basename(path), output]));
  const follow = (name: string): void => {
    const output = byName.get(name);
    if (output === undefined || found.has(name)) return;
    found.add(name);
    for (const {path, kind} of output.imports) if (kind === 'import-statement') follow(basename(path));
  };
  follow(entry);
  return found;
}

async function bundleStart(contents: string, files: ReadonlyMap<string, string>): Promise<string> {
  const fromMemory: Plugin = {
    name: 'from-memory',
    setup(bundle) {
      bundle.onResolve({filter: /^/}, ({path, kind}) =>
        kind === 'import-statement' && files.has(basename(path)) && path.startsWith('./')
          ? {path: basename(path), namespace: 'memory'}
          : {path, external: true},
      );
      bundle.onLoad({filter: /^/, namespace: 'memory'}, ({path}) => ({
        contents: files.get(path) ?? '',
        loader: 'js',
      }));
    },
  };
  const {outputFiles} = await build({
    stdin: {contents, loader: 'js'},
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.20',
    minify: true,
    legalComments: 'none',
    plugins: [fromMemory],
    logLevel: 'warning',
  });
  return outputFiles.map(({text}) => text).join('');
}

function importsFrom(file: string, text: string) {
  return parseSync(file, text).module.staticImports.map(({moduleRequest, entries, start, end}) => ({
    from: basename(moduleRequest.value),
    names: entries.map(({importName, localName}) => ({
      imported: importName.name ?? '',
      local: localName.value,
    })),
    start,
    end,
  }));
}

/** Returns esbuild's account of the files after the merge. */
function mergeOutputs(
  entry: string,
  start: ReadonlySet<string>,
  outputs: Metafile['outputs'],
): Metafile['outputs'] {
  const own = Object.entries(outputs).filter(([path]) => start.has(basename(path)));
  const rest = Object.entries(outputs).filter(([path]) => !start.has(basename(path)));
  const path = own.find(([name]) => basename(name) === entry)?.[0] ?? entry;
  const isWithin = ({path: imported}: Output['imports'][number]) => start.has(basename(imported));
  const merged = {
    ...outputs[path],
    bytes: 0,
    inputs: Object.assign({}, ...own.map(([, {inputs}]) => inputs)),
    imports: own.flatMap(([, {imports}]) => imports.filter((imported) => !isWithin(imported))),
    exports: [],
  };
  return {
    [path]: merged,
    ...Object.fromEntries(
      rest.map(([name, output]) => [
        name,
        {
          ...output,
          imports: output.imports.map((imported) => (isWithin(imported) ? {...imported, path} : imported)),
        },
      ]),
    ),
  };
}
