// Bundles one program into files that its installation needs no packages for.
import {basename} from 'node:path';
import {build, type Metafile, type Plugin} from 'esbuild';
import {mergeStart} from './merge-start.ts';
import {settleImports} from './settle-imports.ts';

interface BundleOptions {
  readonly root: string;
  readonly outdir: string;
  readonly version: string;
}

/** A program: its files by name, and esbuild's account of them. */
export interface Program {
  readonly files: ReadonlyMap<string, string>;
  readonly outputs: Metafile['outputs'];
}

/** Bundles a program: what its start loads is one file, and each part that is loaded later has files of its own. */
export async function bundleProgram(
  name: string,
  source: string,
  {root, outdir, version}: BundleOptions,
): Promise<Program> {
  const {metafile, outputFiles} = await build({
    absWorkingDir: root,
    entryPoints: {[name]: source},
    outdir,
    write: false,
    // All files are in one folder: each finds package.json one folder up
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.20',
    minify: true,
    legalComments: 'none',
    metafile: true,
    // Native parts of ssh2: faster ciphers, not needed
    external: ['cpu-features', '*.node'],
    define: {ORGKEY_VERSION: JSON.stringify(version)},
    plugins: [otherPrograms(), withoutUnusedTransports()],
    logLevel: 'warning',
  });
  const files = new Map(outputFiles.map(({path, text}) => [basename(path), text]));
  const merged = await mergeStart(`${name}.js`, {files, outputs: metafile.outputs});
  const settled = new Map([...merged.files].map(([file, text]) => [file, settleImports(file, text)]));
  const outputs = Object.entries(merged.outputs).map(([path, output]) => {
    const bytes = Buffer.byteLength(settled.get(basename(path)) ?? '');
    return [path, {...output, bytes}];
  });
  return {files: settled, outputs: Object.fromEntries(outputs)};
}

/** Leaves out what `main.ts` starts: programs of their own. */
function otherPrograms(): Plugin {
  return {
    name: 'other-programs',
    setup(bundle) {
      bundle.onResolve({filter: /\/(?:daemon|cli|tools)\/main\.ts$/}, ({kind, path}) =>
        kind === 'dynamic-import'
          ? {path: `./${path.split('/').at(-2) ?? ''}.js`, external: true}
          : undefined,
      );
    },
  };
}

/** Leaves out what node-ipc needs only for TLS and UDP: 3 MB of the daemon's memory. */
function withoutUnusedTransports(): Plugin {
  return {
    name: 'without-unused-transports',
    setup(bundle) {
      bundle.onResolve({filter: /^node:(?:tls|dgram)$/}, ({path, importer}) =>
        importer.includes('/node_modules/node-ipc/') ? {path, namespace: 'unused'} : undefined,
      );
      bundle.onLoad({filter: /^/, namespace: 'unused'}, () => ({contents: 'export default {};'}));
    },
  };
}
