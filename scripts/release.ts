// usage: see scripts/release
import {execFileSync} from 'node:child_process';
import {appendFileSync, mkdirSync, symlinkSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {parseArgs} from 'node:util';
import {makeArtifacts} from './releasing/artifacts.ts';
import {cutRelease} from './releasing/cut-release.ts';

const root = resolve(import.meta.dirname, '..');
const {values, positionals} = parseArgs({
  options: {'dry-run': {type: 'boolean', default: false}, artifacts: {type: 'string'}},
  allowPositionals: true,
});
const [version] = positionals;
const out = resolve(values.artifacts ?? join(root, '.cache/release'));

try {
  mkdirSync(out, {recursive: true});
  const checkout = values['dry-run'] ? cloneInto(join(out, 'clone')) : root;
  if (version !== undefined) cutRelease(checkout, version, new Date());
  for (const file of makeArtifacts(checkout, out)) console.log(file);
  if (version !== undefined && !values['dry-run'])
    console.log(`To publish it: git push --atomic origin HEAD v${version}`);
} catch (error) {
  console.error(`release: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** Clones the last commit. The clone uses our packages: its lock file names the same. */
function cloneInto(directory: string): string {
  execFileSync('git', ['clone', '--quiet', '--no-hardlinks', root, directory], {stdio: 'inherit'});
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  // .gitignore names only the directory
  appendFileSync(join(directory, '.git/info/exclude'), 'node_modules\n');
  return directory;
}
