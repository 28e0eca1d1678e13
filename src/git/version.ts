import {printable} from '../text/printable.ts';
import {GitError, type RunGit} from './run-git.ts';

/** A version of git, as far as its abilities depend on it. */
export interface GitVersion {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
}

/** Runs `git version`. @throws {GitError} if git is missing or reports no version. */
export async function readGitVersion(git: RunGit): Promise<GitVersion> {
  const {stdout, stderr} = await git(['version']);
  const version = parseGitVersion(stdout);
  if (version === undefined)
    throw new GitError('ERR_NO_GIT', `git does not report its version: ${printable(stderr.trim())}`, {
      hint: 'try: git version',
    });
  return version;
}

/** Parses texts such as `git version 2.39.5 (Apple Git-154)`. */
export function parseGitVersion(text: string): GitVersion | undefined {
  const found = /^git version (([0-9]+)\.([0-9]+)[^\s]*)/.exec(text);
  if (found === null) return undefined;
  return {text: found[1] ?? '', major: Number(found[2]), minor: Number(found[3])};
}

/** Fact 81. Since 2.46 a helper may set the Authorization scheme (Bearer), and git retries with a new token without a prompt. */
export function takesBearer(version: GitVersion): boolean {
  return isAtLeast(version, 2, 46);
}

/** Since 2.47 git reaches a SOCKS proxy on a Unix socket. */
export function takesSocketProxy(version: GitVersion): boolean {
  return isAtLeast(version, 2, 47);
}

/** Whether `takesBearer`. `undefined`: git's version cannot be read. */
export async function whetherItTakesBearer(git: RunGit): Promise<boolean | undefined> {
  try {
    return takesBearer(await readGitVersion(git));
  } catch {
    return undefined;
  }
}

/** Since 2.30 `git config` has `--fixed-value`, which we need to remove our lines. */
export function canBeSetUp(version: GitVersion): boolean {
  return isAtLeast(version, 2, 30);
}

function isAtLeast({major, minor}: GitVersion, wantedMajor: number, wantedMinor: number): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
