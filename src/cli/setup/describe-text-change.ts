import {printable} from '../../text/printable.ts';
import {style} from '../terminal.ts';

/** Returns the lines that differ, the old ones before the new ones. What is the same before and after is left out. */
export function describeTextChange(before: string, after: string): string[] {
  const [old, now] = [linesOf(before), linesOf(after)];
  const shorter = Math.min(old.length, now.length);
  let start = 0;
  while (start < shorter && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < shorter - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  return [
    ...old.slice(start, old.length - end).map((line) => style('red', `- ${printable(line, 300)}`)),
    ...now.slice(start, now.length - end).map((line) => style('green', `+ ${printable(line, 300)}`)),
  ];
}

function linesOf(text: string): string[] {
  return text.trimEnd().split(/\r?\n/);
}
