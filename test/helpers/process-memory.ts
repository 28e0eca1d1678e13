import {closeSync, openSync, readFileSync, readSync} from 'node:fs';

/** In bytes; what is looked for may lie across two of them. */
const CHUNK = 8 * 1024 * 1024;

/** Which of the needles are in what a process can write to: its heaps and stacks. Needs the right to trace it. */
export function needlesIn(pid: number, needles: Readonly<Record<string, Buffer>>): string[] {
  const longest = Math.max(...Object.values(needles).map(({length}) => length));
  const found = new Set<string>();
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const [start, end] of writableRanges(pid))
      for (let at = start; at < end; at += CHUNK) {
        const bytes = readAt(memory, at, Math.min(CHUNK + longest, end - at));
        for (const [name, needle] of Object.entries(needles)) if (bytes.includes(needle)) found.add(name);
      }
  } finally {
    closeSync(memory);
  }
  return [...found].toSorted();
}

function writableRanges(pid: number): [start: number, end: number][] {
  return readFileSync(`/proc/${pid}/maps`, 'latin1')
    .split('\n')
    .flatMap((line) => {
      const [, start = '', end = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      return start === '' ? [] : [[Number.parseInt(start, 16), Number.parseInt(end, 16)] as [number, number]];
    });
}

/** Empty where nothing is behind the addresses by now. */
function readAt(memory: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  try {
    return bytes.subarray(0, readSync(memory, bytes, 0, length, at));
  } catch {
    return Buffer.alloc(0);
  }
}
