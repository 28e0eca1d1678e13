import {readFileSync} from 'node:fs';
import {until} from './patience.ts';

/** Returns a file of `/proc/PID`; empty if the process has ended. */
function readProcess(pid: number, what: string): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'latin1');
  } catch {
    return '';
  }
}

/** Waits until a process that is not our child has ended. A zombie counts as ended. */
export async function goneProcess(pid: number): Promise<void> {
  await until(
    `the end of process ${pid}`,
    () => /^State:.*/m.exec(readProcess(pid, 'status'))?.[0] ?? '',
    (state) => !/\t[^Z]/.test(state),
  );
}
