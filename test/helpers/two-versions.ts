import {execFileSync} from 'node:child_process';
import {cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const root = join(import.meta.dirname, '../..');

export const OLDER = '9.9.1';
export const NEWER = '9.9.2';

/**
 * Makes the program as `npm pack` does, in two versions that share no file names but those of their entries, as after a
 * year of changes. Returns the paths of the tarballs, in `directory`.
 */
export function packTwoVersions(
  dist: string,
  directory: string,
): {readonly older: string; readonly newer: string} {
  return {older: pack(dist, directory, OLDER), newer: pack(dist, directory, NEWER)};
}

function pack(dist: string, directory: string, version: string): string {
  const source = join(directory, version);
  mkdirSync(source);
  cpSync(dist, join(source, 'dist'), {recursive: true});
  renameChunks(join(source, 'dist'), version);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(source, 'package.json'), JSON.stringify({...manifest, version}));
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', directory], {
    cwd: source,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return join(directory, `orgkey-${version}.tgz`);
}

/** Changes the hashes in the names of the chunks, and the version in the code. */
function renameChunks(dist: string, version: string): void {
  const {version: built} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const chunks = readdirSync(dist).filter((name) => /-[A-Z0-9]{8}\.js$/.test(name));
  const another = (name: string) =>
    name.replace(/-([A-Z0-9]{8})\.js$/, `-$1-${version.replaceAll('.', '')}.js`);
  for (const file of readdirSync(dist).filter((name) => name.endsWith('.js'))) {
    let text = readFileSync(join(dist, file), 'utf8').replaceAll(`"${built}"`, `"${version}"`);
    for (const chunk of chunks) text = text.replaceAll(chunk, another(chunk));
    writeFileSync(join(dist, file), text);
  }
  for (const chunk of chunks) renameSync(join(dist, chunk), join(dist, another(chunk)));
}
