import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {total, type Figure} from './figure.ts';

interface Metafile {
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly bytes: number;
        readonly entryPoint?: string;
        readonly inputs: Readonly<Record<string, {bytesInOutput: number}>>;
      }
    >
  >;
}

/** What git waits for if the daemon does not run yet. */
const COLD_START: readonly string[] = ['src/main.ts', 'src/daemon/main.ts'];

/** Returns the sizes of the last build, or nothing if `.cache/metafile.json` does not exist. `scripts/test` builds first. */
export function bundleFigures(root: string): Figure[] {
  const file = join(root, '.cache/metafile.json');
  if (!existsSync(file)) return [];
  const {outputs}: Metafile = JSON.parse(readFileSync(file, 'utf8'));
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  const own = inputs.filter(([path]) => path.startsWith('src/')).map(([, {bytesInOutput}]) => bytesInOutput);
  const all = Object.values(outputs).map(({bytes}) => bytes);
  const start = Object.values(outputs).flatMap(({entryPoint = '', bytes}) =>
    COLD_START.includes(entryPoint) ? [bytes] : [],
  );
  return [
    total('KiB of own code in the bundles', [kib(own)]),
    total('KiB of all bundles', [kib(all)]),
    total('KiB that the daemon evaluates before its first answer', [kib(start)]),
  ];
}

function kib(bytes: readonly number[]): number {
  return Math.round(bytes.reduce((a, b) => a + b, 0) / 1024);
}
