import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {parseSync} from 'oxc-parser';

export interface Import {
  /** The imported file, relative to the root. */
  readonly path: string;
  /** `undefined` stands for every export: a namespace or a dynamic import. */
  readonly name: string | undefined;
  readonly isType: boolean;
}

export interface Module {
  readonly path: string;
  readonly imports: readonly Import[];
  readonly exports: readonly string[];
}

/** Reads the modules of `folder` below `root`, with their imports of other files and their exports. */
export function readModules(root: string, folder: string): Module[] {
  return readdirSync(join(root, folder), {recursive: true, encoding: 'utf8'})
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'))
    .map((path) => parseModule(join(folder, path), readFileSync(join(root, folder, path), 'utf8')))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

export function parseModule(path: string, text: string): Module {
  const {module} = parseSync(path, text);
  const imports: Import[] = [];
  const add = (specifier: string, name: string | undefined, isType: boolean): void => {
    if (!specifier.startsWith('.')) return;
    imports.push({path: new URL(specifier, `file:///${path}`).pathname.slice(1), name, isType});
  };
  for (const {moduleRequest, entries} of module.staticImports) {
    if (entries.length === 0) add(moduleRequest.value, undefined, false);
    for (const {importName, isType} of entries)
      add(moduleRequest.value, nameOf(importName.kind, importName.name), isType);
  }
  for (const {moduleRequest} of module.dynamicImports) {
    const specifier = text.slice(moduleRequest.start + 1, moduleRequest.end - 1);
    add(specifier, undefined, false);
  }
  // `typeof import('…')` and `import('…').Name` in types are not in the module record
  for (const [, specifier = ''] of text.matchAll(/\btypeof import\('([^']+)'\)/g))
    add(specifier, undefined, true);
  const entries = module.staticExports.flatMap((statement) => statement.entries);
  for (const {moduleRequest, importName, isType} of entries) {
    if (moduleRequest) add(moduleRequest.value, nameOf(importName.kind, importName.name), isType);
  }
  return {path, imports, exports: entries.flatMap(({exportName}) => exportName.name ?? [])};
}

function nameOf(kind: string, name: string | null | undefined): string | undefined {
  if (kind === 'Default') return 'default';
  return kind === 'Name' ? (name ?? undefined) : undefined;
}

/** Returns the exports of `modules` that no module of `users` imports, as `path: name`. */
export function unusedExports(modules: readonly Module[], users: readonly Module[]): string[] {
  const used = new Set(
    users.flatMap(({imports}) => imports.map(({path, name}) => `${path}: ${name ?? '*'}`)),
  );
  return modules.flatMap(({path, exports}) =>
    used.has(`${path}: *`)
      ? []
      : exports.map((name) => `${path}: ${name}`).filter((exported) => !used.has(exported)),
  );
}

export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** Returns who imports whom: files by default, or what `nameOf` makes of their paths. */
export function importGraph(
  modules: readonly Module[],
  {withTypes, name = (path) => path}: {withTypes: boolean; name?: (path: string) => string},
): Graph {
  const graph = new Map<string, Set<string>>();
  for (const module of modules) {
    const targets = graph.get(name(module.path)) ?? new Set();
    graph.set(name(module.path), targets);
    for (const {path, isType} of module.imports) {
      if ((withTypes || !isType) && name(path) !== name(module.path)) targets.add(name(path));
    }
  }
  return graph;
}

/** Returns the groups of nodes that reach each other: each group is at least one cycle. */
export function cyclesOf(graph: Graph): string[][] {
  const reached = new Map([...graph.keys()].map((node) => [node, reachableFrom(graph, node)]));
  const groups = new Map<string, string[]>();
  for (const node of graph.keys()) {
    const group = [...graph.keys()].filter(
      (other) => reached.get(node)?.has(other) && reached.get(other)?.has(node),
    );
    if (group.length > 0) groups.set(group.join(' '), group);
  }
  return [...groups.values()];
}

function reachableFrom(graph: Graph, start: string): Set<string> {
  const reached = new Set<string>();
  const waiting = [...(graph.get(start) ?? [])];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    waiting.push(...(graph.get(node) ?? []));
  }
  return reached;
}
