import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {total, type Figure} from './figure.ts';

interface Metafile {
  readonly outputs: Readonly<
    Record<string, {bytes: number; inputs: Readonly<Record<string, {bytesInOutput: number}>>}>
  >;
}

/** Returns the sizes of the last build, or nothing if `.cache/metafile.json` does not exist. `scripts/test` builds first. */
export function bundleFigures(root: string): Figure[] {
  const file = join(root, '.cache/metafile.json');
  if (!existsSync(file)) return [];
  const {outputs}: Metafile = JSON.parse(readFileSync(file, 'utf8'));
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  const own = inputs.filter(([path]) => path.startsWith('src/')).map(([, {bytesInOutput}]) => bytesInOutput);
  const all = Object.values(outputs).map(({bytes}) => bytes);
  return [total('KiB of own code in the bundles', [kib(own)]), total('KiB of all bundles', [kib(all)])];
}

function kib(bytes: readonly number[]): number {
  return Math.round(bytes.reduce((a, b) => a + b, 0) / 1024);
}
