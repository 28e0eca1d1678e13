import {printable} from './printable.ts';

/**
 * A path as it may be told: a part that could be a secret, because somebody wrote the secret itself where its
 * file's name belongs, is left out.
 */
export function showablePath(path: string): string {
  return printable(
    path
      .split('/')
      .map((part) => (looksSecret(part) ? '[…]' : part))
      .join('/'),
    300,
  );
}

/** A variable's name as it may be told: `the variable AZURE_CLIENT_SECRET`, or only `a variable`. */
export function showableVariable(name: string): string {
  return /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/.test(name) && name.split('_').every((part) => part.length <= 20)
    ? `the variable ${name}`
    : 'a variable';
}

/** Longer than a word, and no words: digits among letters, or upper and lower case as no name has them. */
function looksSecret(text: string): boolean {
  return (
    text.split(/[-_. ]/).some((word) => word.length >= 16 && (/\d/.test(word) || word.length >= 32)) ||
    text.length > 100
  );
}
