import {execFile} from 'node:child_process';
import type {Environment, Finished} from './machine.ts';
import {STOP_SECONDS} from './stop-limits.ts';

/** In milliseconds: what stops or restarts a daemon comes back when that has left, and a new one is started. */
const LIMIT = (STOP_SECONDS + 10) * 1000;

/** Runs a program, without a shell, to its end, or for `LIMIT`. At most 1 MiB of output is kept. */
export function runCommand(command: readonly string[], environment: Environment): Promise<Finished> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      {env: {...environment}, encoding: 'utf8', timeout: LIMIT, maxBuffer: 1 << 20},
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
        resolve({code, stdout, stderr: stderr === '' && error !== null ? error.message : stderr});
      },
    );
    child.stdin?.end();
  });
}
