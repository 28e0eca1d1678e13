import {execFileSync} from 'node:child_process';
import {cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import type {Metafile} from 'esbuild';

const root = join(import.meta.dirname, '../..');

/** The published package, built, packed and installed as users would. */
export interface Packed {
  /** The directory of everything here. */
  readonly directory: string;
  readonly tarball: string;
  /** The directory into which npm installed it. */
  readonly installed: string;
  /** `orgkey`, `git-credential-orgkey` and `orgkey-ssh` lie here. */
  readonly bin: string;
  readonly metafile: Metafile;
  remove(): void;
}

/** Packs as `scripts/pack` does, outside of the checkout's dist/, which others may be using. */
export function pack(): Packed {
  const directory = mkdtempSync('/tmp/orgkey-packed-');
  const metafile = join(directory, 'metafile.json');
  const args = [join(root, 'scripts/pack.ts'), directory, '--metafile', metafile];
  const tarball = execFileSync(process.execPath, args, {encoding: 'utf8'}).trimEnd();
  const prefix = join(directory, 'prefix');
  npm(['install', '--global', '--ignore-scripts', '--offline', '--prefix', prefix, tarball], directory);
  return {
    directory,
    tarball,
    installed: join(prefix, 'lib/node_modules/orgkey'),
    bin: join(prefix, 'bin'),
    metafile: JSON.parse(readFileSync(metafile, 'utf8')),
    remove: () => rmSync(directory, {recursive: true, force: true}),
  };
}

function npm(args: readonly string[], cwd: string): void {
  execFileSync('npm', [...args, '--silent', '--no-audit', '--no-fund'], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/**
 * Fetches exactly that version of Node from the npm registry into .cache; returns `undefined` if it is not available.
 * Tests that run at once may fetch it twice; the first one stays.
 */
export function otherNode(version: string): string | undefined {
  const platform = `node-${process.platform}-${process.arch}`;
  const home = join(root, '.cache/node', version);
  const node = join(home, 'node_modules', platform, 'bin/node');
  if (existsSync(node)) return node;
  mkdirSync(join(root, '.cache/node'), {recursive: true});
  const fresh = mkdtempSync(join(root, '.cache/node/new-'));
  try {
    npm(['install', '--ignore-scripts', '--no-save', '--prefix', fresh, `${platform}@${version}`], fresh);
    if (!existsSync(home)) cpSync(fresh, home, {recursive: true});
    return node;
  } catch {
    return undefined;
  } finally {
    rmSync(fresh, {recursive: true, force: true});
  }
}
