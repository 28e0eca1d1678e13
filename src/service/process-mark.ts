import {readText} from './change.ts';
import type {Machine} from './machine.ts';

/**
 * Returns a text that distinguishes a process from later ones with the same pid: its start time, and on Linux the boot.
 * `undefined`: the process does not exist or is a zombie.
 */
export async function markProcess(
  pid: number,
  {platform, run}: Pick<Machine, 'platform' | 'run'>,
): Promise<string | undefined> {
  if (platform === 'linux') return markByProc(pid);
  const {code, stdout} = await run(['/bin/ps', '-o', 'lstart=', '-p', String(pid)], {LC_ALL: 'C', TZ: 'UTC'});
  return code === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
}

async function markByProc(pid: number): Promise<string | undefined> {
  const [stat, boot] = await Promise.all([
    readText(`/proc/${pid}/stat`),
    readText('/proc/sys/kernel/random/boot_id'),
  ]);
  if (stat === undefined) return undefined;
  // the second field, in parentheses, is the name and can hold anything; numbers follow the last parenthesis
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  return state === 'Z' || state === 'X' ? undefined : `${boot?.trim()}/${startTime}`;
}
