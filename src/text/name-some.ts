import {printable} from './printable.ts';

/** Lists so many names, safe to print, and counts the rest: `a, b, c and 4 more`. */
export function nameSome(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).map((name) => printable(name, 60));
  return `${shown.join(', ')}${names.length > most ? ` and ${names.length - most} more` : ''}`;
}
