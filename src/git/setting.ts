import {quoteForShell} from '../text/quote-for-shell.ts';
import {GitError} from './run-git.ts';

export interface Setting {
  /** `credential.https://dev.azure.com/contoso.helper`. */
  readonly key: string;
  readonly value: string;
}

/**
 * Returns `!script='/abs path/git-credential-orgkey'; f() { [ ! -r "$script" ] || . "$script"; }; f`: git runs a helper
 * in a shell anyway, and that shell reads the script instead of starting a second shell. Without the script, git asks its
 * next helper.
 */
export function helperValue(path: string): string {
  return `!script=${quoteForShell(path)}; f() { [ ! -r "$script" ] || . "$script"; }; f`;
}

/** Returns the script's path in our helper line, in any form that a version of `setup` wrote. */
export function pathInHelper(value: string): string | undefined {
  const quoted = /^!(?:script=)?'((?:[^']|'\\'')*\/git-credential-orgkey)'/.exec(value)?.[1];
  const path = quoted?.replaceAll(String.raw`'\''`, "'");
  if (path === undefined) return undefined;
  const word = quoteForShell(path);
  const forms = [helperValue(path), `!script=${word}; f() { . "$script"; }; f`, `!${word}`];
  return forms.includes(value) ? path : undefined;
}

/**
 * Rejects line breaks and NULs: git does not read back the value that it wrote, and in a shell or in the credential
 * protocol they are an attack.
 * @throws {GitError}
 */
export function checkSetting({key, value}: Setting): void {
  for (const text of [key, value]) {
    // eslint-disable-next-line no-control-regex
    if (/[\r\n\0]/.test(text))
      throw new GitError('ERR_GIT_VALUE', `a line break or a NUL is in ${JSON.stringify(text)}`, {
        hint: 'move it to a path without such characters',
      });
  }
}
