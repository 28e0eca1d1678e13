// Which packages a bundle holds, and their licenses.
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Metafile} from 'esbuild';

export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** As package.json tells it: an SPDX expression. */
  readonly license: string;
  /** Where it lies, as the lock file calls it: `node_modules/a/node_modules/b`. */
  readonly path: string;
  /** The texts that lie beside it. */
  readonly texts: readonly string[];
}

/** The packages of which at least one byte is in an output, by name. */
export function bundledPackages({outputs}: Metafile, root: string): readonly BundledPackage[] {
  const paths = new Set<string>();
  for (const {inputs} of Object.values(outputs)) {
    for (const [input, {bytesInOutput}] of Object.entries(inputs)) {
      const path = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
      if (path !== undefined && bytesInOutput > 0) paths.add(path);
    }
  }
  return [...paths].map((path) => describe(path, root)).toSorted((a, b) => compare(a.path, b.path));
}

/** One text with all of them; packages that share a text share it here too. */
export function licensesText(packages: readonly BundledPackage[]): string {
  const byText = Map.groupBy(packages, ({license, texts}) => texts.join('\n\n') || `License: ${license}`);
  const parts = [...byText].map(([text, sharing]) => {
    const names = sharing.map(({name, version, license}) => `${name} ${version} (${license})`);
    return `${names.join('\n')}\n\n${text.trim()}\n`;
  });
  const head = 'orgkey contains code of these packages.\n';
  return [head, ...parts].join(`\n${'-'.repeat(80)}\n\n`);
}

function describe(path: string, root: string): BundledPackage {
  const folder = join(root, path);
  const {name, version, ...told} = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  // Older packages have a list of objects
  const license = told.license ?? told.licenses?.map(({type}: {type: string}) => type).join(' OR ');
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)\b/i.test(file));
  const texts = files.toSorted(compare).map((file) => readFileSync(join(folder, file), 'utf8'));
  return {name, version, license, path, texts};
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
