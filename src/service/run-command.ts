import {execFile} from 'node:child_process';
import type {Finished} from './machine.ts';
import {STOP_SECONDS} from './stop-limits.ts';
import type {Environment} from '../text/environment.ts';

/** In milliseconds. A command that restarts a daemon waits for the old one to stop and the new one to start. */
const LIMIT = (STOP_SECONDS + 10) * 1000;

/** Runs a program without a shell, for `LIMIT` at most, and keeps at most 1 MiB of output. */
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
