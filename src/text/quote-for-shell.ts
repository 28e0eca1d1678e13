import {printable} from './printable.ts';

export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * Returns a word of a command that users copy: safe to print, and quoted only if a shell would read it differently.
 */
export function shellWord(text: string): string {
  // a truncated command would do something else
  const shown = printable(text, LONGEST);
  return /^[\w./:@%+=,-]+$/.test(shown) ? shown : quoteForShell(shown);
}

/** In UTF-16 code units; longer than any path. */
const LONGEST = 4096;
