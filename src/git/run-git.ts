import {execFile} from 'node:child_process';
import {OrgkeyError} from '../text/orgkey-error.ts';
import type {Environment} from '../text/environment.ts';

export interface GitResult {
  /** `undefined`: git could not be started, or a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export type RunGit = (argv: readonly string[]) => Promise<GitResult>;

/** Git is missing or too old, or cannot read or write a configuration. */
export class GitError extends OrgkeyError {
  override readonly name = 'GitError';
  declare readonly code: 'ERR_NO_GIT' | 'ERR_GIT_TOO_OLD' | 'ERR_GIT_CONFIG' | 'ERR_GIT_VALUE';
}

/**
 * Returns a git for editing configuration files: outside any repository, and without the variables that would make it
 * read or write other files.
 */
export function gitFrom(environment: Environment): RunGit {
  const kept = Object.entries(environment).filter(([name]) => !name.startsWith('GIT_'));
  // a global configuration that git cannot read would hide the error of the file in question
  const env = {...Object.fromEntries(kept), LC_ALL: 'C', GIT_CONFIG_GLOBAL: '/dev/null'};
  return gitIn('/', env);
}

/**
 * Returns the user's git: in this directory and with all of these variables, so with every override in force there. It
 * only reads: it does not prompt and takes no optional locks.
 */
export function gitHere(environment: Environment, directory: string): RunGit {
  return gitIn(directory, {...environment, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0'});
}

function gitIn(cwd: string, env: NodeJS.ProcessEnv): RunGit {
  return (argv) =>
    new Promise((resolve, reject) => {
      execFile('git', argv, {cwd, env, maxBuffer: MOST_OUTPUT, timeout: LONGEST}, (error, stdout, stderr) => {
        if (error?.code === 'ENOENT') {
          reject(new GitError('ERR_NO_GIT', 'git is not on the PATH', {hint: 'install git 2.39 or later'}));
          return;
        }
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
        resolve({status, stdout, stderr});
      });
    });
}

/** In bytes: a configuration of 10,000 organizations has about 4 MB. */
const MOST_OUTPUT = 64 * 1024 * 1024;

/** In milliseconds. */
const LONGEST = 30_000;
