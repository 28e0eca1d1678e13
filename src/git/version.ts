import {printable} from '../text/printable.ts';
import {GitError, type RunGit} from './run-git.ts';

/** A version of git, as far as what it can do depends on it. */
export interface GitVersion {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
}

/** @throws {GitError} where git is missing or says no version. */
export async function readGitVersion(git: RunGit): Promise<GitVersion> {
  const {stdout, stderr} = await git(['version']);
  const version = parseGitVersion(stdout);
  if (version === undefined)
    throw new GitError('ERR_NO_GIT', `git does not say its version: ${printable(stderr.trim())}`, {
      hint: 'try: git version',
    });
  return version;
}

/** Reads `git version 2.39.5 (Apple Git-154)` and its likes. */
export function parseGitVersion(text: string): GitVersion | undefined {
  const found = /^git version (([0-9]+)\.([0-9]+)[^\s]*)/.exec(text);
  if (found === null) return undefined;
  return {text: found[1] ?? '', major: Number(found[2]), minor: Number(found[3])};
}

/** From 2.46 on git takes a whole Authorization header from a helper: Bearer, and a second try that nobody sees. */
export function takesBearer(version: GitVersion): boolean {
  return isAtLeast(version, 2, 46);
}

/** From 2.30 on `git config` compares values as they are, `--fixed-value`, which taking ours out again needs. */
export function canBeSetUp(version: GitVersion): boolean {
  return isAtLeast(version, 2, 30);
}

function isAtLeast({major, minor}: GitVersion, wantedMajor: number, wantedMinor: number): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
