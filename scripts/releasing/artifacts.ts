import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {gzipSync} from 'node:zlib';
import {releaseNotes} from './cut-release.ts';
import {bundledSbom} from './sbom.ts';

/**
 * Makes the package, the Debian package (if dpkg-deb is installed), the Helm chart, the extension for Azure Pipelines (if tfx is), the
 * SBOM, the notes and the checksums in `out`. Returns their paths.
 */
export function makeArtifacts(checkout: string, out: string): string[] {
  const {version} = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
  const node = (script: string, ...args: string[]): string =>
    execFileSync(process.execPath, [join(checkout, script), ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim();

  const metafile = join(out, 'metafile.json');
  const artifacts = [node('scripts/pack.ts', out, '--metafile', metafile)];
  if (hasDpkgDeb()) artifacts.push(node('scripts/debian/package.ts', out));
  else console.error('release: no dpkg-deb here: no Debian package was made');

  artifacts.push(makeChart(checkout, join(out, `orgkey-chart-${version}.tgz`)));

  const extension = makeExtension(checkout, join(out, `orgkey-${version}.vsix`));
  if (extension !== undefined) artifacts.push(extension);

  const sbom = join(out, `orgkey-${version}.cdx.json`);
  writeFileSync(sbom, `${JSON.stringify(bundledSbom(checkout, metafile), undefined, 2)}\n`);
  artifacts.push(sbom);

  const sums = join(out, 'SHA256SUMS');
  writeFileSync(sums, artifacts.map(sumLine).join(''));
  const notes = join(out, 'NOTES.md');
  const changelog = readFileSync(join(checkout, 'CHANGELOG.md'), 'utf8');
  writeFileSync(notes, `${releaseNotes(changelog, version)}\n`);
  return [...artifacts, sums, notes];
}

/** Packs the Helm chart, with the files of the Kustomize base that it links to. The same bytes each time. */
function makeChart(checkout: string, file: string): string {
  const same = [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=u=rwX,go=rX',
  ];
  const place = ['--directory', join(checkout, 'scripts/deploy/helm'), 'orgkey'];
  const tar = execFileSync('tar', ['--create', '--dereference', ...same, ...place]);
  writeFileSync(file, gzipSync(tar));
  return file;
}

/** Packs the extension for Azure Pipelines with its publisher's tool. Returns its path, if the tool is there. */
function makeExtension(checkout: string, file: string): string | undefined {
  const tool = join(import.meta.dirname, '../../.cache/pipelines/node_modules/tfx-cli/_build/tfx-cli.js');
  if (!existsSync(tool)) {
    console.error('release: no tfx here (scripts/test-packages pipelines): no extension was made');
    return undefined;
  }
  execFileSync(
    process.execPath,
    [
      tool,
      'extension',
      'create',
      '--manifest-globs',
      'vss-extension.json',
      '--output-path',
      file,
      '--no-prompt',
    ],
    {cwd: join(checkout, 'scripts/deploy/pipelines'), stdio: ['ignore', 'ignore', 'inherit']},
  );
  return file;
}

function hasDpkgDeb(): boolean {
  try {
    execFileSync('dpkg-deb', ['--version'], {stdio: 'ignore'});
    return true;
  } catch {
    return false;
  }
}

/** A line that `sha256sum --check` reads. */
function sumLine(file: string): string {
  const hash = createHash('sha256').update(readFileSync(file));
  return `${hash.digest('hex')}  ${basename(file)}\n`;
}
