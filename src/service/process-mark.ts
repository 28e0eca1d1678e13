import {readText} from './change.ts';
import type {Machine} from './machine.ts';

/**
 * What tells a process from any later one with its number: when it started, and on Linux in which boot.
 * `undefined` where there is no such process, or only what its parent has yet to collect.
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
  // The name comes second, in parentheses, and can hold anything: what follows the last one is numbers
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  return state === 'Z' || state === 'X' ? undefined : `${boot?.trim()}/${startTime}`;
}
