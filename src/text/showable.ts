import {printable} from './printable.ts';

/**
 * Returns a path that may be shown: parts that look like secrets are left out, because a user may have written the secret
 * in place of the name of its file.
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

/** Returns the name of a variable that may be shown: `the variable AZURE_CLIENT_SECRET`, or only `a variable`. */
export function showableVariable(name: string): string {
  return /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/.test(name) && name.split('_').every((part) => part.length <= 20)
    ? `the variable ${name}`
    : 'a variable';
}

/** Returns a key that may be shown. `undefined`: it may be a secret, which has digits or is longer than a key. */
export function showableKey(key: string): string | undefined {
  return /^\$?[A-Za-z]{1,30}$/.test(key) ? key : undefined;
}

/** Whether a text is longer than a word: with digits among its letters, or very long. */
function looksSecret(text: string): boolean {
  return (
    text.split(/[-_. ]/).some((word) => word.length >= 16 && (/\d/.test(word) || word.length >= 32)) ||
    text.length > 100
  );
}
