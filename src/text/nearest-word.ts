/** Returns the word that was probably meant: at most a third of its letters, and never more than three, differ. */
export function nearestWord(typed: string, words: Iterable<string>): string | undefined {
  if (typed.length > 40) return undefined;
  let best: {readonly word: string; readonly distance: number} | undefined;
  for (const word of words) {
    const distance = distanceBetween(typed.toLowerCase(), word.toLowerCase());
    if (distance > Math.min(3, Math.floor(word.length / 3))) continue;
    if (best === undefined || distance < best.distance) best = {word, distance};
  }
  return best?.word;
}

/** Whether one of these was probably meant to be the word, so that it is reported as unknown, not as missing too. */
export function isMisspelt(word: string, typed: Iterable<string>): boolean {
  return [...typed].some((one) => nearestWord(one, [word]) !== undefined);
}

/** Counts the letters to insert, delete or change, and the neighbors to swap (Damerau's distance). */
function distanceBetween(one: string, other: string): number {
  let previous = Array.from({length: other.length + 1}, (_, index) => index);
  let beforePrevious = previous;
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const changed = (previous[column - 1] ?? 0) + (one[row - 1] === other[column - 1] ? 0 : 1);
      const isSwapped =
        column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      const swapped = isSwapped ? (beforePrevious[column - 2] ?? 0) + 1 : changed;
      current.push(Math.min(changed, swapped, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[other.length] ?? 0;
}
