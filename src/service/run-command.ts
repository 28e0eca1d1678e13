import {execFile} from 'node:child_process';
import type {Environment, Finished} from './machine.ts';

/** Runs a program, without a shell, to its end. At most 30 seconds; at most 1 MiB of output is kept. */
export function runCommand(command: readonly string[], environment: Environment): Promise<Finished> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      {env: {...environment}, encoding: 'utf8', timeout: 30_000, maxBuffer: 1 << 20},
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
        resolve({code, stdout, stderr: stderr === '' && error !== null ? error.message : stderr});
      },
    );
    child.stdin?.end();
  });
}
