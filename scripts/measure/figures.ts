import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {findConstructions} from '../language.ts';
import {bundleFigures} from './bundle-figures.ts';
import {counted, largest, total, type Figure} from './figure.ts';
import {lintFigures} from './lint-figures.ts';
import {cyclesOf, importGraph, readModules, unusedExports, type Module} from './modules.ts';

/** Measures the checkout at `root`. */
export function measure(root: string): Figure[] {
  const modules = readModules(root, 'src');
  const texts = new Map(modules.map(({path}) => [path, readFileSync(join(root, path), 'utf8')]));
  return [
    total('lines in src', [...texts.values()].map(linesOf)),
    largest(
      'lines of the longest file',
      [...texts].map(([path, text]) => [path, linesOf(text)]),
    ),
    ...lintFigures(root),
    largest('files in one folder', filesPerFolder(modules)),
    ...graphFigures(modules),
    ...exportFigures(root, modules),
    counted('error classes without the common base', errorClasses(texts)),
    counted('time limits outside time-budget.ts', timeLimits(texts)),
    counted(
      'listed constructions',
      findConstructions().map(({place, words}) => `${place}: ${words}`),
    ),
    total('lines of the README', [linesOf(readFileSync(join(root, 'README.md'), 'utf8'))]),
    ...bundleFigures(root),
  ];
}

function graphFigures(modules: readonly Module[]): Figure[] {
  return [
    counted('import cycles', described(cyclesOf(importGraph(modules, {withTypes: false})))),
    counted('import cycles with types', described(cyclesOf(importGraph(modules, {withTypes: true})))),
    counted(
      'cycles between rooms',
      described(cyclesOf(importGraph(modules, {withTypes: true, name: roomOf}))),
    ),
  ];
}

function roomOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function described(groups: readonly string[][]): string[] {
  return groups.map((group) => group.join(' ⇄ '));
}

function exportFigures(root: string, modules: readonly Module[]): Figure[] {
  const programs = [...modules, ...readModules(root, 'scripts')];
  const all = [...programs, ...readModules(root, 'test')];
  const everywhere = new Set(unusedExports(modules, all));
  const inTests = unusedExports(modules, programs).filter((name) => !everywhere.has(name));
  return [
    counted('exports that no other file imports', [...everywhere]),
    counted('exports that only tests import', inTests),
  ];
}

function errorClasses(texts: ReadonlyMap<string, string>): string[] {
  return [...texts].flatMap(([path, text]) =>
    path === 'src/text/orgkey-error.ts'
      ? []
      : [...text.matchAll(/\bclass (\w+) extends (?:\w*Error)\b(?<!OrgkeyError)/g)].map(
          ([, name = '']) => `${path}: ${name}`,
        ),
  );
}

/** Constants of rooms that serve a request, by their name or by their use as the limit of a wait. */
function timeLimits(texts: ReadonlyMap<string, string>): string[] {
  const constant =
    /^\s*(?:export )?const (\w*(?:TIME|PATIENCE|GRACE|WAIT|DELAY|DEADLINE|LIMIT)\w*)\b[^=]*= [\d_.]+/gm;
  const limit =
    /\b(?:AbortSignal\.timeout\(|setTimeout\((?:[^;]*, )?|startTimer\(|delay\(|\w*[tT]imeout(?::| =) ?)([\d_]{2,})\b/g;
  return [...texts]
    .filter(([path]) => /^src\/(?:daemon|entra|token)\//.test(path))
    .flatMap(([path, text]) =>
      [...text.matchAll(constant), ...text.matchAll(limit)].map(([, what = '']) => `${path}: ${what}`),
    );
}

function filesPerFolder(modules: readonly Module[]): (readonly [string, number])[] {
  return [...Map.groupBy(modules, ({path}) => dirname(path))].map(([folder, files]) => [
    folder,
    files.length,
  ]);
}

function linesOf(text: string): number {
  return text.split('\n').length - 1;
}
