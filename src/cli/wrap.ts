import {widthOf} from './terminal.ts';

/**
 * Breaks a text at spaces into lines of at most `columns` columns, and of at most `rest` columns after the first one.
 * A word that is too long stays whole.
 */
export function wrap(text: string, columns: number, rest = columns): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const isFull = line !== '' && widthOf(line) + 1 + widthOf(word) > (lines.length === 0 ? columns : rest);
    if (isFull) lines.push(line);
    line = isFull || line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
