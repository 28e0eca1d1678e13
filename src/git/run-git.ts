import {execFile} from 'node:child_process';

/** What one run of git said. */
export interface GitResult {
  /** `undefined`: it could not be run, or was ended by a signal. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs git with these arguments, without a shell. */
export type RunGit = (argv: readonly string[]) => Promise<GitResult>;

/** Git could not do what setting it up needs. */
export class GitError extends Error {
  override readonly name = 'GitError';
  readonly code: 'ERR_NO_GIT' | 'ERR_GIT_TOO_OLD' | 'ERR_GIT_CONFIG' | 'ERR_GIT_VALUE';
  readonly hint: string | undefined;

  constructor(code: GitError['code'], message: string, {hint, cause}: {hint?: string; cause?: unknown} = {}) {
    super(message, {cause});
    this.code = code;
    this.hint = hint;
  }
}

/**
 * Git for its configuration: away from any repository, and without the variables that would send it to another
 * configuration than the file it is told.
 */
export function gitFrom(environment: Readonly<Record<string, string | undefined>>): RunGit {
  const kept = Object.entries(environment).filter(([name]) => !name.startsWith('GIT_'));
  // a global configuration that git cannot read must not keep it from saying so of the right file
  const env = {...Object.fromEntries(kept), LC_ALL: 'C', GIT_CONFIG_GLOBAL: '/dev/null'};
  return gitIn('/', env);
}

/**
 * Git as a person has it: in this directory, with all of these variables, hence with every override that is in force
 * there. For questions only: it asks nobody at the terminal and takes no locks.
 */
export function gitHere(
  environment: Readonly<Record<string, string | undefined>>,
  directory: string,
): RunGit {
  return gitIn(directory, {...environment, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0'});
}

function gitIn(cwd: string, env: NodeJS.ProcessEnv): RunGit {
  return (argv) =>
    new Promise((resolve, reject) => {
      execFile('git', argv, {cwd, env, maxBuffer: MOST_OUTPUT, timeout: LONGEST}, (error, stdout, stderr) => {
        if (error !== null && error.code === 'ENOENT') {
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
