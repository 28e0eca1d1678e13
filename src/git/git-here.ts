import {execFile} from 'node:child_process';
import {GitError, type RunGit} from './run-git.ts';

/**
 * Git as a person has it: in this directory, with all of these variables, hence with every override that is in force
 * there. For questions only: it asks nobody at the terminal and takes no locks.
 */
export function gitHere(
  environment: Readonly<Record<string, string | undefined>>,
  directory: string,
): RunGit {
  const env = {...environment, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0'};
  return (argv) =>
    new Promise((resolve, reject) => {
      execFile(
        'git',
        argv,
        {cwd: directory, env, maxBuffer: MOST_OUTPUT, timeout: LONGEST},
        (error, stdout, stderr) => {
          if (error !== null && error.code === 'ENOENT') {
            reject(new GitError('ERR_NO_GIT', 'git is not on the PATH', {hint: 'install git 2.39 or later'}));
            return;
          }
          const status = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
          resolve({status, stdout, stderr});
        },
      );
    });
}

/** In bytes: a configuration of 10,000 organizations has about 4 MB. */
const MOST_OUTPUT = 64 * 1024 * 1024;

/** In milliseconds. */
const LONGEST = 30_000;
