// Finds the packages in a bundle, and their licenses.
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Metafile} from 'esbuild';

export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression, from package.json. */
  readonly license: string;
  /** Its path in the lock file: `node_modules/a/node_modules/b`. */
  readonly path: string;
  /** Its license files. */
  readonly texts: readonly string[];
}

/** Returns the packages with at least one byte in an output, sorted by path. */
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

/** Returns one text with all licenses; packages with the same text share it. */
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
  const {name, version, ...rest} = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  // Older packages have a list of objects
  const license = rest.license ?? rest.licenses?.map(({type}: {type: string}) => type).join(' OR ');
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)\b/i.test(file));
  const texts = files.toSorted(compare).map((file) => readFileSync(join(folder, file), 'utf8'));
  return {name, version, license, path, texts};
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
