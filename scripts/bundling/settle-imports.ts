// Makes the imports of a bundled file cheap.
import {parseSync, type StaticImport} from 'oxc-parser';
import {replaceSpans} from './replace-spans.ts';

/** What packages in CommonJS still use. */
const COMMONJS = [
  'const require=process.getBuiltinModule("node:module").createRequire(import.meta.url);',
  'const __filename=import.meta.filename,__dirname=import.meta.dirname;',
].join('');

/**
 * Takes Node's own modules without an import: for an import, Node evaluates every lazy part of such a module, which takes
 * 8 ms at a start of the daemon. The names are defined first, as imports are.
 */
export function settleImports(file: string, text: string): string {
  const builtins = parseSync(file, text).module.staticImports.filter(({moduleRequest}) =>
    moduleRequest.value.startsWith('node:'),
  );
  const byModule = Map.groupBy(builtins, ({moduleRequest}) => moduleRequest.value);
  const declarations = [...byModule].flatMap(([name, imports]) =>
    declare(
      name,
      imports.flatMap(({entries}) => entries),
    ),
  );
  const rest = replaceSpans(
    text,
    builtins.map(({start, end}) => ({start, end, text: ''})),
  );
  const usesCommonJs = /\b(?:require|__filename|__dirname)\b/.test(rest);
  const head = declarations.length === 0 ? '' : `var ${declarations.join(',')};`;
  return `${usesCommonJs ? COMMONJS : ''}${head}${rest}`;
}

function declare(name: string, entries: StaticImport['entries']): string[] {
  const module = `process.getBuiltinModule(${JSON.stringify(name)})`;
  // a default import and a namespace have no name, and are the whole module
  const {named = [], whole = []} = Object.groupBy(entries, ({importName}) =>
    typeof importName.name === 'string' ? 'named' : 'whole',
  );
  const list = named.map(({importName, localName}) => `${importName.name}:${localName.value}`);
  return [
    ...(list.length === 0 ? [] : [`{${list.join(',')}}=${module}`]),
    ...whole.map(({localName}) => `${localName.value}=${module}`),
  ];
}
