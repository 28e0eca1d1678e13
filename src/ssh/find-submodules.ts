import {readFile, stat} from 'node:fs/promises';
import {dirname, isAbsolute, join, resolve} from 'node:path';

/**
 * Whether a directory lies in a submodule, or in a repository that has some. It explains a wrapper that was set for
 * everything instead of for submodules; it holds nobody back, since the directory is what the caller says.
 * `unknown`: the files cannot be read from here, as in a container's or behind the unit's `ProtectHome=`.
 */
export async function findSubmodules(directory: string): Promise<'some' | 'none' | 'unknown'> {
  if (!isAbsolute(directory) || !(await isDirectory(directory))) return 'unknown';
  for (let at = resolve(directory); ; at = dirname(at)) {
    const found = await readGitLink(join(at, '.git'));
    if (found === 'unreadable') return 'unknown';
    if (found !== 'absent') return (await hasModules(found)) ? 'some' : 'none';
    if (dirname(at) === at) return 'none';
  }
}

/** The git directory that `.git` is, or names. */
async function readGitLink(path: string): Promise<{readonly gitDirectory: string} | 'absent' | 'unreadable'> {
  try {
    if ((await stat(path)).isDirectory()) return {gitDirectory: path};
    const named = /^gitdir: (.+)$/m.exec(await readFile(path, 'utf8'))?.[1];
    return named === undefined ? 'absent' : {gitDirectory: resolve(dirname(path), named)};
  } catch (error) {
    return isMissing(error) ? 'absent' : 'unreadable';
  }
}

/** Submodules have their git directories in `modules` of the one above; a linked worktree has a `modules` of its own. */
async function hasModules({gitDirectory}: {readonly gitDirectory: string}): Promise<boolean> {
  return /\/modules\//.test(gitDirectory) || isDirectory(join(gitDirectory, 'modules'));
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function isMissing(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    (error.code === 'ENOENT' || error.code === 'ENOTDIR')
  );
}
