import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {gits, type Git} from './gits.ts';

/** A git with a Git LFS to test with. */
export interface GitWithLfs {
  /** `git 2.39.5 with git-lfs 3.3` */
  readonly name: string;
  readonly git: Git;
  /** Absolute path. */
  readonly program: string;
  /** Why tests with it are skipped, if they are. */
  readonly missing: string | undefined;
}

const cache = join(import.meta.dirname, '../../.cache');
const [own, newer] = gits;
const older = join(cache, 'older-git-lfs/bin/git-lfs');
const beside = join(newer?.path ?? '', 'git-lfs');

/** Each git with the Git LFS of its time, and the newer git with the older Git LFS. */
export const gitsWithLfs: readonly GitWithLfs[] = [
  pair(own, older, '3.3', 'scripts/test-packages older-git-lfs'),
  pair(newer, older, '3.3', 'scripts/test-packages older-git-lfs'),
  pair(newer, beside, '3.6', 'scripts/test-packages newer-git'),
];

function pair(git: Git | undefined, program: string, version: string, script: string): GitWithLfs {
  if (git === undefined) throw new Error('there is no git');
  const missing = existsSync(program) ? git.missing : `there is no git-lfs ${version}: ${script} brings one`;
  return {name: `${git.name} with git-lfs ${version}`, git, program, missing};
}
