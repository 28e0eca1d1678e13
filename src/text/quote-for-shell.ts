import {printable} from './printable.ts';

/** For POSIX shells, whatever the text holds. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * One word of a command that is printed for somebody to type: made safe to print, and quoted only where a shell would
 * read it otherwise.
 */
export function shellWord(text: string): string {
  // a command that is cut off does something else
  const shown = printable(text, LONGEST);
  return /^[\w./:@%+=,-]+$/.test(shown) ? shown : quoteForShell(shown);
}

/** Of a path, in UTF-16 code units. */
const LONGEST = 4096;
