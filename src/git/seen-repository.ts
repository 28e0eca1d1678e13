import {lstat, stat} from 'node:fs/promises';
import {isAbsolute, join, normalize} from 'node:path';
import type {RunGit} from './run-git.ts';

export interface SeenRepository {
  /** Absolute. */
  readonly gitDirectory: string;
  /** Absolute. `undefined`: a bare repository. */
  readonly top: string | undefined;
  readonly submodules: readonly SeenSubmodule[];
}

interface SeenSubmodule {
  /** Relative to the top. */
  readonly path: string;
  /** As in `.gitmodules`; a relative one begins with `./` or `../`. */
  readonly url: string;
  /** `own`: its git directory is inside it, as git made them before 1.7.8. */
  readonly gitDirectory: 'absorbed' | 'own' | 'none';
}

/** Returns the repository. `undefined`: not in a repository; a text: git's error. */
export async function readSeenRepository(git: RunGit): Promise<SeenRepository | string | undefined> {
  const asked = await git(['rev-parse', '--absolute-git-dir']);
  if (asked.status !== 0) return /not a git repository/i.test(asked.stderr) ? undefined : asked.stderr.trim();
  const gitDirectory = withoutLineEnd(asked.stdout);
  const work = await git(['rev-parse', '--show-toplevel']);
  const top = work.status === 0 ? withoutLineEnd(work.stdout) || undefined : undefined;
  return {gitDirectory, top, submodules: top === undefined ? [] : await readSubmodules(git, top)};
}

async function readSubmodules(git: RunGit, top: string): Promise<SeenSubmodule[]> {
  const file = join(top, '.gitmodules');
  const facts = await lstat(file).catch(() => undefined);
  // git rejects a symbolic link here, and so do we
  if (facts?.isFile() !== true) return [];
  const {status, stdout} = await git(['config', '--file', file, '--null', '--list']);
  if (status !== 0) return [];
  const found = new Map<string, {path?: string; url?: string}>();
  for (const entry of stdout.split('\0')) {
    const [key = '', ...rest] = entry.split('\n');
    const parts = /^submodule\.(.*)\.(path|url)$/s.exec(key);
    const name = parts?.[1];
    if (name === undefined) continue;
    const value = rest.join('\n');
    const known = found.get(name) ?? {};
    found.set(name, parts?.[2] === 'path' ? {...known, path: value} : {...known, url: value});
  }
  const named = [...found.values()].flatMap(({path, url}) =>
    path === undefined || url === undefined || !isBelow(path) ? [] : [{path, url}],
  );
  return Promise.all(
    named.map(async ({path, url}) => ({path, url, gitDirectory: await kindOf(join(top, path, '.git'))})),
  );
}

/** A path may end in white space of its own. */
function withoutLineEnd(text: string): string {
  return text.replace(/\n$/, '');
}

function isBelow(path: string): boolean {
  return !isAbsolute(path) && !normalize(path).startsWith('..');
}

async function kindOf(path: string): Promise<SeenSubmodule['gitDirectory']> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return 'none';
  return facts.isDirectory() ? 'own' : 'absorbed';
}
