import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {counted, largest, type Figure} from './figure.ts';

const counting = {skipBlankLines: true, skipComments: true};

/** The rules of .oxlintrc.json with a limit so low that the linter prints each figure of interest. */
const CONFIGURATION = {
  categories: {correctness: 'off'},
  rules: {
    'eslint/complexity': ['warn', 10],
    'eslint/max-lines-per-function': ['warn', {max: 40, ...counting}],
    'eslint/max-lines': ['warn', {max: 200, ...counting}],
    'eslint/max-params': ['warn', 4],
  },
};

interface Diagnostic {
  readonly code: string;
  readonly message: string;
  readonly filename: string;
}

/** Measures lengths, branches and parameters with the linter, which counts them elsewhere too. */
export function lintFigures(root: string): Figure[] {
  const found = lint(root);
  const of = (rule: string): (readonly [place: string, value: number])[] =>
    found.filter(({code}) => code === `eslint(${rule})`).map((found) => [placeOf(found), valueOf(found)]);
  const over = (rule: string, limit: number): string[] =>
    of(rule).flatMap(([place, value]) => (value > limit ? [`${value} ${place}`] : []));
  return [
    largest('lines of code in the longest function', of('max-lines-per-function')),
    counted('functions over 60 lines of code', over('max-lines-per-function', 60)),
    counted('functions over 40 lines of code', over('max-lines-per-function', 40)),
    counted('files over 300 lines of code', over('max-lines', 300)),
    largest('cyclomatic number of the worst function', of('complexity')),
    counted('functions with a cyclomatic number over 15', over('complexity', 15)),
    counted('functions with a cyclomatic number over 10', over('complexity', 10)),
    counted('functions with more than 4 parameters', over('max-params', 4)),
  ];
}

function lint(root: string): readonly Diagnostic[] {
  const folder = mkdtempSync(join(tmpdir(), 'orgkey-measure-'));
  try {
    const configuration = join(folder, 'oxlint.json');
    writeFileSync(configuration, JSON.stringify(CONFIGURATION));
    const args = ['-c', configuration, '--format', 'json', 'src'];
    const {stdout, error} = spawnSync('oxlint', args, {cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26});
    if (error !== undefined) throw error;
    return JSON.parse(stdout).diagnostics;
  } finally {
    rmSync(folder, {recursive: true});
  }
}

function placeOf({filename, message}: Diagnostic): string {
  const name = /[`']([^`']+)[`']/.exec(message)?.[1];
  return name === undefined ? filename : `${filename} ${name}`;
}

/** The last number in parentheses, or the one behind "complexity of". */
function valueOf({message}: Diagnostic): number {
  return Number(/complexity of (\d+)|\((\d+)\)/.exec(message)?.slice(1).find(Boolean));
}
