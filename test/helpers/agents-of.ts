import {readFileSync, readdirSync} from 'node:fs';
import {until} from './patience.ts';

/** The ssh-agents whose socket was below a directory, as their arguments say. */
export function agentsOf(directory: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(Number.isInteger)
    .filter((pid) => {
      const [program = '', ...args] = readProcess(pid, 'cmdline').split('\0');
      return program.endsWith('/ssh-agent') && args.some((arg) => arg.startsWith(`${directory}/`));
    });
}

/** A file of `/proc/PID`; empty where the process is gone. */
export function readProcess(pid: number, what: string): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'latin1');
  } catch {
    return '';
  }
}

/** Waits until a process that is no child of ours is gone; one that only waits for its parent counts as gone. */
export async function goneProcess(pid: number): Promise<void> {
  await until(
    `the end of process ${pid}`,
    () => /^State:.*/m.exec(readProcess(pid, 'status'))?.[0] ?? '',
    (state) => !/\t[^Z]/.test(state),
  );
}
