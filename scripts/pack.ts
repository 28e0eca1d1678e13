// usage: node scripts/pack.ts [DIR] [--metafile FILE]
// Makes orgkey-VERSION.tgz, and prints its path. npm could run the build before it packs, but package
// scripts are off here, ours too: it would silently make a package without the program. The bytes are the same wherever,
// whenever and by whom the package is made.
import {execFileSync} from 'node:child_process';
import {chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {parseArgs} from 'node:util';

const root = resolve(import.meta.dirname, '..');
const {values, positionals} = parseArgs({options: {metafile: {type: 'string'}}, allowPositionals: true});
const out = resolve(positionals[0] ?? '.');
const source = mkdtempSync(join(tmpdir(), 'orgkey-pack-'));
// npm packs the modes as they are
process.umask(0o022);
try {
  const metafile = values.metafile === undefined ? [] : ['--metafile', resolve(values.metafile)];
  const build = [join(root, 'scripts/build.ts'), '--out', join(source, 'dist'), ...metafile];
  execFileSync(process.execPath, build, {stdio: ['ignore', 'ignore', 'inherit']});
  for (const file of ['package.json', 'README.md', 'LICENSE']) {
    cpSync(join(root, file), join(source, file));
    chmodSync(join(source, file), 0o644);
  }
  const readme = join(source, 'README.md');
  writeFileSync(readme, withAddresses(readFileSync(readme, 'utf8')));
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', out];
  execFileSync('npm', pack, {cwd: source, stdio: ['ignore', 'ignore', 'inherit']});
  const {name, version} = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  console.log(join(out, `${name}-${version}.tgz`));
} finally {
  rmSync(source, {recursive: true, force: true});
}

/** The package has no other documents: relative links of the README lead to the repository. */
function withAddresses(text: string): string {
  const {version, repository} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const home = String(repository.url).replace(/^git\+|\.git$/g, '');
  return text.replaceAll(
    /(!?)(\[[^\]]*\])\((?!https?:|#)([^)]+)\)/g,
    (_, image: string, label: string, path: string) =>
      `${image}${label}(${home}/${image === '' ? 'blob' : 'raw'}/v${version}/${path})`,
  );
}
