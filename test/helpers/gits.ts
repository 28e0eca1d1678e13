import {execFileSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';

/** A git to test with. */
export interface Git {
  /** `git 2.39.5` */
  readonly name: string;
  /** The directory to put first on the PATH. */
  readonly path: string;
  /** From 2.46 on, git accepts whole Authorization headers, and asks again with a state. */
  readonly hasAuthtype: boolean;
  /** Why tests with it are skipped, if they are. */
  readonly missing: string | undefined;
}

const cache = join(import.meta.dirname, '../../.cache');
const newer = join(cache, 'newer-git/bin/git');
const newest = join(cache, 'newest-git/bin/git');

/**
 * The machine's git and a newer one: `$ORGKEY_TEST_GIT`, or what `scripts/test-packages newer-git` brought. If
 * neither exists, the newer one is listed as missing, so that its tests show as skipped. Then the newest of Debian, if it is there.
 */
export const gits: readonly Git[] = [
  found(which('git')),
  newerGit(),
  ...(existsSync(newest) ? [found(newest)] : []),
];

function newerGit(): Git {
  const named = process.env['ORGKEY_TEST_GIT'];
  if (named) return found(named);
  if (existsSync(newer)) return found(newer);
  const missing = 'there is no newer git: scripts/test-packages newer-git brings one';
  return {name: 'git ≥ 2.46', path: '', hasAuthtype: true, missing};
}

function found(program: string): Git {
  const version = execFileSync(program, ['--version'], {encoding: 'utf8'})
    .trim()
    .replace('git version', 'git');
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(version) ?? [];
  const hasAuthtype = Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 46);
  return {name: version, path: dirname(program), hasAuthtype, missing: undefined};
}

function which(program: string): string {
  const directories = (process.env['PATH'] ?? '').split(':');
  return join(directories.find((directory) => existsSync(join(directory, program))) ?? '', program);
}
