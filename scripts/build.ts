// usage: node scripts/build.ts [--out DIR] [--metafile FILE]
// Makes dist/: the program in one folder without dependencies, and the licenses of what is in it.
import {cpSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {parseArgs} from 'node:util';
import type {Metafile} from 'esbuild';
import {jsonSchema} from '../src/config/shape/json-schema.ts';
import {bundleProgram} from './bundling/bundle-program.ts';
import {bundledPackages, licensesText} from './bundled-packages.ts';
import {CLIENT_SCRIPTS} from '../src/places/client-scripts.ts';
import {shellScript} from './shell-script.ts';
import {manualPages} from './docs/manual-pages.ts';

const root = resolve(import.meta.dirname, '..');
const {values} = parseArgs({
  options: {out: {type: 'string', default: join(root, 'dist')}, metafile: {type: 'string'}},
});
const out = resolve(values.out);
// Next to it first, so that a running old version never finds half of the new one
const fresh = `${out}.${process.pid}`;

const {version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const metafile = await bundle(fresh, version);
const scripts = {
  'orgkey.cjs': readFileSync(join(root, 'src/shell/orgkey.cjs')),
  'nuget-plugin-orgkey': readFileSync(join(root, 'src/shell/nuget-plugin-orgkey')),
  ...Object.fromEntries(CLIENT_SCRIPTS.map((name) => [name, shellScript(name)])),
};
mkdirSync(join(fresh, 'keyring'));
for (const [name, text] of Object.entries(scripts)) writeFileSync(join(fresh, name), text, {mode: 0o755});
cpSync(join(root, 'src/shell/python'), join(fresh, 'python'), {recursive: true});
writeFileSync(join(fresh, 'config.schema.json'), `${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
mkdirSync(join(fresh, 'man'));
for (const [name, text] of Object.entries(manualPages(version)))
  writeFileSync(join(fresh, 'man', name), text);
const packages = bundledPackages(metafile, root);
const list = packages.map(({name, version, license}) => ({name, version, license}));
writeFileSync(join(fresh, 'runtime-packages.json'), `${JSON.stringify(list, undefined, 2)}\n`);
writeFileSync(join(fresh, 'THIRD-PARTY-LICENSES'), licensesText(packages));
if (values.metafile !== undefined) writeFileSync(values.metafile, JSON.stringify(metafile));

rmSync(`${out}.old`, {recursive: true, force: true});
if (statSync(out, {throwIfNoEntry: false}) !== undefined) renameSync(out, `${out}.old`);
renameSync(fresh, out);
rmSync(`${out}.old`, {recursive: true, force: true});
const size = Object.values(metafile.outputs).reduce((sum, {bytes}) => sum + bytes, 0);
console.log(`${out}: orgkey ${version}, ${Math.round(size / 1024)} KiB of code, ${packages.length} packages`);

/** Bundles the programs, each with files of its own: a program loads what it needs, and nothing of another one. */
async function bundle(outdir: string, version: string): Promise<Metafile> {
  const programs = {
    main: 'src/main.ts',
    cli: 'src/cli/main.ts',
    daemon: 'src/daemon/main.ts',
    tools: 'src/tools/main.ts',
    acquirer: 'src/entra/child/acquirer.ts',
  };
  const built = await Promise.all(
    Object.entries(programs).map(([name, source]) => bundleProgram(name, source, {root, outdir, version})),
  );
  mkdirSync(outdir, {recursive: true});
  for (const {files} of built) for (const [name, text] of files) writeFileSync(join(outdir, name), text);
  return {inputs: {}, outputs: Object.assign({}, ...built.map(({outputs}) => outputs))};
}
